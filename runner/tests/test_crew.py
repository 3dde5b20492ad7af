# SPDX-License-Identifier: GPL-2.0-only
"""How targets share a plan, and what becomes of it when one of them fails."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from lab.errors import LabError
from results.journal import JournalError, Writer
from runner import catalogue, plan
from runner.crew import Crew
from runner.session import Session, Stopped


class Played:
    """A session whose tests take no time, unless `gate` is to be opened first; `fails` are what ends it, and `opens` a gate then."""

    def __init__(self, log: list[tuple[str, str]], name: str, **keys: Any) -> None:
        self._log = log
        self._name = name
        self._fails: dict[str, Exception] = keys.get("fails", {})
        self._gate: threading.Event | None = keys.get("gate")
        self._opens: threading.Event | None = keys.get("opens")
        self._unstarted: dict[str, int] = keys.get("unstarted", {})
        self.failures = 0

    def ready(self, devices: Sequence[object]) -> None:
        pass

    def run(self, item: plan.Item, last: bool) -> bool:
        if self._gate:
            self._gate.wait()
        test = item.planned.id
        self.failures += test.startswith("f")
        if test in self._fails:
            if self._opens:
                self._opens.set()
            raise self._fails[test]
        self._log.append((self._name, test))
        if self._unstarted.get(test, 0) and not last:
            self._unstarted[test] -= 1
            return False
        return True

    def end(self) -> None:
        self._log.append((self._name, "end"))

    def kill(self) -> None:
        self._log.append((self._name, "off"))


def items(*names: str) -> list[plan.Item]:
    found = []
    for name in names:
        kind = "measurement" if name.startswith("m") else "promise"
        found += plan.make([catalogue.Test(name, "a/b", "", "", (), (), kind, 30, 0, False)], [], {}, {"a/b": ""})
    return found


def crew(
    folder: Path, sessions: list[Played], names: Sequence[str], stop: threading.Event | None = None, enough: int = 0
) -> Crew:
    journal = Writer(folder / "journal.jsonl")
    played = cast(list[Session], sessions)
    return Crew(played, items(*names), [], journal, stop or threading.Event(), lambda number, item: None, enough)


def test_one_runs_all_in_order_and_measures_last(tmp_path: Path) -> None:
    log: list[tuple[str, str]] = []
    assert crew(tmp_path, [Played(log, "1")], ["a", "m", "b"]).run()
    assert [what for _, what in log] == ["a", "b", "m", "end", "off"]


@pytest.mark.parametrize(("enough", "second"), [(0, ["c", "d", "b"]), (9, ["b", "c", "d"])])
def test_each_begins_at_a_place_of_its_own_where_all_are_run(tmp_path: Path, enough: int, second: list[str]) -> None:
    log: list[tuple[str, str]] = []
    gate = threading.Event()
    held, other = Played(log, "held", gate=gate), Played(log, "other")
    running = threading.Thread(target=crew(tmp_path, [held, other], ["a", "b", "c", "d"], enough=enough).run)
    running.start()
    while len(log) < len(second):
        running.join(0.01)
    gate.set()
    running.join()
    assert log[:3] == [("other", name) for name in second]
    assert [what for who, what in log if who == "held"][0] == "a"


def test_each_test_is_run_once_and_measurements_alone(tmp_path: Path) -> None:
    log: list[tuple[str, str]] = []
    names = [f"t{number}" for number in range(500)]
    assert crew(tmp_path, [Played(log, str(number)) for number in range(4)], ["m1", *names, "m2"]).run()
    ran = [what for _, what in log if what not in ("end", "off")]
    assert sorted(ran) == sorted([*names, "m1", "m2"])
    (measurer,) = {who for who, what in log if what in ("m1", "m2")}
    first = log.index((measurer, "m1"))
    assert [what for who, what in log[:first] if who != measurer].count("off") == 3


def test_the_others_take_over_from_one_that_fails(tmp_path: Path) -> None:
    log: list[tuple[str, str]] = []
    gate = threading.Event()
    broken = Played(log, "broken", fails=dict.fromkeys(("a", "b", "c"), LabError("on purpose")), opens=gate)
    whole = Played(log, "whole", gate=gate)
    assert crew(tmp_path, [broken, whole], ["a", "b", "c", "m"]).run()
    assert sorted(what for who, what in log if who == "whole") == ["a", "b", "c", "end", "m", "off"]
    assert "on purpose" in (tmp_path / "journal.jsonl").read_text()


@pytest.mark.parametrize(("enough", "ran"), [(0, ["f1", "a", "f2", "b", "m"]), (2, ["f1", "a", "f2"]), (3, ["f1", "a", "f2", "b", "m"])])
def test_enough_failures_are_enough(tmp_path: Path, enough: int, ran: list[str]) -> None:
    log: list[tuple[str, str]] = []
    found = crew(tmp_path, [Played(log, "1")], ["f1", "a", "f2", "b", "m"], enough=enough)
    assert found.run() == (len(ran) == 5) and found.has_enough == (enough == 2)
    assert [what for _, what in log] == [*ran, "end", "off"]


def test_what_nobody_could_run_is_left(tmp_path: Path) -> None:
    log: list[tuple[str, str]] = []
    assert not crew(tmp_path, [Played(log, "1", fails={"b": LabError("on purpose")})], ["a", "b", "c"]).run()
    assert [what for _, what in log] == ["a", "off"]


def test_a_measurement_that_nobody_could_take_is_left(tmp_path: Path) -> None:
    assert not crew(tmp_path, [Played([], "1", fails={"m": LabError("on purpose")})], ["m"]).run()


def test_a_test_that_does_not_start_is_run_again(tmp_path: Path) -> None:
    log: list[tuple[str, str]] = []
    assert crew(tmp_path, [Played(log, "1", unstarted={"a": 1, "b": 99})], ["a", "b", "c"]).run()
    assert [what for _, what in log] == ["a", "a", "b", "b", "b", "c", "end", "off"]


def test_a_full_disk_stops_all(tmp_path: Path) -> None:
    log: list[tuple[str, str]] = []
    names = [f"t{number}" for number in range(100)]
    sessions = [Played(log, "1", fails={"t50": JournalError("no room")}), Played(log, "2", fails={"t50": JournalError("no room")})]
    stop = threading.Event()
    with pytest.raises(JournalError, match="no room"):
        crew(tmp_path, sessions, names, stop).run()
    assert stop.is_set() and [what for _, what in log].count("off") == 2


def test_stopped_from_outside(tmp_path: Path) -> None:
    log: list[tuple[str, str]] = []
    assert not crew(tmp_path, [Played(log, "1", fails={"b": Stopped()})], ["a", "b"]).run()
