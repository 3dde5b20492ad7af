# SPDX-License-Identifier: GPL-2.0-only
"""Walks a journal and sorts what was seen by test. Says nothing of verdicts: judge.py does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from results import journal as j
from results.model import Problem
from results.typed import ShapeError, decode
from runner import klog
from runner.events import Device, Hello, Log, Output, Taken, TestEnd

# The ways to lose a target that say nothing of its kernel.
UNREACHABLE = "unreachable"
LAB_LOSSES = frozenset({
    "stream corrupt", "emulator died", "cts-exec died", "cts-relay died", UNREACHABLE, "job cancelled", "job timed out", "job failed",
    "log too long",
})  # fmt: skip


@dataclass
class Attempt:
    """One time that a test was started, and all that was seen of it.

    `gap`: frames of it may be missing. `noise`: what somebody else wrote to the stream while it ran. `forged`: why nothing of it
    can be believed, and the frames that show it. `cut`: more of its output was there than is kept.
    """

    boot: int
    started: bool = False
    gap: bool = False
    noise: list[str] = field(default_factory=list)
    forged: j.ForgedEntry | None = None
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
    # the runner was gone before the test had ended, and another one went on
    abandoned: bool = False

    @property
    def over(self) -> bool:
        """Did it come to an end that says something?"""
        return self.end is not None or self.lost is not None or self.forged is not None


@dataclass
class Seen:
    """A journal, sorted. `devices` are those of the plan. `drivers`, `groups` and `aliases` are by BDF; `inventory` has every function that
    is listed. `boot_id` is of the kernel that was last heard of, and `running` the test of which no end was heard on a real host."""

    run: j.RunEntry | None = None
    environment: dict[str, Any] = field(default_factory=dict)
    plan: list[j.PlannedTest] = field(default_factory=list)
    devices: set[str] = field(default_factory=set)
    unselected: list[j.Left] = field(default_factory=list)
    attempts: dict[str, list[Attempt]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    boots: int = 0
    kernel: str | None = None
    boot_id: str | None = None
    running: str | None = None
    drivers: dict[str, str] = field(default_factory=dict)
    groups: dict[str, int] = field(default_factory=dict)
    aliases: dict[str, set[str]] = field(default_factory=dict)
    inventory: set[str] = field(default_factory=set)
    end: j.EndEntry | None = None
    last: float | None = None


def collect(journal: j.Journal) -> Seen:
    """Sorts a journal. What belongs to no test and isn't as it should be becomes a problem of the run."""
    return _Walk().walk(journal)


@dataclass
class _Machine:
    """One of the targets of a run as it is at some entry: the boot that it is in, the test that runs, and the splats that its
    kernel log has shown in this boot."""

    boot: int = 0
    open: str | None = None
    log_heads: set[str] = field(default_factory=set)


