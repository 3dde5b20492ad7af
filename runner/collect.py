# SPDX-License-Identifier: GPL-2.0-only
"""Walks a journal and sorts what was seen by test. Says nothing of verdicts: judge.py does."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

from results import journal as j
from results.model import Problem
from results.typed import ShapeError, decode
from runner import klog


@dataclass(frozen=True)
class TestEnd:
    """The test_end event of docs/stream.md."""

    outcome: str
    duration_ns: int | None = None
    max_rss_kib: int | None = None
    taint_before: int = 0
    taint_after: int = 0
    kmsg: str = "read"
    left: int = 0
    code: int | None = None
    signal: int | None = None
    error: str | None = None


@dataclass(frozen=True)
class _Hello:
    uname: dict[str, str]


@dataclass(frozen=True)
class _Output:
    """Part of what a test printed. Bytes that are no UTF-8 come as base64."""

    fd: str
    text: str | None = None
    base64: str | None = None

    def read(self) -> str:
        if self.text is not None:
            return self.text
        try:
            return base64.b64decode(self.base64 or "", validate=True).decode("utf-8", "backslashreplace")
        except ValueError:
            raise ShapeError("'base64' is no base64") from None


@dataclass(frozen=True)
class _Log:
    lines: list[str]


@dataclass(frozen=True)
class _Device:
    """What a `device` or a `taken` event says of a function."""

    driver: str | None = None
    group: int | None = None
    aliases: list[str] | None = None


@dataclass
class Attempt:
    """One time that a test was started, and all that was seen of it. `gap`: frames of it may be missing."""

    boot: int
    started: bool = False
    gap: bool = False
    stdout: str = ""
    stderr: str = ""
    cut: bool = False
    records: list[dict[str, Any]] = field(default_factory=list)
    bad_records: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    end: TestEnd | None = None
    lost: j.LostEntry | None = None
    # splats in the console of `lost` that no kmsg event had shown before
    console_splats: list[klog.Splat] = field(default_factory=list)


@dataclass
class Seen:
    """A journal, sorted. `drivers`, `groups` and `aliases` are by BDF; `inventory` has every function that is listed."""

    run: j.RunEntry | None = None
    environment: dict[str, Any] = field(default_factory=dict)
    plan: list[j.PlannedTest] = field(default_factory=list)
    unselected: list[j.Left] = field(default_factory=list)
    attempts: dict[str, list[Attempt]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    boots: int = 0
    kernel: str | None = None
    drivers: dict[str, str] = field(default_factory=dict)
    groups: dict[str, int] = field(default_factory=dict)
    aliases: dict[str, set[str]] = field(default_factory=dict)
    inventory: set[str] = field(default_factory=set)
    end: j.EndEntry | None = None
    last: float | None = None


def collect(journal: j.Journal) -> Seen:
    """Sorts a journal. What belongs to no test and isn't as it should be becomes a problem of the run."""
    return _Walk().walk(journal)


