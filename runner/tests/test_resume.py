# SPDX-License-Identifier: GPL-2.0-only
"""Going on with a run, on real machines: after the disk was full, and not with something else than it was begun with."""

import dataclasses
import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import host
from lab.errors import UsageError
from results.journal import EventEntry, JournalError, ResumeEntry, read
from runner import run as running
from runner.tests import meta


@pytest.fixture(name="disk")
def disk_fixture(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MiB."""
    if os.getuid():
        pytest.skip("only root may mount")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(tmp_path)], check=True)
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def fill_disk_after(tests: int, runs: Path) -> None:
    """Leaves no room once so many tests have ended."""
    for entry in meta.journals(runs):
        tests -= isinstance(entry, EventEntry) and entry.event["ev"] == "test_end"
        if not tests:
            break
    with (runs / "filler").open("wb", buffering=0) as filler:
        try:
            while filler.write(bytes(1024)):
                pass
        except OSError as error:
            assert error.errno == errno.ENOSPC


def ended(folder: Path) -> list[str]:
    events = [entry.event for entry in read(folder / "journal.jsonl").entries if isinstance(entry, EventEntry)]
    return [event["id"] for event in events if event["ev"] == "test_end"]


def test_a_full_disk_loses_nothing(disk: Path) -> None:
    suite = meta.build()
    with pytest.raises(JournalError, match="No space left on device.*make room and go on by `iommu-cts run --resume"):
        suite.run(disk, "meta/skips/*", "meta/told/passes*", hook=lambda runs: fill_disk_after(4, runs))
    (folder,) = (path.parent for path in disk.glob("*/journal.jsonl"))
    before = ended(folder)
    assert len(before) >= 4
    meta.wait_until_gone(folder)
    (disk / "filler").unlink()
    torn = read(folder / "journal.jsonl").torn

    options = running.Options("vtd", select=["meta/skips/*", "meta/told/passes*"], runs=disk, waivers=meta.NO_WAIVERS)
    other = dataclasses.replace(suite.lab.programs, suites={**suite.lab.programs.suites, "meta/told": suite.lab.programs.init})
    with pytest.raises(UsageError, match="can't go on: test program meta/told: not what it was begun with"):
        running.go_on(folder, options, host.find("vtd"), dataclasses.replace(suite.lab, programs=other), suite.tests)
    assert read(folder / "journal.jsonl").torn == torn

    _, judged = running.go_on(folder, options, host.find("vtd"), suite.lab, suite.tests)
    told = meta.told(judged)
    assert {verdict.split()[0] for name, verdict in told.items() if "failed" not in name} == {"PASS", "SKIP"}
    assert judged.complete and not judged.problems and "skips/KERNEL_LACKS" in told
    after = ended(folder)
    assert after[:len(before)] == before and len(after) == len(set(after))  # nothing ran twice that had an end
    (resume,) = (entry for entry in read(folder / "journal.jsonl").entries if isinstance(entry, ResumeEntry))
    assert bool(resume.cut) == torn
