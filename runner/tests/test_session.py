# SPDX-License-Identifier: GPL-2.0-only
"""The session against a target that is played: what it survives, whom it blames, and when it switches off."""

import json
import threading
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from lab.errors import LabError
from results import journal
from runner import catalogue, plan
from runner.session import BOOT_ATTEMPTS, Forged, Session, Stopped, Take

Event = dict[str, Any]
HELLO: Event = {"ev": "hello", "protocol": 1, "uname": {"release": "7.3.4"}}


class Played:
    """A target that answers each operation with the events that its script has for it; None ends the stream."""

    can_cycle = True
    scratch = "/tmp"

    def __init__(self, *boots: dict[str, Sequence[Event | bytes | None]]) -> None:
        self._boots = list(boots)
        self._script: dict[str, Sequence[Event | bytes | None]] = {}
        self._seq = 0
        self._queue: list[bytes] = []
        self.why = "stream closed"
        self.is_on = False

    def _answer(self, events: Sequence[Event | bytes | None]) -> None:
        for event in events:
            if isinstance(event, dict):
                body = json.dumps(event).encode()
                self._queue.append(b"@cts %d %08x %s\n" % (self._seq, zlib.crc32(body), body))
                self._seq += 1
            else:
                self._queue.append(event or b"")

    def power_on(self) -> None:
        self.is_on, self._seq, self._queue = True, 0, []
        self._script = self._boots.pop(0) if len(self._boots) > 1 else self._boots[0]
        self._answer(self._script.get("hello", [HELLO]))

    def power_off(self) -> None:
        self.is_on = False

    def send(self, line: bytes) -> None:
        wanted = json.loads(line)
        usual: dict[str, Sequence[Event]] = {
            "inventory": [{"ev": "inventory_end", "devices": 0}],
            "take": [{"ev": "taken", "device": wanted.get("device")}],
            "end": [{"ev": "end", "tests": 0}],
        }
        self._answer(self._script.get(wanted.get("id", wanted["op"]), usual.get(wanted["op"], passed(wanted.get("id")))))

    def receive(self, timeout: float) -> bytes | None:
        return self._queue.pop(0) if self._queue else None

    def away(self) -> float:
        return 0.0

    def gone(self) -> str:
        return self.why

    def console(self) -> str:
        return "the console"

    def environment(self) -> dict[str, Any]:
        return {}


def start(test: str) -> Event:
    return {"ev": "test_start", "id": test, "pid": 1, "taint": 0}


def end(test: str, **keys: Any) -> Event:
    return {"ev": "test_end", "id": test, "outcome": "exited", "code": 0, **keys}


def passed(test: str) -> list[Event]:
    return [start(test), end(test)]


def item(name: str) -> plan.Item:
    test = catalogue.Test(name, "a/b", "f.t", "", (), (), "promise", 30, 0, False)
    return plan.make([test], [], {}, {"a/b": "/b"})[0]


class Table:
    """A session, its target and its journal."""

    def __init__(self, folder: Path, target: Played) -> None:
        self.target = target
        self.path = folder / "journal.jsonl"
        self.writer = journal.Writer(self.path)
        self.stop = threading.Event()
        self.session = Session(target, self.writer, 0.01, stop=self.stop)

    def run(self, *names: str, last: bool = False) -> list[bool]:
        ran = []
        for name in names:
            self.session.ready([Take("0000:01:00.0", "vfio-pci", "any")])
            ran.append(self.session.run(item(name), last))
        return ran

    def entries(self, kind: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.path.read_text().splitlines()]
        return [line for line in lines if line["kind"] == kind]


@pytest.fixture(name="table")
def table_fixture(tmp_path: Path) -> Callable[..., Table]:
    return lambda *boots: Table(tmp_path, Played(*boots))


Make = Callable[..., Table]


def test_tests_that_pass_share_a_boot(table: Make) -> None:
    here = table({})
    assert here.run("a", "b") == [True, True] and here.target.is_on
    here.session.end()
    assert not here.target.is_on and len(here.entries("boot")) == 1 and not here.entries("lost")


