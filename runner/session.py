# SPDX-License-Identifier: GPL-2.0-only
"""One run on one target: boots it, takes the devices, sends the tests one by one, journals everything that comes back.

Nothing is judged here but one thing: whether the next test finds the kernel as it should be. After a splat, new taint, a test that
failed or one that can't be killed the target is power cycled, if it can be: a device that stays open behind a broken kernel's back
would turn every later test red.
"""

import base64
import dataclasses
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from lab.errors import LabError
from results.journal import Writer
from runner import klog
from runner.plan import Item, operation
from runner.stream import Frame, Gap, StreamReader, plan_line
from runner.targets import Target

PROTOCOL = 1
HELLO_S = 120.0  # from power on to the first event; an emulated processor takes a few seconds
ANSWER_S = 60.0  # for operations that are no tests
TEST_SLACK_S = 30.0  # beyond a test's deadline, for cts-exec to kill it and say so


class Lost(Exception):
    """The target can't be reached any more; the text is the `why` of the journal's `lost` entry."""


@dataclasses.dataclass(frozen=True)
class Inventory:
    """What the target said of itself: the `hello` event and one `device` event for each PCI function."""

    hello: dict[str, Any]
    devices: list[dict[str, Any]]

    def find(self, bdf: str) -> dict[str, Any] | None:
        return next((device for device in self.devices if device["bdf"] == bdf), None)


@dataclasses.dataclass(frozen=True)
class Take:
    """A device to be given to a driver; `origin` is the `from` of docs/stream.md."""

    bdf: str
    driver: str
    origin: str