class _Walk:
    def __init__(self) -> None:
        self.seen = Seen()
        self.machines: dict[int, _Machine] = {}

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
                    if test.device is not None:
                        self.seen.devices.add(test.device)
                self.seen.unselected += entry.unselected
            elif isinstance(entry, j.JobEntry):
                pass
            elif isinstance(entry, (j.RunEntry, j.ResumeEntry, j.EnvironmentEntry, j.LabErrorEntry, j.EndEntry)):
                self._of_run(entry)
            else:
                self._of_machine(entry, self.machines.setdefault(entry.machine, _Machine()))
        for stranger in sorted(set(self.seen.attempts) - planned):
            self._problem("plan", f"{stranger} ran and was not planned")
        for text in [*journal.problems, *journal.breaks]:
            self._problem("journal", text)
        if journal.torn:
            self._problem("journal", "torn: the last line was cut short; everything before it counts")
        if self.seen.end is None:
            self._problem("journal", "no end: the runner was stopped, or could not write any more")
        return self.seen

    def _problem(self, kind: str, text: str) -> None:
        self.seen.problems.append(Problem(kind, text))

    def _of_run(self, entry: j.RunEntry | j.ResumeEntry | j.EnvironmentEntry | j.LabErrorEntry | j.EndEntry) -> None:
        if isinstance(entry, j.RunEntry):
            self.seen.run = entry
            self.seen.environment.update(entry.environment)
        elif isinstance(entry, j.ResumeEntry):
            self._resume()
        elif isinstance(entry, j.EnvironmentEntry):
            self.seen.environment.update(entry.environment)
        elif isinstance(entry, j.LabErrorEntry):
            self._problem("lab", entry.error)
        else:
            self.seen.end = entry

    def _of_machine(self, entry: j.MachineEntry, machine: _Machine) -> None:
        if isinstance(entry, j.BootEntry):
            self.seen.boots += 1
            machine.boot = self.seen.boots
            machine.open = None
        elif isinstance(entry, j.PowerEntry):
            if entry.action == "on":  # a new kernel, and a new console
                machine.log_heads.clear()
        elif isinstance(entry, j.BootFailedEntry):
            self._problem("lab" if entry.why in LAB_LOSSES else "boot", f"the target did not come up: {entry.why}")
            self._console_splats(entry.console, "on the console, while the target was started", machine)
        elif isinstance(entry, j.NoiseEntry):
            if entry.id is not None:
                self._attempt(entry.id, machine).noise.append(entry.text)
        elif isinstance(entry, j.GapEntry):
            self._gap(entry, machine)
        elif isinstance(entry, j.ForgedEntry):
            self._forged(entry, machine)
        elif isinstance(entry, j.LostEntry):
            self._lost(entry, machine)
        elif isinstance(entry, j.NextEntry):
            self.seen.running = entry.id
        elif isinstance(entry, j.EventEntry):
            try:
                self._event(entry.event, machine)
            except ShapeError as error:
                self._problem("journal", f"event {entry.event.get('ev')!r}: {error}")

    def _resume(self) -> None:
        """What stopped the run before has been overcome; a test that it stopped says nothing."""
        self.machines.clear()
        self.seen.end = None
        self.seen.problems = [problem for problem in self.seen.problems if problem.kind != "lab"]
        for attempts in self.seen.attempts.values():
            for attempt in attempts:
                attempt.abandoned = not attempt.over

    def _gap(self, entry: j.GapEntry, machine: _Machine) -> None:
        if machine.open is not None:
            self._attempt(machine.open, machine).gap = True
        else:
            self._problem("gap", f"frames {entry.expected} to {entry.seen - 1} were lost outside any test")

    def _forged(self, entry: j.ForgedEntry, machine: _Machine) -> None:
        machine.open = self.seen.running = None
        for test in entry.ids:
            self._attempt(test, machine).forged = entry
        if not entry.ids:
            self._problem("forged", f"outside any test: {entry.text}")

    def _lost(self, entry: j.LostEntry, machine: _Machine) -> None:
        machine.open = self.seen.running = None
        if entry.id is not None:
            attempt = self._attempt(entry.id, machine)
            attempt.lost = entry
            attempt.abandoned = False
            attempt.console_splats = self._fresh(entry.console, machine)
            return
        self._problem("lost", f"the target was lost outside any test: {entry.why}")
        self._console_splats(entry.console, "on the console, outside any test", machine)

    def _fresh(self, console: str, machine: _Machine) -> list[klog.Splat]:
        """The splats of a console that were not in the kernel log."""
        found = klog.splats(klog.console_lines(console))
        fresh = [splat for splat in found if splat.head not in machine.log_heads]
        machine.log_heads.update(splat.head for splat in found)
        return fresh

    def _console_splats(self, console: str, where: str, machine: _Machine) -> None:
        for splat in self._fresh(console, machine):
            self._problem("splat", f"{where}:\n" + "\n".join(splat.lines))

    def _attempt(self, test: str, machine: _Machine) -> Attempt:
        """The attempt of `test` that events now belong to; without a test_start frames of it are lost."""
        attempts = self.seen.attempts.setdefault(test, [])
        if not attempts:
            attempts.append(Attempt(machine.boot))
        return attempts[-1]

    def _event(self, event: dict[str, Any], machine: _Machine) -> None:
        ev = event.get("ev")
        test = event.get("id")
        if ev == "hello":
            hello = decode(Hello, event)
            self.seen.kernel, self.seen.boot_id = hello.uname.get("release"), hello.boot
        elif ev == "device":
            device = decode(Device, event)
            self._device(device.bdf, device.driver, device.group)
            if device.aliases is not None:
                self.seen.aliases[device.bdf] = set(device.aliases)
        elif ev == "taken":
            taken = decode(Taken, event)
            self._device(taken.device, taken.driver, taken.group)
        elif ev == "given_back" and "error" in event:
            self._problem("device", f"{event.get('device')} could not be given back: {event['error']}")
        elif ev == "bad_op":
            self._problem("plan", f"cts-exec refused plan line {event.get('line')}: {event.get('error')}")
        elif ev == "kmsg" and not isinstance(test, str):
            self._loose_log(_texts(event), machine)
        elif isinstance(test, str):
            self._test_event(str(ev), test, event, machine)

    def _device(self, bdf: str, driver: str | None, group: int | None) -> None:
        self.seen.inventory.add(bdf)
        if driver is not None:
            self.seen.drivers[bdf] = driver
        if group is not None:
            self.seen.groups[bdf] = group

    def _loose_log(self, lines: list[str], machine: _Machine) -> None:
        for splat in klog.splats(lines):
            machine.log_heads.add(splat.head)
            self._problem("splat", "outside any test:\n" + "\n".join(splat.lines))
        for fault in klog.faults(lines):
            self._problem(fault.kind, "outside any test:\n" + "\n".join(fault.lines))

    def _test_event(self, ev: str, test: str, event: dict[str, Any], machine: _Machine) -> None:
        if ev == "test_start":
            self.seen.attempts.setdefault(test, []).append(Attempt(machine.boot, started=True))
            machine.open = test
            return
        attempt = self._attempt(test, machine)
        if ev == "output":
            output = decode(Output, event)
            if output.fd == "stderr":
                attempt.stderr += output.read()
            else:
                attempt.stdout += output.read()
        elif ev == "output_cut":
            attempt.cut = True
            gap = f"\n# {event.get('dropped')} bytes of output were left out here\n"
            if event.get("fd") == "stderr":
                attempt.stderr += gap
            else:
                attempt.stdout += gap
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
            machine.log_heads.update(splat.head for splat in klog.splats(lines))
        elif ev == "test_end":
            attempt.end = decode(TestEnd, event)
            machine.open = self.seen.running = None


def _texts(event: dict[str, Any]) -> list[str]:
    return [klog.kmsg_text(line) for line in decode(Log, event).lines]