@pytest.mark.parametrize("why", ["stream closed", "no answer"])
def test_a_kernel_that_dies_as_it_takes_its_devices_back_is_seen(table: Make, why: str) -> None:
    here = table({"end": [None] if why == "stream closed" else []})
    here.session.ready([])
    here.session.end()
    (lost,) = here.entries("lost")
    assert (lost["id"], lost["why"], lost["console"]) == (None, why, "the console")
    assert not here.target.is_on and here.entries("power")[-1]["action"] == "off"


def test_a_forged_end_of_the_plan_is_told_once(table: Make) -> None:
    here = table({"end": [HELLO]})
    here.session.ready([])
    here.session.end()
    assert len(here.entries("forged")) == 1 and not here.entries("lost") and not here.target.is_on


@pytest.mark.parametrize("events, why", [
    ([start("a"), end("a", code=1)], "failed test"),
    ([start("a"), end("a", outcome="timeout")], "failed test"),
    ([start("a"), end("a", outcome="unkillable")], "could not be killed"),
    ([start("a"), end("a", taint_after=512)], "newly tainted"),
    ([start("a"), {"ev": "kmsg", "id": "a", "lines": ["3,1,BUG: KASAN: bad"]}, end("a")], "the kernel said: BUG: KASAN"),
    ([start("a"), {"ev": "kmsg", "id": "a", "lines": ["4,1,INFO: lockdep is turned off."]}, end("a")], "lockdep turned"),
    ([start("a"), b"garbage\n", end("a")], "somebody else wrote"),
])
def test_a_kernel_that_may_be_broken_is_switched_off(table: Make, events: list[Event | bytes], why: str) -> None:
    here = table({"a": events})
    assert here.run("a") == [True] and not here.target.is_on
    assert why in here.entries("power")[-1]["why"]
    assert here.run("b") == [True] and len(here.entries("boot")) == 2


@pytest.mark.parametrize("keys, harmless, boots", [
    ({"code": 1}, True, 1), ({"code": 1}, False, 2), ({"outcome": "timeout"}, True, 2), ({"code": 1, "taint_after": 512}, True, 2),
])
def test_a_known_failure_is_not_counted(table: Make, keys: dict[str, Any], harmless: bool, boots: int) -> None:
    here = table({"a": [start("a"), end("a", **keys)]})
    here.session.known = {"a": harmless}
    assert here.run("a", "b") == [True, True] and len(here.entries("boot")) == boots
    assert here.session.failures == 0


def test_other_failures_are(table: Make) -> None:
    here = table({"a": [start("a"), end("a", code=1)]})
    assert here.run("a", "b") == [True, True] and here.session.failures == 1


def test_a_target_that_can_not_be_switched_goes_on(table: Make) -> None:
    here = table({"a": [start("a"), end("a", code=1)]})
    here.target.can_cycle = False
    assert here.run("a", "b") == [True, True] and len(here.entries("boot")) == 1


def test_a_test_that_loses_the_target(table: Make) -> None:
    here = table({"a": [start("a"), None]})
    assert here.run("a") == [True]
    (lost,) = here.entries("lost")
    assert (lost["id"], lost["why"], lost["console"]) == ("a", "stream closed", "the console")


def test_silence(table: Make) -> None:
    here = table({"a": []})
    assert here.run("a") == [False]
    assert here.entries("lost")[0]["why"] == "no answer"


def test_what_dies_before_a_test_starts_is_the_doing_of_the_one_before(table: Make) -> None:
    here = table({"b": [None]}, {})
    assert here.run("a", "b") == [True, False]
    assert here.entries("lost")[0]["id"] == "a"
    assert here.run("b") == [True]


@pytest.mark.parametrize("last, blamed", [(False, None), (True, "a")])
def test_the_first_of_a_boot_answers_for_itself_in_the_end(table: Make, last: bool, blamed: str | None) -> None:
    here = table({"a": [None]})
    assert here.run("a", last=last) == [last]
    assert here.entries("lost")[0]["id"] == blamed


