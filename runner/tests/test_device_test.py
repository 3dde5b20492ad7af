# SPDX-License-Identifier: GPL-2.0-only
"""What `iommu-cts device-test` makes of a run of suites/device/: journals in, tables out."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path

from rich.console import Console

from results import journal
from results.tests.build_journal import DEVICE, Builder, planned
from results.waivers import WaiverFile
from runner import device_test
from runner.judge import judge

CODES = {"device-lacks", "not-driven", "not-root"}
FOLDER = Path(__file__).parents[2] / "suites" / "device"


def of(builder: Builder, folder: Path) -> device_test.Device:
    """The one device of a journal."""
    run = judge(builder.read(folder), WaiverFile(), CODES, date(2027, 1, 15))
    found = device_test.devices(run, folder)
    assert len(found) == 1
    return found[0]


def of_files(*paths: str) -> Builder:
    return Builder(*[planned(f"device/{path}") for path in paths])


def name(path: str) -> str:
    return f"device/{path}@{DEVICE}"


def skipped(builder: Builder, path: str, code: str) -> None:
    builder.start(name(path)).record(name(path), skip={"code": code, "text": "because"})
    builder.ok(name(path), " # SKIP because").stop(name(path))


def test_every_file_of_the_suite_has_a_line() -> None:
    files = {path.stem for path in FOLDER.glob("*.c")}
    assert files - {device_test.ABOUT} == set(device_test.CHECKS)


def test_what_passed_works_and_what_the_driver_lacks_is_not_claimed(tmp_path: Path) -> None:
    builder = of_files("write/exactly", "write/again", "msi/once", "msi/dma")
    builder.passed(name("write/exactly")).passed(name("write/again"))
    skipped(builder, "msi/once", "not-driven")
    skipped(builder, "msi/dma", "device-lacks")
    found = of(builder, tmp_path)
    assert [(check.name, check.state) for check in found.checks] == [("write", "works"), ("msi", "not claimed")]


def test_one_failure_is_enough_and_says_what_was_seen(tmp_path: Path) -> None:
    builder = of_files("write/exactly", "write/again").passed(name("write/exactly")).failed(name("write/again"))
    check = of(builder, tmp_path).checks[0]
    assert check.state == "does not work"
    assert check.why.startswith("device/write/again: ") and "Expected -1" in check.why


def test_what_the_lab_spoilt_or_never_ran_is_not_known(tmp_path: Path) -> None:
    builder = of_files("write/exactly", "read/sees", "copy/exactly")
    builder.start(name("write/exactly")).record(name("write/exactly"), lab_error="no such luck").stop(name("write/exactly"), code=1)
    skipped(builder, "read/sees", "not-root")
    found = of(builder, tmp_path)
    assert [check.state for check in found.checks] == ["not known"] * 3
    assert "no such luck" in found.checks[0].why
    assert found.checks[1].why == "because"


def test_facts_and_times_are_shown(tmp_path: Path) -> None:
    builder = of_files("about/driver", "about/write_time", "write/exactly").passed(name("write/exactly"))
    builder.start(name("about/driver")).record(name("about/driver"), fact={"driver": "edu"})
    builder.record(name("about/driver"), fact={"writes": "1 to 4096"}).stop(name("about/driver"))
    row = {"measure": "dma-write", "unit": "ns", "better": "less", "params": {"size": 1}, "samples": [1000, 3000, 2000]}
    builder.start(name("about/write_time")).record(name("about/write_time"), **row).stop(name("about/write_time"))
    found = of(builder, tmp_path)
    assert found.facts == {"driver": "edu", "writes": "1 to 4096"} and found.write_ns == 2000
    out = io.StringIO()
    device_test.print_tables([found], Console(file=out, width=120))
    assert "driver edu" in out.getvalue() and "1 to 4096" in out.getvalue() and "2.0 us" in out.getvalue()
    assert json.loads(device_test.as_json([found]))[0]["checks"][0]["state"] == "works"


def test_bad_facts_are_left_aside(tmp_path: Path) -> None:
    builder = of_files("about/driver")
    builder.start(name("about/driver")).record(name("about/driver"), fact="edu").stop(name("about/driver"))
    assert of(builder, tmp_path).facts == {}
    assert journal.read(tmp_path / "journal.jsonl").problems == []
