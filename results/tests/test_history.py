# SPDX-License-Identifier: GPL-2.0-only
"""The history of runs: what is put in comes out, once; questions use the indexes; and what can go wrong with the file."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from lab.binaries import TOP
from lab.errors import LabError, UsageError
from results import history, store
from results.tests.build_bench import document, level_rows, told
from results.tests.build_page import HOSTILE, hostile_run
from runner import cli
from runner import run as running

OLD = Path(__file__).parent / "golden" / "history-1.sql"
ONCE, TWICE = "access/bind/once@0000:01:00.0", "access/bind/twice@0000:01:00.0"
Said = pytest.CaptureFixture[str]


def put(folder: Path, name: str, day: int, verdicts: Sequence[str] = ("PASS",), value: float = 100, **about: Any) -> Path:
    """A run folder: the verdicts are those of `once`, `twice` and so on; a row was measured too."""
    reasons = {"FAIL": ("assertion", "a.c:1"), "SKIP": ("no-kvm", "there is none")}
    tests = [told(f"access/bind/{test}", verdict, reason=reasons.get(verdict)) for test, verdict in zip(("once", "twice"), verdicts)]
    made = document(0, level_rows(value), tests, **{"started": f"2026-11-{day:02}T10:00:00.000Z", **about})
    made["run"]["id"] = name
    (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / name / "results.json").write_text(json.dumps(made))
    return folder / name


@pytest.fixture(name="db")
def _db(tmp_path: Path) -> Path:
    return tmp_path / "history.sqlite"


def bring(db: Path, *folders: Path) -> int:
    return cli.main(["history", "import", *map(str, folders), "--db", str(db)])


def dumped(db: Path) -> list[str]:
    with sqlite3.connect(db) as connection:
        return list(connection.iterdump())


def newest(db: Path, test: str, host: str = "vtd") -> list[str]:
    """What a test said on a host, newest first."""
    asked = """SELECT word FROM verdict WHERE test = (SELECT id FROM test WHERE name = ?)
    AND host = (SELECT id FROM host WHERE name = ?) ORDER BY run DESC"""
    with store.opened(db) as connection:
        return [store.WORDS[word] for (word,) in connection.execute(asked, (test, host))]


def test_what_a_test_said_over_kernels(tmp_path: Path, db: Path) -> None:
    runs = tmp_path / "runs"
    put(runs, "c", 3, ["FAIL", "SKIP"], release="7.3")
    put(runs, "a", 1, ["PASS", "PASS"], release="7.9")
    put(runs, "b", 2, ["PASS", "PASS"], release="7.9")
    assert bring(db, runs) == 0
    with store.opened(db) as connection:
        found = history.tests(connection, "access/bind/once", "*", "*")
        assert [(one.test, one.kernel, one.counts) for one in found] == [(ONCE, "7.9", {"PASS": 2}), (ONCE, "7.3", {"FAIL": 1})]
        assert found[0].last == "2026-11-02T10:00:00.000Z"
        assert len(history.tests(connection, "access/*", "vtd", "7.3")) == 2
        assert history.tests(connection, "access/*", "smmuv3", "*") == []
        listed = history.runs(connection, "*", "7.9", "2026-11-02", "9999", 10)
        assert [(one.name, one.counts["PASS"], one.counts["DONE"]) for one in listed] == [("b", 2, 1)]
        assert history.runs(connection, "*", "*", "", "2026-11-02", 10)[0].name == "a"


def test_runs_are_kept_in_the_order_of_time(tmp_path: Path, db: Path) -> None:
    runs = tmp_path / "runs"
    for day, verdict in ((2, "FAIL"), (3, "SKIP"), (1, "PASS")):
        put(runs, f"run{day}", day, [verdict])
    put(runs, "elsewhere", 4, ["PASS"], host="smmuv3")
    bring(db, runs)
    assert newest(db, ONCE) == ["SKIP", "FAIL", "PASS"] and newest(db, TWICE) == []


def test_a_waived_failure_is_known(tmp_path: Path, db: Path) -> None:
    folder = put(tmp_path / "runs", "a", 1, ["FAIL"])
    text = (folder / "results.json").read_text()
    (folder / "results.json").write_text(text.replace('"waived": null', '"waived": {"reason": "r"}'))
    bring(db, folder)
    assert newest(db, ONCE) == ["KNOWN"]


def test_how_a_row_went(tmp_path: Path, db: Path) -> None:
    runs = tmp_path / "runs"
    for day, value, release in ((1, 100, "7.2"), (2, 110, "7.2"), (3, 126, "7.3")):
        put(runs, f"run{day}", day, value=value, release=release)
    bring(db, runs)
    with store.opened(db) as connection:
        old, new = history.measured(connection, "bench/hot/map_unmap:map 2^12", "*", "*")
    assert (old.runs, old.median, old.low, old.high, old.minimum, old.change) == (2, 105, 100, 110, 100, None)
    assert (new.kernel, new.mode) == ("7.3", "instructions") and new.change == pytest.approx(0.2)


def test_a_bare_measure_is_enough(tmp_path: Path, db: Path, capsys: Said) -> None:
    bring(db, put(tmp_path / "runs", "a", 1))
    capsys.readouterr()
    assert cli.main(["history", "row", "map", "--db", str(db)]) == 0
    assert "bench/hot/map_unmap:map 2^12" in capsys.readouterr().out
    assert cli.main(["history", "row", "unmap", "--db", str(db)]) == 0
    assert "no run that is in has measured such a row" in capsys.readouterr().out


def test_what_wavers_does_so_on_one_build(tmp_path: Path, db: Path) -> None:
    runs = tmp_path / "runs"
    put(runs, "a", 1, ["PASS", "PASS"], environment={"kernel": {"sha256": "a"}})
    put(runs, "b", 2, ["FAIL", "PASS"], environment={"kernel": {"sha256": "a"}})
    put(runs, "c", 3, ["PASS", "FAIL"], environment={"kernel": {"sha256": "b"}})
    put(runs, "d", 4, ["PASS", "PASS"], environment={"kernel": {"sha256": "b"}}, commit="f" * 40)
    bring(db, runs)
    with store.opened(db) as connection:
        assert [(one.test, one.counts) for one in history.wavering(connection, "*", 100)] == [(ONCE, {"PASS": 1, "FAIL": 1})]
        assert history.wavering(connection, "*", 2) == [] == history.wavering(connection, "smmuv3", 100)


def test_importing_twice_changes_nothing(tmp_path: Path, db: Path, capsys: Said) -> None:
    runs = tmp_path / "runs"
    put(runs, "a", 1)
    put(runs, "b", 1)
    bring(db, runs)
    before = dumped(db)
    assert bring(db, runs, runs / "a") == 0
    assert dumped(db) == before
    assert capsys.readouterr().out.splitlines()[-1].endswith("0 new or changed, 2 as they were")


def test_made_anew_it_is_the_same(tmp_path: Path, db: Path) -> None:
    runs = tmp_path / "runs"
    for day in range(1, 6):
        put(runs, f"run{day}", day, ["PASS", "FAIL"])
    bring(db, runs)
    bring(tmp_path / "other.sqlite", *sorted(runs.iterdir()))
    assert dumped(db) == dumped(tmp_path / "other.sqlite")


def test_a_run_judged_again_is_replaced(tmp_path: Path, db: Path) -> None:
    runs = tmp_path / "runs"
    put(runs, "a", 1, ["FAIL", "PASS"], value=100)
    put(runs, "b", 2, ["PASS"])
    bring(db, runs)
    again = put(runs, "a", 1, ["PASS"], value=200)
    os.utime(again / "results.json", ns=(1, 1))
    bring(db, runs)
    assert newest(db, ONCE) == ["PASS", "PASS"] and newest(db, TWICE) == []
    with store.opened(db) as connection:
        assert [point.low for point in history.measured(connection, "*", "*", "*")] == [100]
        assert [point.high for point in history.measured(connection, "*", "*", "*")] == [200]
        assert len(history.runs(connection, "*", "*", "", "9999", 9)) == 2


def test_texts_of_a_target(tmp_path: Path, db: Path, capsys: Said) -> None:
    (tmp_path / "runs" / "a").mkdir(parents=True)
    made = hostile_run(tmp_path)
    for result in made["results"]:
        if result["waived"]:
            result["waived"]["url"] = "https://lore.kernel.org/"
    (tmp_path / "runs" / "a" / "results.json").write_text(json.dumps(made))
    assert bring(db, tmp_path / "runs") == 0
    assert cli.main(["history", "test", "*", "--db", str(db)]) == 0 == cli.main(["history", "--db", str(db)])
    shown = capsys.readouterr().out
    assert not set("\x00\x07\x1b\x7f") & set(shown) and HOSTILE[0][:9] in shown


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no JSON"),
        ('{"schema": "iommu-cts/results"', "no JSON"),
        ("[" * 100_000, "no JSON"),
        ('{"schema": "iommu-cts/bench"}', "it is no iommu-cts/results"),
        ('{"schema": "iommu-cts/results", "version": 2}', "version 2 of iommu-cts/results; this iommu-cts reads 1"),
        ('{"schema": "iommu-cts/results", "version": 1}', "does not follow its schema: 'results'"),
        ('{"schema": "iommu-cts/results", "version": 1, "results": [3], "run": {}}', "does not follow its schema"),
    ],
)
def test_a_run_that_cannot_be_read_keeps_no_other_out(text: str, said: str, tmp_path: Path, db: Path, capsys: Said) -> None:
    put(tmp_path / "runs", "z", 1)
    (tmp_path / "runs" / "a").mkdir()
    (tmp_path / "runs" / "a" / "results.json").write_text(text)
    assert bring(db, tmp_path / "runs") == 3
    out, err = capsys.readouterr()
    assert said in err and "1 new or changed, 1 could not be read" in out
    assert newest(db, ONCE) == ["PASS"]


def test_a_verdict_that_nobody_knows(tmp_path: Path, db: Path, capsys: Said) -> None:
    assert bring(db, put(tmp_path / "runs", "a", 1, ["GREAT"])) == 3
    assert "a result has no known verdict" in capsys.readouterr().err


def test_version_1_is_brought_to_the_present_one(tmp_path: Path, db: Path) -> None:
    with sqlite3.connect(db) as connection:
        connection.executescript(OLD.read_text("utf-8"))
    assert newest(db, ONCE) == ["PASS"] and newest(db, TWICE) == ["FAIL"]
    put(tmp_path / "runs", "new", 29, ["FAIL", "PASS"])
    assert bring(db, tmp_path / "runs") == 0
    with store.opened(db) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (store.VERSION,)
        assert {one.kernel for one in history.tests(connection, "*bind*", "*", "*")} == {"7.2.1", "7.3.4"}
        assert len(history.measured(connection, "*", "*", "*")) == 1
        assert store.stamps(connection).keys() == {str(tmp_path / "runs" / "new")}
        kept = {row[0] for row in connection.execute("SELECT sql FROM sqlite_schema WHERE sql NOT NULL")}
    with store.opened(tmp_path / "fresh.sqlite", create=True) as connection:
        assert {row[0] for row in connection.execute("SELECT sql FROM sqlite_schema WHERE sql NOT NULL")} == kept


def test_a_newer_version_is_refused(tmp_path: Path, db: Path) -> None:
    bring(db, put(tmp_path / "runs", "a", 1))
    with sqlite3.connect(db) as connection:
        connection.execute(f"PRAGMA user_version = {store.VERSION + 1}")
    before = db.read_bytes()
    with pytest.raises(UsageError, match="version 3 of the history; this iommu-cts reads up to 2: take a newer one"):
        with store.opened(db, create=True):
            pass
    assert db.read_bytes() == before


def test_files_that_are_no_history(tmp_path: Path, db: Path) -> None:
    db.write_text("this is a text, and a longer one than the header of a database")
    with pytest.raises(UsageError, match="is no history of runs; name another file"):
        with store.opened(db, create=True):
            pass
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE mine (it)")
    with pytest.raises(UsageError, match="a database of something else"):
        with store.opened(other, create=True):
            pass
    with pytest.raises(UsageError, match="no history yet"):
        with store.opened(tmp_path / "none"):
            pass
    (tmp_path / "empty").touch()
    with pytest.raises(UsageError, match="empty: no history yet"):
        with store.opened(tmp_path / "empty"):
            pass
    assert (tmp_path / "empty").read_bytes() == b""
    with pytest.raises(LabError, match="unable to open database file"):
        with store.opened(tmp_path / "nowhere" / "history.sqlite", create=True):
            pass


def test_a_full_disk_loses_nothing(tmp_path: Path, db: Path) -> None:
    runs = tmp_path / "runs"
    put(runs, "a", 1)
    bring(db, runs)
    with pytest.raises(LabError, match="full; make room and import again"):
        with store.opened(db) as connection:
            # As if there were no room for another page.
            connection.execute("PRAGMA max_page_count = 1")
            for day in range(2, 20):
                tests = [told(f"access/bind/test{at}_{day}") for at in range(2000)]
                made = document(0, [], tests, started=f"2026-11-{day:02}T10:00:00.000Z")
                (runs / str(day)).mkdir()
                (runs / str(day) / "results.json").write_text(json.dumps(made))
                store.write(connection, [store.read(runs / str(day))])
    with store.opened(db) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert [one.name for one in history.runs(connection, "*", "*", "", "9999", 99)] == ["a"]


def importing(db: Path, *folders: Path) -> "subprocess.Popen[str]":
    """The command, in a process of its own."""
    words = [str(TOP / "iommu-cts"), "history", "import", *map(str, folders), "--db", str(db)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_several_imports_at_once(tmp_path: Path, db: Path) -> None:
    for number in range(4):
        for day in range(1, 8):
            put(tmp_path / f"runs{number}", f"run{number}-{day}", day, ["PASS", "FAIL"], host=f"host{number % 2}")
    at_once = [importing(db, tmp_path / f"runs{number}") for number in range(4)]
    assert [one.wait() for one in at_once] == [0] * 4
    with store.opened(db) as connection:
        assert len(history.runs(connection, "*", "*", "", "9999", 99)) == 28
        assert connection.execute("SELECT count(*) FROM verdict").fetchone() == (28 * 3,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_somebody_else_writes_for_long(tmp_path: Path, db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = put(tmp_path / "runs", "a", 1)
    bring(db, folder)
    monkeypatch.setattr(store, "WAIT", 0.0)
    holder = sqlite3.connect(db, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(LabError, match="another import is writing to it"):
        with store.opened(db) as connection:
            store.write(connection, [store.read(folder)])
    holder.close()


def test_an_interrupted_import_keeps_what_was_written(tmp_path: Path, db: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    from runner import history_cli

    runs = tmp_path / "runs"
    for day in range(1, 6):
        put(runs, f"run{day}", day)
    read, seen = store.read, []

    def until_the_fourth(folder: Path) -> store.Record:
        seen.append(folder)
        if len(seen) == 4:
            signal.raise_signal(signal.SIGINT)
        return read(folder)

    monkeypatch.setattr(history_cli, "BATCH", 2)
    monkeypatch.setattr(store, "read", until_the_fourth)
    assert bring(db, runs) == 130
    assert "2 new or changed" in capsys.readouterr().out
    monkeypatch.setattr(store, "read", read)
    assert bring(db, runs) == 0
    assert "3 new or changed, 2 as they were" in capsys.readouterr().out


PLANS = [
    ("test", history.TESTS, {"test": "a/*", "host": "*", "kernel": "*"}),
    ("row", history.ROWS, {"row": "a*", "host": "*", "kernel": "*"}),
    ("flaky", history.FLAKY, {"host": "*", "last": 100}),
    ("on_ground", history.ON_GROUND, {"host": "a", "kernel": "b", "build": None, "suite": "c", "limit": 3}),
]


@pytest.mark.parametrize(("question", "sql", "asked"), PLANS)
def test_questions_use_the_tree(question: str, sql: str, asked: Any, tmp_path: Path) -> None:
    """What many rows are in is never gone through as a whole."""
    with store.opened(tmp_path / "history.sqlite", create=True) as connection:
        steps = [row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + sql, asked)]
    large = [step for step in steps if step.split()[1] in ("verdict", "value")]
    assert large and all(step.startswith("SEARCH") and "USING PRIMARY KEY" in step for step in large), steps


def test_the_default_is_beside_the_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    monkeypatch.setattr(running, "RUNS", tmp_path / "runs")
    put(tmp_path / "runs", "a", 1)
    assert cli.main(["history", "import", "a"]) == 0
    assert (tmp_path / "runs" / "history.sqlite").is_file()
    capsys.readouterr()
    assert cli.main(["history", "--host", "vtd", "--since", "2026-11-01"]) == 0
    assert "1 runs" in capsys.readouterr().out
    assert cli.main(["history", "import", "nowhere"]) == 2
    assert "nowhere: no folder, here or in" in capsys.readouterr().err


def test_what_is_no_file_is_no_report(tmp_path: Path, db: Path) -> None:
    runs = tmp_path / "runs"
    put(runs, "a", 1)
    (runs / "b" / "results.json").mkdir(parents=True)
    (runs / "c").mkdir()
    os.mkfifo(runs / "c" / "results.json")
    assert bring(db, runs) == 0 and newest(db, ONCE) == ["PASS"]


def test_exit_codes_are_in_the_help(capsys: Said) -> None:
    for action in ([], ["import"], ["test"], ["row"], ["flaky"]):
        with pytest.raises(SystemExit):
            cli.main(["history", *action, "--help"])
        assert "exit codes:" in capsys.readouterr().out