def test_an_emulator_that_dies_between_tests_is_nobodys_doing(table: Make) -> None:
    here = table({"b": [None]}, {})
    here.target.why = "emulator died"
    assert here.run("a", "b") == [True, False]
    assert here.entries("lost")[0]["id"] is None


@pytest.mark.parametrize("event, text", [
    (HELLO, "a hello that nobody waited for"),
    (end("other"), "test_end of other, which does not run"),
    (start("a"), "a second test_start"),
    ({"ev": "device", "bdf": "0000:00:00.0"}, "device while a test runs"),
    ({"ev": "bad_op", "line": 1, "error": ""}, "bad_op while a test runs"),
    ({"ev": "test_end", "id": "a"}, "test_end: no 'outcome'"),
    ({"ev": "kmsg", "id": 5, "lines": []}, "kmsg: 'id' is no string"),
])
def test_what_cts_exec_can_not_have_said(table: Make, event: Event, text: str) -> None:
    here = table({"a": [start("a"), event, end("a")]}, {})
    assert here.run("a", "b") == [True, True]
    (forged,) = here.entries("forged")
    assert forged["ids"] == ["a"] and forged["text"] == text and not here.entries("lost")
    assert not any(entry["event"] == end("a") for entry in here.entries("event"))


def test_output_before_the_start(table: Make) -> None:
    here = table({"b": [{"ev": "output", "id": "b", "fd": "stdout", "text": "ok"}, start("b")]}, {})
    assert here.run("a", "b") == [True, False]
    assert here.entries("forged")[0]["ids"] == ["a"]


def test_a_forged_end_shows_when_the_true_one_comes(table: Make) -> None:
    body = json.dumps(end("a", code=1)).encode()
    true = b"@cts 4 %08x %s\n" % (zlib.crc32(body), body)  # after hello, inventory, taken and the start
    here = table({"a": [start("a"), end("a")], "b": [true, start("b"), end("b")]}, {})
    assert here.run("a", "b") == [True, False]
    (forged,) = here.entries("forged")
    assert forged["ids"] == ["a"] and "number 4 was used twice" in forged["text"] and len(forged["frames"]) == 2
    assert here.run("b") == [True]


def test_a_boot_is_tried_again(table: Make) -> None:
    here = table({"hello": [None]}, {"take": [None]}, {})
    assert here.run("a") == [True]
    assert [entry["why"] for entry in here.entries("boot_failed")] == ["stream closed"] * 2


def test_but_not_forever(table: Make) -> None:
    here = table({"hello": [None]})
    with pytest.raises(LabError, match=f"stream closed.*{BOOT_ATTEMPTS} times\nthe console"):
        here.run("a")
    assert len(here.entries("boot_failed")) == BOOT_ATTEMPTS and not here.target.is_on


def test_a_refusal_is_not_tried_again(table: Make) -> None:
    here = table({"take": [{"ev": "refused", "op": "take", "device": "", "error": "in use"}]})
    with pytest.raises(LabError, match="can't be given to vfio-pci: in use"):
        here.run("a")
    assert not here.entries("boot_failed")


def test_forged_frames_do_not_boot_a_target(table: Make) -> None:
    here = table({"hello": [HELLO, HELLO, {"ev": "hello", "protocol": 1, "uname": {"a": ""}}]}, {})
    assert here.run("a") == [True]
    assert here.entries("boot_failed")[0]["why"] == str(Forged("stream corrupt"))


def test_an_operation_that_is_refused_is_not_run_again(table: Make) -> None:
    here = table({"a": [{"ev": "bad_op", "line": 1, "error": "no such key"}]})
    assert here.run("a", "b") == [True, True]


def test_stop(table: Make) -> None:
    here = table({"a": []})
    here.session.ready([])
    here.stop.set()
    with pytest.raises(Stopped):
        here.session.run(item("a"), False)
    assert not here.entries("lost")
