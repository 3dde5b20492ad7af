# SPDX-License-Identifier: GPL-2.0-only
"""results.json, results.ktap, results.xml and the summary, made of one run that has every verdict."""

from __future__ import annotations

import copy
import io
import json
import os
import sys
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from rich.console import Console

from lab import ksrc
from results import build, journal, junit, ktap, report
from results.model import Run, counts
from results.summary import WIDTH, print_summary
from results.tests.build_journal import DEVICE, OTHER, Builder, every_verdict, planned
from results.waivers import WaiverFile, load
from runner.judge import exit_code, judge

GOLDEN = Path(__file__).parent / "golden"
TODAY = date(2027, 1, 15)
WAIVER = """[[waiver]]
test = "access/bind/twice"
reason = "the second bind succeeds"
url = "https://lore.kernel.org/r/1"
expires = 2027-03-31
"""


@pytest.fixture(name="run")
def _run(tmp_path: Path) -> Run:
    (tmp_path / "waivers.toml").write_text(WAIVER)
    waivers = load(tmp_path / "waivers.toml")
    return judge(every_verdict().read(tmp_path), waivers, {"kernel-lacks", "no-cdev"}, TODAY)


def same_as_golden(name: str, text: str) -> None:
    """Compares with the golden file; GOLDEN=write writes it instead, to be reviewed as a change."""
    path = GOLDEN / name
    if os.environ.get("GOLDEN") == "write":
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")


def test_counts(run: Run) -> None:
    assert list(counts(run.results).values()) == [3, 3, 1, 1, 1, 2, 1]


def test_json(run: Run) -> None:
    same_as_golden("every-verdict.json", build.dump(build.build(run, exit_code(run))))


def document(run: Run) -> dict[str, Any]:
    return copy.deepcopy(build.build(run, 1))


@pytest.mark.parametrize("path, value", [
    (["version"], 2),
    (["schema"], "other"),
    (["extra"], 1),
    (["run", "exit_code"], 2),
    (["run", "extra"], 1),
    (["run", "started"], "yesterday"),
    (["counts", "pass"], -1),
    (["counts", "warn"], 0),
    (["boots"], "1"),
    (["problems", 0], {"kind": "lab"}),
    (["results", 0, "verdict"], "OK"),
    (["results", 0, "extra"], 1),
    (["results", 0, "duration_ns"], 1.5),
    (["results", 0, "reason"], {"code": "a", "text": ""}),
    (["results", 0, "waived"], {"reason": "a", "url": "http://a", "expires": "2027-01-01"}),
    (["results", 4, "waived", "url"], "lore"),
    (["results", 5, "reason"], None),
    (["results", 5, "reason", "code"], "A B"),
    (["results", 5, "evidence", 0, "kind"], ""),
    (["results", 6, "kind"], "check"),
    (["results", 11, "measurements", 0, "samples", 0], "1"),
    (["results", 11, "measurements", 0, "better"], "bigger"),
])
def test_schema_refuses(run: Run, path: list[Any], value: Any) -> None:
    made = document(run)
    build.check(made)
    place = made
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(build.SchemaError, match="results.json does not follow results-1.json at \\$"):
        build.check(made)


@pytest.mark.parametrize("key", ["schema", "version", "run", "environment", "counts", "boots", "results"])
def test_schema_demands(run: Run, key: str) -> None:
    made = document(run)
    del made[key]
    with pytest.raises(build.SchemaError, match=key):
        build.check(made)


def test_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(build.SCHEMA.read_text()))


def test_ktap(run: Run) -> None:
    same_as_golden("every-verdict.ktap", ktap.render(run))


def test_ktap_names_stay_apart(tmp_path: Path) -> None:
    made = Builder(planned("a/b/c", None), planned("a/b/c/d", None), planned("a/b/c#", None, id="x")).done()
    text = ktap.render(judge(made.read(tmp_path), load(tmp_path / "none"), set(), TODAY))
    assert [line.split(" # ")[0].strip() for line in text.splitlines() if "ok " in line] == [
        "not ok 1 c", "not ok 1 d", "not ok 2 c/", "not ok 3 c_", "not ok 1 b", "not ok 1 a"]