class _Walk:
    def __init__(self) -> None:
        self.seen = Seen()
        self.open: str | None = None
        self.log_heads: set[str] = set()

    def walk(self, journal: j.Journal) -> Seen:
        planned: set[str] = set()
        for entry in journal.entries:
            self.seen.last = entry.t
            if isinstance(entry, j.PlanEntry):
                for test in entry.tests:
                    if test.id in planned:
                        self._problem("plan", f"{test.id} is planned twice")
                        continue
                    planned.add(test.id)
                    self.seen.plan.append(test)
                self.seen.unselected += entry.unselected
            else:
                self._entry(entry)
        for stranger in sorted(set(self.seen.attempts) - planned):
            self._problem("plan", f"{stranger} ran and was not planned")
        for text in journal.problems:
            self._problem("journal", text)
        if journal.torn:
            self._problem("journal", "torn: the last line was cut short; everything before it counts")
        if self.seen.end is None:
            self._problem("journal", "no end: the runner was stopped, or could not write any more")
        return self.seen

    def _problem(self, kind: str, text: str) -> None:
        self.seen.problems.append(Problem(kind, text))

    def _entry(self, entry: j.Entry) -> None:
        if isinstance(entry, j.RunEntry):
            self.seen.run = entry
            self.seen.environment.update(entry.environment)
        elif isinstance(entry, j.EnvironmentEntry):
            self.seen.environment.update(entry.environment)
        elif isinstance(entry, j.BootEntry):
            self.seen.boots += 1
            self.open = None
        elif isinstance(entry, j.GapEntry):
            self._gap(entry)
        elif isinstance(entry, j.LostEntry):
            self._lost(entry)
        elif isinstance(entry, j.LabErrorEntry):
            self._problem("lab", entry.error)
        elif isinstance(entry, j.EndEntry):
            self.seen.end = entry
        elif isinstance(entry, j.EventEntry):
            try:
                self._event(entry.event)
            except ShapeError as error:
                self._problem("journal", f"event {entry.event.get('ev')!r}: {error}")

    def _gap(self, entry: j.GapEntry) -> None:
        if self.open is not None:
            self._attempt(self.open).gap = True
        else:
            self._problem("gap", f"frames {entry.expected} to {entry.seen - 1} were lost outside any test")

    def _lost(self, entry: j.LostEntry) -> None:
        console = klog.splats(klog.console_lines(entry.console))
        fresh = [splat for splat in console if splat.head not in self.log_heads]
        self.log_heads.update(splat.head for splat in console)
        self.open = None
        if entry.id is not None:
            attempt = self._attempt(entry.id)
            attempt.lost = entry
            attempt.console_splats = fresh
            return
        self._problem("lost", f"the target was lost outside any test: {entry.why}")
        for splat in fresh:
            self._problem("splat", "on the console, outside any test:\n" + "\n".join(splat.lines))

    def _attempt(self, test: str) -> Attempt:
        """The attempt of `test` that events now belong to; without a test_start frames of it are lost."""
        attempts = self.seen.attempts.setdefault(test, [])
        if not attempts:
            attempts.append(Attempt(self.seen.boots))
        return attempts[-1]

    def _event(self, event: dict[str, Any]) -> None:
        ev = event.get("ev")
        test = event.get("id")
        if ev == "hello":
            self.seen.kernel = decode(_Hello, event).uname.get("release")
        elif ev in ("device", "taken"):
            self._device(str(event.get("bdf" if ev == "device" else "device")), decode(_Device, event))
        elif ev == "given_back" and "error" in event:
            self._problem("device", f"{event.get('device')} could not be given back: {event['error']}")
        elif ev == "bad_op":
            self._problem("plan", f"cts-exec refused plan line {event.get('line')}: {event.get('error')}")
        elif ev == "kmsg" and not isinstance(test, str):
            self._loose_log(_texts(event))
        elif isinstance(test, str):
            self._test_event(str(ev), test, event)

    def _device(self, bdf: str, device: _Device) -> None:
        self.seen.inventory.add(bdf)
        if device.driver is not None:
            self.seen.drivers[bdf] = device.driver
        if device.group is not None:
            self.seen.groups[bdf] = device.group
        if device.aliases is not None:
            self.seen.aliases[bdf] = set(device.aliases)

    def _loose_log(self, lines: list[str]) -> None:
        for splat in klog.splats(lines):
            self.log_heads.add(splat.head)
            self._problem("splat", "outside any test:\n" + "\n".join(splat.lines))
        for fault in klog.faults(lines):
            self._problem(fault.kind, "outside any test:\n" + "\n".join(fault.lines))

    def _test_event(self, ev: str, test: str, event: dict[str, Any]) -> None:
        if ev == "test_start":
            self.seen.attempts.setdefault(test, []).append(Attempt(self.seen.boots, started=True))
            self.open = test
            return
        attempt = self._attempt(test)
        if ev == "output":
            output = decode(_Output, event)
            if output.fd == "stderr":
                attempt.stderr += output.read()
            else:
                attempt.stdout += output.read()
        elif ev == "output_cut":
            attempt.cut = True
        elif ev == "record":
            record = event.get("record")
            if isinstance(record, dict):
                attempt.records.append(record)
            else:
                attempt.bad_records.append("no object")
        elif ev == "bad_record":
            attempt.bad_records.append(f"{event.get('error')}: {event.get('text')}")
        elif ev == "kmsg":
            lines = _texts(event)
            attempt.log += lines
            self.log_heads.update(splat.head for splat in klog.splats(lines))
        elif ev == "test_end":
            attempt.end = decode(TestEnd, event)
            self.open = None


def _texts(event: dict[str, Any]) -> list[str]:
    return [klog.kmsg_text(line) for line in decode(_Log, event).lines]
