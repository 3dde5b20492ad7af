# SPDX-License-Identifier: GPL-2.0-only
"""One target of a run: boots it, takes the devices, sends the tests one by one, journals everything that comes back.

Nothing is judged here but two things. Can what came be what cts-exec says now? The root that tests run as can write to the stream
too: what does not fit is journaled as forged, and the target is switched off. And does the next test find the kernel as it should
be? After a splat, new taint, a test that failed or one that can't be killed the target is switched off as well, if that gives a new
kernel: a device that stays open behind a broken kernel's back would turn every later test red.
"""

import base64
import dataclasses
import itertools
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from lab.errors import LabError
from lab.progress import say
from results.block import Sink
from results.typed import decode
from runner import klog
from runner.events import TestEnd, malformed
from runner.plan import Item, operation
from runner.stream import Conflict, Frame, Gap, Noise, StreamReader, plan_line
from runner.targets import Target

PROTOCOL = 1
HELLO_S = 120.0  # from power on to the first event; an emulated processor takes a few seconds
ANSWER_S = 60.0  # for operations that are no tests, and for the start of a test
TEST_SLACK_S = 30.0  # beyond a test's deadline, for cts-exec to kill it and say so
SLICE_S = 0.25  # how soon a session sees that it is to stop
BOOT_ATTEMPTS = 3
TEST_ATTEMPTS = 3  # to get to the start of a test
# Ways to lose a target between two tests that the first had no part in.
NO_TESTS_DOING = frozenset({"emulator died", "job cancelled", "job timed out", "job failed", "log too long"})
NOISE_KEPT = 20  # lines a test

T = TypeVar("T")


class Lost(Exception):
    """The target can't be reached any more; the text is the `why` of the journal's `lost` entry."""


class Forged(Lost):
    """It can, but what comes from there can't be believed. The journal has it already."""


class Stopped(Exception):
    """The run is to end now."""


@dataclasses.dataclass(frozen=True)
class Inventory:
    """What the target said of itself: the `hello` event, one `device` event for each PCI function, and the (parent, type) of each kind of
    mediated device that can be made."""

    hello: dict[str, Any]
    devices: list[dict[str, Any]]
    mdev_types: frozenset[tuple[str, str]] = frozenset()

    def find(self, bdf: str) -> dict[str, Any] | None:
        return next((device for device in self.devices if device["bdf"] == bdf), None)


@dataclasses.dataclass(frozen=True)
class Take:
    """A device to be given to a driver; `origin` is the `from` of docs/stream.md."""

    bdf: str
    driver: str
    origin: str

    @property
    def device(self) -> str:
        return self.bdf

    @property
    def operation(self) -> dict[str, Any]:
        return {"op": "take", "device": self.bdf, "driver": self.driver, "from": self.origin}

    @property
    def failed(self) -> str:
        return f"{self.bdf} can't be given to {self.driver}"


@dataclasses.dataclass(frozen=True)
class Make:
    """A mediated device to be made."""

    uuid: str
    parent: str
    type: str

    @property
    def device(self) -> str:
        return self.uuid

    @property
    def operation(self) -> dict[str, Any]:
        return {"op": "make", "device": self.uuid, "parent": self.parent, "type": self.type}

    @property
    def failed(self) -> str:
        return f"no {self.type} can be made of {self.parent}"


Needed = Take | Make
"""What has to be done for a device under test; `failed` is said when it is refused."""


