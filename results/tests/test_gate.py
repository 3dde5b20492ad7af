# SPDX-License-Identifier: GPL-2.0-only
"""`iommu-cts gate`: what closes it, what leaves it unknown, and how that is told."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console

from lab.errors import UsageError
from results import bench, calibration, gate, gate_reports, gate_words, store
from results.gate import Gate, Kept
from results.sides import Reason, Told
from results.tests.build_bench import bench_of, measured
from results.tests.build_journal import Builder, planned
from runner import cli
from runner import run as running

Said = pytest.CaptureFixture[str]
NAMES = {"KNOWN": "FAIL"}


def kept(words: dict[str, str], id: str = "run", host: str = "vtd", **keys: Any) -> Kept:
    results = [
        Told(
            test, test, NAMES.get(word, word), None, None if word in ("PASS", "DONE") else Reason("why-not", f"because of {test}"),
            {"reason": "a bug", "url": "https://x.org"} if word == "KNOWN" else None,
        ) for test, word in words.items()
    ]  # fmt: skip
    return Kept(id, host, keys.get("kernel", "7.3.4"), keys.get("suite", "0123"), results, keys.get("problems", []), keys.get("build"))


def judged(old: str | None, new: str | None) -> Gate:
    one = {"a/b/same": "PASS"}
    return gate.judge(
        kept(one | ({"a/b/c": old} if old else {}), "old", kernel="7.3.3"), kept(one | ({"a/b/c": new} if new else {}), "new"), []
    )


@pytest.mark.parametrize(
    ("old", "new", "change", "word"),
    [
        ("PASS", "FAIL", gate.NEW_FAILURE, "CLOSED"),
        ("SKIP", "FAIL", gate.NEW_FAILURE, "CLOSED"),
        ("ERROR", "FAIL", gate.NEW_FAILURE, "CLOSED"),
        ("KNOWN", "FAIL", gate.NEW_FAILURE, "CLOSED"),
        (None, "FAIL", gate.NEW_FAILURE, "CLOSED"),
        ("FAIL", "FAIL", gate.STILL, "OPEN"),
        ("FAIL", "KNOWN", gate.STILL, "OPEN"),
        ("PASS", "KNOWN", gate.NEW_KNOWN, "OPEN"),
        ("KNOWN", "KNOWN", None, "OPEN"),
        ("FAIL", "PASS", gate.FIXED, "OPEN"),
        ("KNOWN", "PASS", gate.FIXED, "OPEN"),
        ("PASS", "SKIP", gate.LOST, "CLOSED"),
        ("FAIL", "SKIP", gate.LOST, "CLOSED"),
        ("DONE", None, gate.LOST, "CLOSED"),
        ("SKIP", None, None, "OPEN"),
        ("ERROR", "SKIP", None, "OPEN"),
        ("SKIP", "SKIP", None, "OPEN"),
        ("SKIP", "PASS", None, "OPEN"),
        ("PASS", "ERROR", gate.NOT_KNOWN, "UNKNOWN"),
        ("PASS", "MISS", gate.NOT_KNOWN, "UNKNOWN"),
        ("ERROR", "ERROR", gate.NOT_KNOWN, "UNKNOWN"),
        (None, "PASS", gate.NEW_TEST, "OPEN"),
        ("PASS", "PASS", None, "OPEN"),
    ],
)
def test_what_becomes_of_a_test(old: str | None, new: str | None, change: str | None, word: str) -> None:
    found = judged(old, new)
    assert [item.change for item in found.items] == ([change] if change else [])
    assert (found.word, found.code) == (word, gate.CODES[word])


def test_what_closes_the_gate_outweighs_what_nobody_knows() -> None:
    found = gate.judge(kept({"a": "PASS", "b": "PASS"}, "old"), kept({"a": "ERROR", "b": "FAIL"}, "new"), [])
    assert found.word == "CLOSED" and [item.test for item in found.items] == ["b", "a"]


def test_a_problem_of_the_candidate_leaves_it_unknown_and_one_of_the_baseline_does_not() -> None:
    good, bad = kept({"a": "PASS"}, "good"), kept({"a": "PASS"}, "bad", problems=["lab: no room"])
    assert gate.judge(good, bad, []).word == "UNKNOWN"
    assert gate.judge(bad, good, []).word == "OPEN"


def test_a_baseline_that_was_edited_is_none() -> None:
    """A PASS in it that was made a FAIL would let a failure through as one that there was before."""
    edited = kept({"a": "FAIL"}, "old", problems=["journal: line 7 was changed"])
    found = gate.judge(edited, kept({"a": "FAIL"}, "new"), [])
    assert found.word == "UNKNOWN"
    assert all("baseline: journal: line 7 was changed" in text for text in (gate_words.markdown(found), gate_reports.junit(found)))
    out = io.StringIO()
    gate_words.print_gate(found, Console(file=out, width=200))
    assert "problems of the runs\n  baseline: journal: line 7 was changed" in out.getvalue()


def test_another_host_is_refused() -> None:
    with pytest.raises(UsageError, match="of host vtd, the candidate new of amdvi"):
        gate.judge(kept({}, "old"), kept({}, "new", host="amdvi"), [])


def test_flaky_is_what_differs_on_one_ground() -> None:
    good, bad, lab = kept({"a": "PASS"}, "1"), kept({"a": "FAIL"}, "2"), kept({"a": "ERROR"}, "3")
    assert gate.flaky([good, bad]) == {"a": ["FAIL", "PASS"]}
    assert not gate.flaky([good, lab])
    for other in ({"kernel": "7.4"}, {"host": "x"}, {"suite": "7"}, {"build": "89ab"}):
        assert not gate.flaky([good, kept({"a": "FAIL"}, "4", **other)])


def test_a_waiver_that_was_written_in_between_makes_no_test_flaky() -> None:
    assert not gate.flaky([kept({"a": "FAIL"}, "1"), kept({"a": "KNOWN"}, "2")])
    assert gate.flaky([kept({"a": "PASS"}, "1"), kept({"a": "KNOWN"}, "2")]) == {"a": ["FAIL", "PASS"]}


def test_two_builds_of_one_release_are_told_apart() -> None:
    found = gate.judge(kept({"a": "PASS"}, "old", build="01" * 32), kept({"a": "FAIL"}, "new", build="23" * 32), [])
    assert not found.items[0].flaky
    assert "of Linux 7.3.4 these are two builds: 010101010101 and 232323232323" in gate_words.heading(found)


def test_a_new_failure_of_a_flaky_test_closes_the_gate() -> None:
    old, new = kept({"a": "PASS"}, "old", kernel="7.3.3"), kept({"a": "FAIL"}, "new")
    assert not gate.judge(old, new, []).items[0].flaky
    found = gate.judge(old, new, [kept({"a": "PASS"}, "earlier")])
    assert found.word == "CLOSED" and found.items[0].flaky and found.runs == 3
    assert gate.judge(old, new, [new, new]).runs == 2


HOSTILE = "because </td> | `x` @you \x1b[31m\n# ok 1"


def hostile() -> Gate:
    old, new = kept({"a/b/c": "PASS", "a/b/d": "FAIL", "a/b/e": "PASS", "a/b/f": "PASS"}, "old"), kept({"a/b/d": "FAIL"}, "new")
    new.results.append(Told("a/b/c", "a/b/c", "FAIL", None, Reason("assertion", HOSTILE)))
    new.results.append(Told("a/b/e", "a/b/e", "ERROR", None, Reason("lab", HOSTILE)))
    return gate.judge(old, new, [])


def test_markdown_shows_what_closes_and_folds_the_rest() -> None:
    text = gate_words.markdown(hostile())
    shown, folded = text.split("<details>", 1)
    assert "### new failure: 1 test" in shown and "### lost coverage: 1 test" in shown and "### not known: 1 test" in shown
    assert "<summary>still failing: 1 test</summary>" in folded and text.count("<details>") == text.count("</details>")
    assert "| `a/b/c` (flaky) | PASS -> FAIL | `assertion: because </td> \\| 'x' @you \ufffd[31m # ok 1` |" in shown


def test_reports_for_programs() -> None:
    found = hostile()
    cases = {one.get("name"): one for one in ElementTree.fromstring(gate_reports.junit(found)).iter("testcase")}
    assert [[child.tag for child in cases[name] if child.tag in ("failure", "error", "skipped")] for name in
            ("gate", "a/b/c", "a/b/f", "a/b/e", "a/b/d")] == [["failure"], ["failure"], ["failure"], ["error"], ["skipped"]]  # fmt: skip
    lines = gate_reports.ktap(found).split("\n")
    results = [one for one in lines if one.startswith(("ok ", "not ok "))]
    assert lines[1] == "1..5" and len(results) == 5
    assert results[0] == "not ok 1 gate # CLOSED" and results[1].startswith("not ok 2 a/b/c # new failure (flaky, PASS -> FAIL): assertion")
    assert results[4].startswith("ok 5 a/b/d # XFAIL still failing")


def test_the_terminal_gets_no_control_characters() -> None:
    out = io.StringIO()
    gate_words.print_gate(hostile(), Console(file=out, width=200))
    assert "\x1b" not in out.getvalue() and "the gate is CLOSED" in out.getvalue()


def run_of(folder: Path, verdict: str) -> Path:
    folder.mkdir()
    made = Builder(planned("a/b/c"))
    getattr(made, verdict)("a/b/c@0000:01:00.0").done()
    made.lines[0] |= {"id": folder.name, "environment": {"target": {"uname": {"release": "7.3.4"}}}}
    made.write(folder)
    return folder


@pytest.fixture(autouse=True)
def _benches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "FOLDER", tmp_path / "calibration")
    monkeypatch.setattr(bench, "BENCHES", tmp_path)


def call(capsys: Said, *words: object) -> tuple[int, str, str]:
    code = cli.main(["gate", *map(str, words)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_command(tmp_path: Path, capsys: Said) -> None:
    (tmp_path / "w.toml").write_text('[[waiver]]\ntest = "a/b/c"\nreason = "r"\nurl = "https://x.org"\nexpires = 2999-03-31\n')
    good, bad = run_of(tmp_path / "good", "passed"), run_of(tmp_path / "bad", "failed")
    none = tmp_path / "none.toml"
    none.write_text("")
    files = [word for kind in ("markdown", "junit", "ktap") for word in (f"--{kind}", tmp_path / f"out.{kind}")]
    code, out, _ = call(capsys, "--baseline", good, "--candidate", bad, "--waivers", none, *files)
    assert code == 1 and "PASS -> FAIL" in out and "(flaky)" in out
    assert all((tmp_path / f"out.{kind}").read_text() for kind in ("markdown", "junit", "ktap"))
    assert call(capsys, "--baseline", bad, "--candidate", good, "--waivers", none)[0] == 0
    assert call(capsys, "--baseline", good, "--candidate", bad, "--waivers", tmp_path / "w.toml")[0] == 0
    code, _, err = call(capsys, "--baseline", good, "--candidate", bad, "--markdown", tmp_path / "no" / "x")
    assert code == 2 and "--markdown" in err


def test_a_history_of_runs(tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "RUNS", tmp_path)
    folders = [run_of(tmp_path / name, verdict) for name, verdict in (("good", "passed"), ("once", "failed"), ("new", "failed"))]
    none = tmp_path / "none.toml"
    none.write_text("")
    for folder, code in zip(folders, (0, 1)):
        assert cli.main(["report", str(folder), "--waivers", str(none)]) == code
        assert cli.main(["history", "import", folder.name]) == 0
    both = ["--baseline", folders[2], "--candidate", folders[2], "--waivers", none]
    assert "flaky" not in call(capsys, *both)[1]
    code, out, _ = call(capsys, *both, "--history", "history.sqlite")
    assert code == 0 and "1 flaky test: several verdicts on one host, build of a kernel and suite, in 3 runs" in out and "FAIL/PASS" in out
    assert call(capsys, *both, "--history", tmp_path / "history.sqlite", "--history", "good")[1] == out


def test_of_a_history_counts_what_is_on_the_same_ground(tmp_path: Path) -> None:
    def record(name: str, word: str, **other: Any) -> store.Record:
        about: dict[str, Any] = {"host": "vtd", "kernel": "7.3.4", "build": "01", "suite": "0123", **other}
        return store.Record(
            name, f"2026-{name}", 1, mode="time", exit_code=0, folder=name, stamp="", counts=Counter([word]),
            verdicts=[("a/b/c@0000:01:00.0", word, None)], values=[], **about,
        )  # fmt: skip

    with store.opened(tmp_path / "history.sqlite", create=True) as connection:
        others: tuple[dict[str, Any], ...] = ({"host": "x"}, {"kernel": "7.4"}, {"build": "02"}, {"build": None}, {"suite": "0123+"})
        store.write(connection, [record("1", "KNOWN"), *(record(f"o{at}", "PASS", **other) for at, other in enumerate(others))])
        (found,) = gate.of_store(connection, kept({}, build="01"))
        assert (found.id, [(told.id, told.path, told.verdict, told.word()) for told in found.results]) == (
            "1", [("a/b/c@0000:01:00.0", "a/b/c", "FAIL", "KNOWN")],
        )  # fmt: skip
        assert [one.id for one in gate.of_store(connection, kept({}))] == ["o3"]
        assert gate.of_store(connection, kept({}, kernel="7.3.4\ud800")) == []
        store.write(connection, [record(f"n{at:03}", "PASS") for at in range(gate.NEWEST)])
        assert "1" not in {one.id for one in gate.of_store(connection, kept({}, build="01"))}


def test_what_is_no_history(tmp_path: Path, capsys: Said) -> None:
    good = run_of(tmp_path / "good", "passed")
    both = ["--baseline", good, "--candidate", good, "--history"]
    code, _, err = call(capsys, *both, tmp_path / "nowhere")
    assert code == 2 and "--history" in err and "nowhere: no run of that name" in err and "nor a file that `iommu-cts history` keeps" in err
    code, _, err = call(capsys, *both, good / "journal.jsonl")
    assert code == 2 and "journal.jsonl: it is no history of runs" in err
    with store.opened(tmp_path / "short.sqlite", create=True):
        pass
    whole = (tmp_path / "short.sqlite").read_bytes()
    (tmp_path / "short.sqlite").write_bytes(whole[: len(whole) // 2])
    code, _, err = call(capsys, *both, tmp_path / "short.sqlite")
    assert code == 3 and "short.sqlite: " in err and "import the runs again" in err


def test_benches(tmp_path: Path, capsys: Said) -> None:
    def rows(value: int) -> list[dict[str, Any]]:
        return [measured("map", {"size": 4096}, lambda _: [value] * 15)]

    old, new = bench_of(tmp_path / "old", 3, rows(1000)), bench_of(tmp_path / "new", 3, rows(1100), offset=1)
    good = run_of(tmp_path / "good", "passed")
    assert call(capsys, "--baseline", old, "--candidate", new, "--fail-on", "map > 2%")[0] == 1
    assert call(capsys, "--baseline", old, "--candidate", new, "--fail-on", "map > 20%")[0] == 0
    both = ["--baseline", good, "--candidate", good]
    code, out, _ = call(capsys, *both, "--baseline", old, "--candidate", new, "--fail-on", "map > 2%")
    assert code == 1 and "--fail-on 'map > 2%': hit" in out and "performance" in out
    assert "is a bench" in call(capsys, *both, "--baseline", old)[2]
    assert "that is for benches" in call(capsys, *both, "--fail-on", "map > 2%")[2]
    assert "a second run" in call(capsys, *both, "--baseline", good)[2]
