# SPDX-License-Identifier: GPL-2.0-only
"""`iommu-cts coverage`: from a catalogue, tests and kept runs to its three forms; and docs/coverage.md is up to date."""

import dataclasses
import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rich.console import Console

from lab import binaries, ksrc
from lab.errors import LabError, UsageError
from results import report
from results.tests.build_journal import every_verdict
from runner import catalogue, coverage, suite
from runner.catalogue import Requirement, Untested
from runner.catalogue import Test as SuiteTest
from runner.coverage import Kept

READ = Requirement("PARK-001", "A parked file | can't be read", "s", "src", "must", "promise", ("cdev",), "6.6", subject="access")
WRITE = dataclasses.replace(READ, id="PARK-002", title="written", note="suspected")
VF = dataclasses.replace(READ, id="VF-001", title="a VF", subject="sriov", untested=Untested("later", "a VF"))
FSL = dataclasses.replace(VF, id="FSL-001", level="should", untested=Untested("impossible", "a board", "QEMU has none"))
COST = dataclasses.replace(READ, id="COST-001", title="cost", subject="bench", kind="measurement")
CATALOGUE = {one.id: one for one in (READ, WRITE, VF, FSL, COST)}


def named(path: str, *requirements: str) -> SuiteTest:
    return SuiteTest(path, "access/a", "a.one", "a title", requirements, ("cdev",), "promise", 30, 0, False)


TESTS = [named("access/a/one/x", "PARK-001"), named("access/a/one/y", "PARK-001", "PARK-002"), named("bench/b/cost", "COST-001")]


def result(verdict: str, *requirements: str, reason: str | None = None, waived: bool = False) -> dict[str, Any]:
    return {"verdict": verdict, "requirements": list(requirements), "waived": {"reason": "r"} if waived else None,
            "reason": {"code": reason, "text": "t"} if reason else None}  # fmt: skip


def seen(*results: dict[str, Any]) -> dict[str, Kept]:
    return {"vtd": Kept("20261122T132000-vtd", "vtd", "2026-11-22T13:20:00.000Z", list(results))}


def verdict(*results: dict[str, Any]) -> str:
    row = coverage.rows(CATALOGUE, TESTS, seen(*results))[0]
    return row.said["vtd"].words() if row.said else ""


def test_tests_stand_beside_what_they_name() -> None:
    found = coverage.rows(CATALOGUE, TESTS, {})
    assert [[one.path for one in row.tests] for row in found[:2]] == [["access/a/one/x", "access/a/one/y"], ["access/a/one/y"]]
    assert [row.state for row in found] == ["tested", "tested", "later", "impossible", "tested"]
    assert coverage.totals(found) == {"tested": 3, "later": 1, "impossible": 1}


@pytest.mark.parametrize(
    ("results", "words"),
    [
        ([("PASS", {}), ("FAIL", {}), ("ERROR", {})], "FAIL"),
        ([("PASS", {}), ("ERROR", {}), ("MISS", {})], "ERROR"),
        ([("PASS", {}), ("MISS", {}), ("FAIL", {"waived": True})], "MISS"),
        ([("PASS", {}), ("FAIL", {"waived": True})], "KNOWN"),
        ([("SKIP", {"reason": "no-kvm"}), ("PASS", {})], "PASS"),
        ([("DONE", {}), ("SKIP", {"reason": "no-kvm"})], "DONE"),
        ([("SKIP", {"reason": "no-kvm"}), ("SKIP", {"reason": "lockdown"}), ("SKIP", {"reason": "no-kvm"})], "SKIP no-kvm"),
        ([], ""),
    ],
)
def test_the_worst_result_is_the_verdict(results: list[tuple[str, dict[str, Any]]], words: str) -> None:
    assert verdict(*(result(name, "PARK-001", **keys) for name, keys in results)) == words


def test_a_run_speaks_of_what_its_own_tests_named() -> None:
    assert verdict(result("FAIL", "PARK-002"), result("PASS", "GONE-001")) == ""


def test_the_newest_run_of_each_host_counts() -> None:
    old, new = (Kept(f"{day}-vtd", "vtd", f"2026-11-{day}T00:00:00.000Z", []) for day in (21, 22))
    other = dataclasses.replace(old, id="21-amdvi", host="amdvi")
    assert coverage.newest([new, other, old]) == {"amdvi": other, "vtd": new}


def test_a_kept_run_is_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="iommu-cts report"):
        coverage.read_run(tmp_path)
    every_verdict().write(tmp_path)
    judged = report.write_all(tmp_path, None, date(2027, 1, 15))
    kept = coverage.read_run(tmp_path)
    assert (kept.id, kept.host, len(kept.results)) == (judged.id, judged.host, len(judged.results))
    (tmp_path / "results.json").write_text("{")
    with pytest.raises(LabError, match="is no JSON"):
        coverage.read_run(tmp_path)


def shown(found: list[coverage.Row], runs: dict[str, Kept]) -> str:
    console = Console(file=io.StringIO(), width=160, highlight=False)
    coverage.print_table(found, runs, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in str(text).splitlines())


def test_the_table() -> None:
    runs = seen(result("FAIL", "PARK-001"))
    text = shown(coverage.rows(CATALOGUE, TESTS, runs), runs)
    assert "access/a (2)" in text and "FAIL" in text and "vtd: 20261122T132000-vtd" in text
    assert "later; it takes a VF" in text and "impossible: QEMU has none; it would take a board" in text
    assert text.endswith("5 requirements: 3 tested, 1 later, 1 impossible; of 3 promises that must hold 2 are tested")


def test_the_document_for_programs_follows_its_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(coverage.SCHEMA.read_text()))
    runs = seen(result("SKIP", "PARK-001", reason="no-kvm"))
    built = coverage.document(coverage.rows(CATALOGUE, TESTS, runs), runs)
    assert built["requirements"][0]["verdicts"] == {"vtd": {"verdict": "skip", "counts": {"skip": 1}, "reason": "no-kvm"}}
    assert built["requirements"][3]["untested"] == {"kind": "impossible", "takes": "a board", "reason": "QEMU has none"}


def test_markdown() -> None:
    found = coverage.rows(CATALOGUE, TESTS, {})
    text = coverage.markdown(found, {})
    assert "| PARK-001 | A parked file \\| can't be read | must | promise | 2: `access/a/one` (2) |" in text
    assert "| PARK-002 | written<br>Note: suspected | must | promise | 1: `access/a/one` |" in text
    assert "| VF-001 | a VF | must | promise | later; it takes a VF |" in text
    assert "| [sriov](#sriov) | 2 | 0 | 1 | 1 |" in text and text.endswith("|\n")
    assert text == coverage.markdown(found, {})
    runs = seen(result("FAIL", "PARK-001", waived=True))
    assert "`access/a/one` (2) | KNOWN |" in coverage.markdown(coverage.rows(CATALOGUE, TESTS, runs), runs)


def test_a_document_that_is_stale_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "requirements", lambda: CATALOGUE)
    monkeypatch.setattr(coverage, "DOCUMENT", tmp_path / "coverage.md")
    assert "is not there" in str(coverage.stale(TESTS))
    coverage.DOCUMENT.write_text(coverage.markdown(coverage.rows(CATALOGUE, TESTS, {}), {}))
    assert coverage.stale(TESTS) is None
    assert "make it again by `iommu-cts coverage --markdown" in str(coverage.stale(TESTS[1:]))


def test_the_committed_document_is_up_to_date() -> None:
    box, source = ksrc.with_toolbox(None)
    assert coverage.stale(catalogue.load(binaries.build(box, source, suite.label()).suites)) is None
