# SPDX-License-Identifier: GPL-2.0-only
"""What the tests of the judge share: a journal goes in, a judged run comes out."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Callable

import pytest

from results.model import Reason, Result, Run, Verdict
from results.tests.build_journal import DEVICE, Builder
from results.waivers import WaiverFile
from runner.judge import judge

CODES = {"no-cdev", "kernel-lacks"}
TODAY = date(2027, 1, 15)
PATH = "access/parked/read"
ID = f"{PATH}@{DEVICE}"
WARN = (
    "------------[ cut here ]------------",
    "WARNING: CPU: 1 PID: 77 at drivers/iommu/iommufd/device.c:1280 f+0x1/0x2",
    "Call Trace:",
    "---[ end trace 0000000000000000 ]---",
)

Judge = Callable[[Builder], Run]


@pytest.fixture(name="run_of")
def judge_fixture(tmp_path: Path) -> Judge:
    """Judges what a builder has built, by way of a journal on disk."""
    return lambda builder: judge(builder.read(tmp_path), WaiverFile(), CODES, TODAY)


def one(run: Run) -> Result:
    assert len(run.results) == 1
    return run.results[0]


def told(run: Run) -> tuple[Verdict, str | None]:
    result = one(run)
    return result.verdict, result.reason.code if result.reason else None


def why(result: Result) -> Reason:
    assert result.reason is not None
    return result.reason