class Session:
    """Talks to one target, which is `machine` of the journal.

    On a `real` host, which is in use, whatever an earlier run left is put back first, and each test is in the journal on the disk before
    it is sent. `stop`, once set, ends every method by Stopped within SLICE_S. `boots` numbers the boots of the run, over all of its
    targets. `env` is for the tests, and can be added to. A target that does not come up is switched on again, `attempts` times in all.
    """

    def __init__(
        self, target: Target, journal: Sink, timeout_scale: float = 1.0, machine: int = 1,
        stop: threading.Event | None = None, boots: Iterator[int] | None = None, env: Mapping[str, str] | None = None,
        real: bool = False, attempts: int = BOOT_ATTEMPTS,
    ) -> None:  # fmt: skip
        self._target = target
        self._real = real
        self._journal = journal
        self._scale = timeout_scale
        self._machine = machine
        self._stop = stop or threading.Event()
        self._boots = boots or itertools.count(1)
        self._boot_attempts = attempts
        self.env = {"CTS_SCRATCH": target.scratch, **(env or {})}
        self._reader = StreamReader()
        self._pending: deque[Frame | Noise | Gap | Conflict] = deque()
        self._on = self._closed = self._taken = False
        self._hello: dict[str, Any] | None = None
        # Of this boot: the number of the last frame of each test, in the order in which they started.
        self._last: dict[str, int] = {}
        self._test: str | None = None  # what was sent last and has not ended
        self._started = False
        self._noises = 0
        self._torn = False
        self.forged = False  # were there frames that are not of cts-exec?
        self.failures = 0  # tests so far that no kernel should be left as they leave it, but for known failures
        self.known: Mapping[str, bool] = {}  # the ids of tests that are known to fail: do they leave the kernel as it was?

    def _write(self, kind: str, **keys: Any) -> None:
        self._journal.write(kind, machine=self._machine, **keys)

    def _now(self) -> float:
        """Monotonic seconds; they stand still while the target can't be heard through no fault of its own."""
        return time.monotonic() - self._target.away()

    def _event(self, deadline: float) -> dict[str, Any]:
        """The next event; Lost when the stream ends or stays silent until `deadline` (as of _now)."""
        while True:
            if self._stop.is_set():
                raise Stopped
            if self._pending:
                event = self._received(self._pending.popleft())
                if event is not None:
                    return event
                continue
            if self._closed:
                raise Lost(self._target.gone())
            left = deadline - self._now()
            if left <= 0:
                raise Lost("no answer")
            data = self._target.receive(min(left, SLICE_S))
            if data is not None:
                self._pending.extend(self._reader.feed(data) if data else self._reader.close())
                self._closed = not data

    def _received(self, item: Frame | Noise | Gap | Conflict) -> dict[str, Any] | None:
        """Journals what came, and returns it if it is an event that cts-exec may have sent now."""
        if isinstance(item, Frame):
            wrong = self._wrong(item.event)
            if wrong:
                self._forged(wrong, [], [item])
            self._write("event", event=item.event)
            if "id" in item.event:
                self._last[item.event["id"]] = item.seq
            return item.event
        if isinstance(item, Gap):
            self._torn = True
            self._write("gap", expected=item.expected, seen=item.seen)
        elif isinstance(item, Conflict):
            # One of the two, and whatever came after the first, is not from cts-exec.
            ids = [test for test, last in self._last.items() if last >= item.frame.seq]
            frames = [item.frame, *([item.earlier] if item.earlier else [])]
            self._forged(f"number {item.frame.seq} was used twice, for different frames", ids, frames)
        else:
            self._noise(item.text)
        return None

    def _wrong(self, event: dict[str, Any]) -> str | None:
        """Why cts-exec can't have sent this now (docs/stream.md), or None."""
        ev = event["ev"]
        problem = malformed(event)
        if problem:
            return f"{ev}: {problem}"
        if (ev == "hello") != (self._hello is None):
            return "a hello that nobody waited for" if ev == "hello" else f"{ev} before the hello"
        if "id" not in event:
            if self._test is not None and ev not in ("kmsg", *(() if self._started else ("bad_op",))):
                return f"{ev} while a test runs"
            return None
        if event["id"] != self._test:
            return f"{ev} of {str(event['id'])[:200]}, which does not run"
        if ev == "test_start":
            if self._started:
                return "a second test_start"
            self._started = True
        elif not self._started and ev not in ("kmsg", "test_end"):
            return f"{ev} before the test_start"
        return None

    def _forged(self, text: str, ids: list[str], frames: Sequence[Frame]) -> None:
        """Raises Forged. In doubt are the tests `ids`, and the one that ran last: nobody else can have written."""
        ran = self._test if self._started else next(reversed(self._last), None)
        if ran is not None and ran not in ids:
            ids.append(ran)
        shown = [json.dumps(frame.event)[:500] for frame in frames]
        self.forged = True
        self._write("forged", text=text, ids=ids, frames=shown)
        raise Forged("stream corrupt")

    def _noise(self, text: str) -> None:
        """A torn line at the end of the stream is no test's doing; any other is: nobody but cts-exec has business there."""
        self._noises += 1
        guilty = self._started and not self._closed
        self._torn = self._torn or guilty
        if self._noises <= NOISE_KEPT:
            self._write("noise", text=text, id=self._test if guilty else None)

    def _send(self, wanted: dict[str, Any]) -> None:
        try:
            self._target.send(plan_line(wanted))
        except OSError as error:
            raise Lost(self._target.gone()) from error

    def _ask(self, wanted: dict[str, Any], last: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        """Sends one operation and returns its events up to the one that `last` accepts."""
        self._send(wanted)
        deadline = self._now() + ANSWER_S * self._scale
        events = []
        while True:
            event = self._event(deadline)
            events.append(event)
            if event["ev"] == "bad_op":
                raise LabError(f"cts-exec did not understand {wanted['op']}: {event.get('error')}")
            if last(event):
                return events

    def _attempts(self, what: Callable[[], T]) -> T:
        """Does what is no test: a target that is lost on the way is switched off, and it is done again. LabError in the end."""
        for attempt in range(1, self._boot_attempts + 1):
            try:
                return what()
            except Lost as lost:
                self._down()
                console = self._target.console()
                self._write("boot_failed", why=str(lost), console=console)
                text = f"the target did not come up ({lost})"
                if attempt == self._boot_attempts:
                    times = f", {attempt} times" if attempt > 1 else ""
                    raise LabError(f"{text}{times}\n{console}".rstrip()) from lost
                say(f"{text}; trying again")
        raise AssertionError

    def _up(self) -> Inventory:
        self._write("power", action="on", why="boot")
        self._reader = StreamReader()
        self._pending.clear()
        self._last.clear()
        self._closed = self._taken = False
        self._hello = None
        self._noises = 0
        self._on = True
        self._target.power_on()
        hello = self._event(self._now() + HELLO_S * self._scale)
        if hello.get("protocol") != PROTOCOL:
            raise LabError(f"the target speaks another protocol: {json.dumps(hello)[:200]}")
        self._hello = hello
        if self._real and hello.get("uid") == 0:
            self.restore()
        inventory = self.inventory()
        self._write("boot", n=next(self._boots))
        return inventory

    def _down(self) -> None:
        self._target.power_off()
        self._on = False

    @property
    def is_on(self) -> bool:
        """Is the target as the next test should find it?"""
        return self._on

    def boot(self) -> Inventory:
        """Switches the target on and takes its inventory. LabError if it does not come up."""
        return self._attempts(self._up)

    def ready(self, devices: Sequence[Needed], also: Callable[[], None] = lambda: None) -> None:
        """Sees to it that the target is on and `devices` are taken, after which `also` is called, which may ask it more.

        LabError with the target's reason if it refuses, or if it does not come up.
        """

        def get_ready() -> None:
            if not self._on:
                self._up()
            if not self._taken:
                self._take(devices)
                also()
                self._taken = True

        self._attempts(get_ready)

    @property
    def release(self) -> str:
        """Of the kernel that runs."""
        assert self._hello is not None
        return str(self._hello["uname"]["release"])

    def inventory(self) -> Inventory:
        """The target's devices as they are now."""
        events = self._ask({"op": "inventory"}, lambda event: bool(event["ev"] == "inventory_end"))
        assert self._hello is not None
        types = frozenset((str(event["parent"]), str(event["type"])) for event in events if event["ev"] == "mdev_type")
        return Inventory(self._hello, [event for event in events if event["ev"] == "device"], types)

    def restore(self, dry: bool = False) -> list[dict[str, Any]]:
        """Gives back what an earlier run could not; returns the events of docs/stream.md. With `dry` nothing is changed. LabError if
        another run is at work on this host."""
        events = self._ask({"op": "restore", **({"dry": True} if dry else {})}, lambda event: event["ev"] in ("restored", "refused"))
        if events[-1]["ev"] == "refused":
            raise LabError(f"this host can't be changed now: {events[-1]['error']}")
        return events[:-1]

    def would(self, device: "Take") -> dict[str, Any]:
        """The `would` event of a device that might be taken, or the `refused` one. Nothing is changed."""
        return self._ask({**device.operation, "dry": True}, lambda event: event["ev"] in ("would", "refused"))[-1]

    def read_file(self, path: str) -> bytes | None:
        """A file of the target, None if it can't be read there."""
        parts = self._ask(
            {"op": "read", "path": path},
            lambda event: event["ev"] == "file" and (bool(event.get("last")) or "error" in event),
        )
        if "error" in parts[-1]:
            return None
        return b"".join(base64.b64decode(part["base64"]) for part in parts if part["ev"] == "file")

    def command(self, argv: Sequence[str]) -> str:
        """What a program of the target prints. LabError if it fails, or prints more than cts-exec passes on."""
        wanted = {"op": "test", "id": "command", "argv": list(argv), "timeout_ms": int(ANSWER_S * 1000 * self._scale)}
        self._test, self._started = "command", False
        try:
            events = self._ask(wanted, lambda event: event["ev"] == "test_end")
        finally:
            self._test, self._started = None, False
        printed = {"stdout": "", "stderr": ""}
        for event in events:
            if event["ev"] == "output":
                printed[event["fd"]] += event.get("text", "")
        cut = any(event["ev"] == "output_cut" for event in events)
        if cut or events[-1]["outcome"] != "exited" or events[-1]["code"]:
            said = printed["stderr"].strip() or ("it printed too much" if cut else events[-1]["outcome"])
            raise LabError(f"{argv[-1] if len(argv) == 1 else ' '.join(argv)} failed on the target: {said}")
        return printed["stdout"]

    def _take(self, devices: Sequence[Needed]) -> None:
        for device in devices:
            answer = self._ask(device.operation, lambda event: event["ev"] in ("taken", "refused"))[-1]
            if answer["ev"] == "refused":
                raise LabError(f"{device.failed}: {answer['error']}")

    def run(self, item: Item, last_attempt: bool) -> bool:
        """Runs one test on a target that is ready. The target is off afterwards where the next test should not find it as it is.

        False, with everything journaled and the target off, if the test did not even start, so that it should be run again. That
        is the doing of the test before it. But in its last attempt a test answers for itself.
        """
        before = next(reversed(self._last), None)
        self._test, self._started, self._noises, self._torn = item.planned.id, False, 0, False
        try:
            why = self._run(item)
        except Forged:
            self.off("what the target says can't be believed")
        except Lost as lost:
            # What a dying machine says last may reach its console after its stream closed.
            self._down()
            own = self._started or last_attempt
            before_it = None if str(lost) in NO_TESTS_DOING else before
            self._write("lost", id=item.planned.id if own else before_it, why=str(lost), console=self._target.console())
            self.failures += item.planned.id not in self.known
        else:
            self._started = True
            self.failures += bool(why) and item.planned.id not in self.known
            if why and self._target.can_cycle:
                self.off(why)
        finally:
            self._test = None
            if self._noises > NOISE_KEPT:
                self._write("noise", text=f"and {self._noises - NOISE_KEPT} lines more")
        return self._started or last_attempt

    def _run(self, item: Item) -> str | None:
        """Returns why the next test should not run on this kernel as it is now, or None."""
        wanted = operation(item, self._scale, self.env)
        if self._real:
            self._write("next", id=item.planned.id)
            self._journal.sync()
        self._send(wanted)
        deadline = self._now() + ANSWER_S * self._scale
        log: list[str] = []
        while True:
            event = self._event(deadline)
            if event["ev"] == "bad_op":
                return None
            if event["ev"] == "test_start":
                deadline = self._now() + wanted["timeout_ms"] / 1000 + TEST_SLACK_S * max(1.0, self._scale)
            if event["ev"] == "kmsg":
                log += [klog.kmsg_text(line) for line in event["lines"]]
            if event["ev"] == "test_end":
                self._journal.sync()
                break
        end = decode(TestEnd, event)
        if end.outcome == "unkillable":
            return "a test could not be killed"
        found = klog.splats(log)
        if found:
            return f"the kernel said: {found[0].head}"
        if klog.is_blind(log):
            return "lockdep turned itself off"
        if end.taint_after & ~end.taint_before & ~item.planned.taints:
            return "the kernel is newly tainted"
        if end.outcome != "exited" or end.code and not self.known.get(item.planned.id):
            return "what a failed test left behind must not fail the next one"
        if self._torn:
            return "frames were lost, or somebody else wrote to the stream"
        return end.stop

    def end(self) -> None:
        """Ends the plan in order, so that devices are given back, and switches off."""
        if not self._on:
            return
        try:
            self._ask({"op": "end"}, lambda event: bool(event["ev"] == "end"))
        except Forged:
            pass  # the journal has it, and power off comes next
        except Lost as lost:
            self._down()
            self._write("lost", id=None, why=str(lost), console=self._target.console())
        finally:
            self.off("end of the run")

    def off(self, why: str) -> None:
        """Switches the target off, in whatever state it is."""
        self._write("power", action="off", why=why)
        self._down()

    def kill(self) -> None:
        """The same without a word to the journal, which may be what failed; harmless if it is off."""
        self._down()