def test_ktap_is_what_the_kernels_parser_reads(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ksrc.find(None).tree / "tools/testing/kunit"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    import kunit_parser
    import kunit_printer

    printed = io.StringIO()
    top = kunit_parser.parse_run_tests(ktap.render(run).splitlines(), kunit_printer.Printer(printed))
    assert "[ERROR]" not in printed.getvalue()
    found = top.counts
    # a known failure is ok; ERROR and MISS are not ok
    assert (found.passed, found.failed, found.skipped, found.crashed, found.errors) == (5, 5, 2, 0, 0)
    assert [test.name for test in top.subtests] == ["access", "ioas", "bench"]
    parked = top.subtests[0].subtests[0]
    assert [test.name for test in parked.subtests] == [f"read@{DEVICE}", f"read@{OTHER}", "mmap"]


def test_junit(run: Run) -> None:
    text = junit.render(run)
    root = ElementTree.fromstring(text)
    # the suites' own attributes differ between versions of junitparser
    cases = [ElementTree.tostring(case, "unicode") for case in root.iter("testcase")]
    same_as_golden("every-verdict.xml", "\n".join(map(ElementTree.canonicalize, cases)) + "\n")
    assert [suite.get("name") for suite in root] == ["access/parked", "access/bind", "ioas/map", "bench/map", "run"]
    assert {key: root.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "13", "failures": "3", "errors": "3", "skipped": "3"}


def test_junit_of_a_path_that_xml_can_not_hold(tmp_path: Path) -> None:
    made = Builder(planned("a\x01/b\ud800/c")).done()
    text = junit.render(judge(made.read(tmp_path), WaiverFile(), set(), TODAY))
    assert [suite.get("name") for suite in ElementTree.fromstring(text)] == ["a\ufffd/b\ufffd"]


def shown(run: Run, durations: int = 0, **keys: Any) -> str:
    out = io.StringIO()
    print_summary(run, Console(file=out, **keys), durations)
    return out.getvalue()


def test_summary(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    text = shown(run)
    same_as_golden("every-verdict.txt", text)
    assert "\x1b" not in text and max(map(len, text.splitlines())) <= WIDTH
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in shown(run, force_terminal=True, color_system="standard")


def test_slowest_tests(tmp_path: Path) -> None:
    tests = [planned(f"a/b/{name}") for name in ("quick", "slow", "skipped", "never", "middle")]
    made = Builder(*tests)
    for test, duration in zip(tests, (1_400_000, 61_000_000_000, 600_000, None, 2_000_000_000)):
        if duration is not None:
            made.start(test["id"]).ok(test["id"]).stop(test["id"], duration_ns=duration)
    run = judge(made.done().read(tmp_path), WaiverFile(), set(), TODAY)
    assert "slowest" not in shown(run)
    assert shown(run, 2).split("\n\n")[-2].splitlines() == [
        "slowest tests  2 of 4, which took 63.002 s in all",
        f"    61.000 s  a/b/slow@{DEVICE}",
        f"     2.000 s  a/b/middle@{DEVICE}",
    ]


def test_a_run_that_tested_nothing_says_so(tmp_path: Path) -> None:
    tests = [planned(f"a/b/{name}", skip={"code": "no-cdev", "text": "none"}) for name in ("c", "d")]
    run = judge(Builder(*tests).done().read(tmp_path), WaiverFile(), {"no-cdev"}, TODAY)
    assert exit_code(run) == 0 and "held" not in shown(run)
    assert shown(run).endswith("\n\nNOTHING WAS TESTED: every test was skipped\n")


def test_summary_of_a_green_run_fits_a_screen(tmp_path: Path) -> None:
    tests = [planned(f"subject{number % 3}/file{number % 9}/name{number}") for number in range(60)]
    made = Builder(*tests)
    for test in tests:
        made.passed(test["id"])
    text = shown(judge(made.done().read(tmp_path), WaiverFile(), set(), TODAY))
    assert len(text.splitlines()) <= 24 and "every promise that was checked held" in text


def test_summary_crops_what_is_too_wide(tmp_path: Path) -> None:
    test = planned("access/parked/read")
    made = Builder(test).start(test["id"]).not_ok(test["id"], "a.c:1:" + "x" * 500).stop(test["id"], code=1)
    text = shown(judge(made.done().read(tmp_path), WaiverFile(), set(), TODAY))
    assert max(map(len, text.splitlines())) == WIDTH and "xxx...\n" in text


def test_summary_on_a_console_without_unicode(run: Run) -> None:
    raw = io.BytesIO()
    console = Console(file=io.TextIOWrapper(raw, "latin-1"))
    print_summary(run, console)
    console.file.flush()
    assert b"< & \xe9 Subtest" in raw.getvalue() and b"Expected ?[31m" in raw.getvalue()


def test_write_all(tmp_path: Path) -> None:
    (tmp_path / "waivers.toml").write_text(WAIVER)
    every_verdict().write(tmp_path)
    run = report.write_all(tmp_path, tmp_path / "waivers.toml", TODAY)
    assert exit_code(run) == 1 and run.directory == tmp_path and shown(run).endswith(f"{tmp_path}\n")
    names = ["results.json", "results.ktap", "results.xml"]
    first = [(tmp_path / name).read_bytes() for name in names]
    build.check(json.loads(first[0]))
    assert {path.name for path in tmp_path.iterdir()} == {*names, "journal.jsonl", "waivers.toml"}
    report.write_all(tmp_path, tmp_path / "waivers.toml", TODAY)
    assert [(tmp_path / name).read_bytes() for name in names] == first


def test_write_all_of_any_damaged_journal(tmp_path: Path) -> None:
    """Whatever is left of a journal, every report is made, and none of them is green."""
    data = every_verdict().text()
    path = tmp_path / "journal.jsonl"
    for cut in range(0, len(data), 397):
        for text in (data[:cut], data[:cut] + b"garbage" + data[cut + 40:]):
            path.write_bytes(text)
            run = report.write_all(tmp_path, None, TODAY)
            assert exit_code(run) in (1, 3)
            ElementTree.fromstring((tmp_path / "results.xml").read_text("utf-8"))
            shown(run)


def test_write_all_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(journal.JournalError, match="cannot read the journal"):
        report.write_all(tmp_path, None, TODAY)
    every_verdict().write(tmp_path)
    (tmp_path / "results.json").mkdir()
    with pytest.raises(report.ReportError, match="results.json: cannot write .*the journal is kept"):
        report.write_all(tmp_path, None, TODAY)
    assert {path.name for path in tmp_path.iterdir()} == {"journal.jsonl", "results.json"}