class Session:
    """Talks to one target. Every event goes to the journal before it is looked at."""

    def __init__(self, target: Target, journal: Writer, timeout_scale: float = 1.0) -> None:
        self._target = target
        self._journal = journal
        self._scale = timeout_scale
        self._reader = StreamReader()
        self._boots = 0
        self._pending: list[dict[str, Any]] = []
        self._hello: dict[str, Any] = {}

    def _event(self, deadline: float) -> dict[str, Any]:
        """The next event; Lost when the stream ends or stays silent until `deadline` (monotonic seconds)."""
        while not self._pending:
            left = deadline - time.monotonic()
            data = self._target.receive(left) if left > 0 else None
            if data is None:
                raise Lost("no answer")
            items = self._reader.feed(data) if data else self._reader.close()
            for item in items:
                if isinstance(item, Frame):
                    self._journal.write("event", event=item.event)
                    self._pending.append(item.event)
                elif isinstance(item, Gap):
                    self._journal.write("gap", expected=item.expected, seen=item.seen)
                else:
                    self._journal.write("noise", text=item.text[:500])
            if not data and not self._pending:
                raise Lost(self._target.gone())
        return self._pending.pop(0)

    def _send(self, operation: dict[str, Any]) -> None:
        try:
            self._target.send(plan_line(operation))
        except OSError as error:
            raise Lost(self._target.gone()) from error

    def _ask(self, operation: dict[str, Any], last: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        """Sends one operation and returns its events up to the one that `last` accepts."""
        self._send(operation)
        deadline = time.monotonic() + ANSWER_S * self._scale
        events = []
        while True:
            event = self._event(deadline)
            events.append(event)
            if event["ev"] == "bad_op":
                raise LabError(f"cts-exec did not understand {operation['op']}: {event.get('error')}")
            if last(event):
                return events

    def boot(self) -> Inventory:
        """Switches the target on and takes its inventory. LabError if it does not come up."""
        self._journal.write("power", action="on", why="boot")
        self._reader = StreamReader()
        self._pending = []
        self._target.power_on()
        try:
            deadline = time.monotonic() + HELLO_S * self._scale
            hello = self._event(deadline)
            if hello["ev"] != "hello" or hello.get("protocol") != PROTOCOL:
                raise LabError(f"the target speaks another protocol: {json.dumps(hello)[:200]}")
            self._hello = hello
            inventory = self.inventory()
        except Lost as lost:
            raise LabError(f"the target did not come up ({lost})\n{self._target.console()}".rstrip()) from lost
        self._boots += 1
        self._journal.write("boot", n=self._boots)
        return inventory

    def inventory(self) -> Inventory:
        """The target's devices as they are now."""
        events = self._ask({"op": "inventory"}, lambda event: bool(event["ev"] == "inventory_end"))
        return Inventory(self._hello, [event for event in events if event["ev"] == "device"])

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
        events = self._ask(wanted, lambda event: event["ev"] == "test_end")
        printed = {"stdout": "", "stderr": ""}
        for event in events:
            if event["ev"] == "output":
                printed[event["fd"]] += event.get("text", "")
        cut = any(event["ev"] == "output_cut" for event in events)
        if cut or events[-1]["outcome"] != "exited" or events[-1]["code"]:
            said = printed["stderr"].strip() or ("it printed too much" if cut else events[-1]["outcome"])
            raise LabError(f"{argv[-1] if len(argv) == 1 else ' '.join(argv)} failed on the target: {said}")
        return printed["stdout"]

    def take(self, devices: Sequence[Take]) -> None:
        """Gives each device to its driver; LabError with the target's reason if it refuses."""
        for device in devices:
            wanted = {"op": "take", "device": device.bdf, "driver": device.driver, "from": device.origin}
            answer = self._ask(wanted, lambda event: event["ev"] in ("taken", "refused"))[-1]
            if answer["ev"] == "refused":
                raise LabError(f"{device.bdf} can't be given to {device.driver}: {answer['error']}")

    def _test(self, item: Item) -> str | None:
        """Runs one test; returns why the next one should not run on this kernel as it is now, or None."""
        wanted = operation(item, self._scale, self._target.scratch)
        self._send(wanted)
        deadline = time.monotonic() + wanted["timeout_ms"] / 1000 + TEST_SLACK_S * self._scale
        log: list[str] = []
        while True:
            event = self._event(deadline)
            if event["ev"] == "bad_op":
                raise LabError(f"cts-exec did not understand {item.planned.id}: {event.get('error')}")
            if event.get("id") != item.planned.id:
                continue
            if event["ev"] == "kmsg":
                log += [klog.kmsg_text(line) for line in event["lines"]]
            if event["ev"] == "test_end":
                self._journal.sync()
                break
        if event["outcome"] == "unkillable":
            return "a test could not be killed"
        found = klog.splats(log)
        if found:
            return f"the kernel said: {found[0].head}"
        if event["taint_after"] & ~event["taint_before"] & ~item.planned.taints:
            return "the kernel is newly tainted"
        if event["outcome"] != "exited" or event["code"]:
            return "what a failed test left behind must not fail the next one"
        return None

    def _cycle(self, why: str, devices: Sequence[Take]) -> None:
        self._journal.write("power", action="cycle", why=why)
        self._target.power_off()
        self.boot()
        try:
            self.take(devices)
        except Lost as lost:
            raise LabError(f"the target was lost while devices were taken ({lost})") from lost

    def run(self, items: Sequence[Item], devices: Sequence[Take], started: Callable[[int, Item], None]) -> None:
        """Runs the items in order; `started` is told of each. LabError when the target can't be brought back."""
        todo = [item for item in items if item.planned.skip is None]
        for number, item in enumerate(todo):
            started(number, item)
            try:
                why = self._test(item)
            except Lost as lost:
                # What a dying machine says last may reach its console after its stream closed.
                self._target.power_off()
                self._journal.write("lost", id=item.planned.id, why=str(lost), console=self._target.console())
                why = f"{lost} during {item.planned.id}"
            else:
                if why and not self._target.can_cycle:
                    why = None
            if why and number + 1 < len(todo):
                self._cycle(why, devices)

    def end(self) -> None:
        """Ends the plan in order, so that devices are given back, and switches off."""
        try:
            self._ask({"op": "end"}, lambda event: bool(event["ev"] == "end"))
        except Lost:
            pass  # the verdicts do not depend on it, and power_off comes next
        finally:
            self.off("end of the run")

    def off(self, why: str) -> None:
        """Switches the target off, in whatever state it is."""
        self._journal.write("power", action="off", why=why)
        self._target.power_off()
