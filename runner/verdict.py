# SPDX-License-Identifier: GPL-2.0-only
"""The verdict of one attempt at one test. Pure.

Three things are told apart, and the first that is there decides:

kernel
    what the kernel showed by itself: a splat, an IOMMU fault, a lost target, a task that can't be killed, new
    taint. That is a FAIL whatever the test or the lab say.
trouble
    the lab or the harness failed, or something that was said got lost. What the test says then may be due to
    that, so this is an ERROR and never a FAIL.
broken
    the test's own account: an assertion, a signal, a timeout. A FAIL.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import AbstractSet

from results.journal import PlannedTest
from results.model import Evidence, Problem, Reason, Result, Verdict
from results.text import crop, one_line
from runner import klog, tap
from runner.collect import LAB_LOSSES, UNREACHABLE, Attempt, Seen
from runner.records import Records, sort_records

# Lines of the console that are kept where no splat is among them.
CONSOLE_LINES = 40
FACT_MAX = 300  # characters of a fact that become a note


@dataclass
class _Findings:
    """Reasons for one verdict, of which the first is named, and what shows them."""

    reasons: list[Reason] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)

    def add(self, code: str, text: str) -> None:
        self.reasons.append(Reason(code, text))

    def show(self, kind: str, lines: list[str]) -> None:
        self.evidence.append(Evidence(kind, "\n".join(lines)))


def blank(test: PlannedTest, verdict: Verdict, reason: Reason | None) -> Result:
    """A result that has nothing but its verdict."""
    return Result(test.id, test.path, test.device, test.title, test.requirements, test.kind, verdict, reason)


def bad_skip(code: str, text: str) -> Reason:
    """Why a skip whose code isn't in lib/skip_reasons.def is an ERROR."""
    return Reason("bad-skip", f"skipped with the unknown reason code '{code}': {text}")


def judge_attempt(
    test: PlannedTest, attempt: Attempt, seen: Seen, skip_codes: AbstractSet[str]
) -> tuple[Result, list[Problem]]:
    """The result of one attempt, and the problems of the run that showed while it ran."""
    said = tap.read(attempt.stdout, attempt.stderr, test.path)
    records = sort_records(attempt.records)
    kernel, problems = _kernel(test, attempt, seen)
    trouble = _trouble(attempt, said, records, seen)
    broken = _broken(attempt, said)
    notes = _notes(attempt)
    verdict: Verdict
    reason: Reason | None
    others: list[Reason] = []
    if attempt.forged is not None:
        # Whoever forges an end can forge a splat.
        verdict, reason = Verdict.ERROR, trouble.reasons[0]
        others = trouble.reasons[1:] + kernel.reasons + broken.reasons
    elif kernel.reasons:
        verdict, reason = Verdict.FAIL, kernel.reasons[0]
        others = kernel.reasons[1:] + broken.reasons + trouble.reasons
    elif trouble.reasons:
        verdict, reason = Verdict.ERROR, trouble.reasons[0]
        others = trouble.reasons[1:] + broken.reasons
    elif broken.reasons:
        verdict, reason = Verdict.FAIL, broken.reasons[0]
    else:
        verdict, reason = _sound(test, attempt, said, records, skip_codes)
    if test.kind == "measurement":
        notes += [crop(one_line(f"{name}: {text}"), FACT_MAX) for name, text in records.facts.items()]
    notes += [f"{other.code}: {other.text}" for other in others]
    evidence = kernel.evidence + trouble.evidence + broken.evidence
    if verdict is Verdict.ERROR and not evidence and said.said:
        evidence.append(Evidence("output", "\n".join(said.said)))
    result = replace(
        blank(test, verdict, reason),
        boot=attempt.boot,
        duration_ns=attempt.end.duration_ns if attempt.end else None,
        max_rss_kib=attempt.end.max_rss_kib if attempt.end else None,
        notes=notes,
        evidence=evidence,
        measurements=records.measurements,
        shown=sorted({found.code for found in [*kernel.reasons, *trouble.reasons, *broken.reasons]}),
    )
    return result, problems


def _kernel(test: PlannedTest, attempt: Attempt, seen: Seen) -> tuple[_Findings, list[Problem]]:
    found = _Findings()
    for splat in klog.splats(attempt.log):
        found.add("splat", splat.head)
        found.show("splat", list(splat.lines))
    for splat in attempt.console_splats:
        found.add("splat", splat.head)
        found.show("console", list(splat.lines))
    problems = _faults(test, attempt, seen, found)
    if klog.is_blind(attempt.log):
        problems.append(Problem("lockdep", f"lockdep turned itself off while {test.id} ran: it is blind"))
    lost = attempt.lost
    if lost is not None and lost.why not in LAB_LOSSES:
        found.add("lost", f"the target was lost: {lost.why}")
        if not attempt.console_splats and lost.console.strip():
            found.show("console", _tail(lost.console))
    end = attempt.end
    if end is not None:
        if end.outcome == "unkillable":
            found.add("hang", "the kernel holds it: still there 10 s after SIGKILL")
        new = end.taint_after & ~end.taint_before & ~test.taints
        if new:
            names = ", ".join(klog.taint_names(new))
            found.add("taint", f"the kernel is newly tainted: {names}")
            found.show("taint", [f"before {end.taint_before:#x}, after {end.taint_after:#x}, new: {names}"])
    return found, problems


def _tail(console: str) -> list[str]:
    return [line.strip("\r") for line in console.rstrip().split("\n")[-CONSOLE_LINES:]]


def _faults(test: PlannedTest, attempt: Attempt, seen: Seen, found: _Findings) -> list[Problem]:
    """Sorts the faults: one of a device of the plan is a finding, unless the test provokes it; others mark
    the run. A header says nothing beside a fault that names its device."""
    faults = klog.faults(attempt.log)
    if any(not fault.header for fault in faults):
        faults = [fault for fault in faults if not fault.header]
    problems = []
    for fault in faults:
        owners = _owners(fault, seen.devices, seen)
        own = bool(owners) if test.device is None else test.device in owners | _siblings(owners, seen)
        if test.faults and (own or fault.device is None):
            continue
        lines = list(fault.lines)
        if owners:
            found.add(fault.kind, f"{_whose(fault, owners, test)}: {lines[0].strip()}")
            found.show("kernel-log", lines)
        else:
            whose = f"of {fault.device}, which is not in the plan" if fault.device else "that names no device"
            text = f"a fault {whose}, while {test.id} ran:"
            problems.append(Problem(fault.kind, "\n".join([text, *lines])))
    return problems


def _siblings(devices: set[str], seen: Seen) -> set[str]:
    """The functions that share an IOMMU group with one of the devices: what a test provokes may be a sibling's."""
    groups = {seen.groups[device] for device in devices if device in seen.groups}
    return {device for device, group in seen.groups.items() if group in groups}


def _whose(fault: klog.Fault, owners: set[str], test: PlannedTest) -> str:
    """The devices that a fault may be of; of those behind one alias, the one that the test was busy with."""
    names = ", ".join([test.device] if test.device in owners and test.device else sorted(owners))
    if fault.device is None or any(_same(fault.device, owner) for owner in owners):
        return names
    return f"{names} (as {fault.device})"


def _owners(fault: klog.Fault, planned: set[str], seen: Seen) -> set[str]:
    """The devices of the plan that a fault is of, by the best evidence that there is.

    The requester is the device or one of its aliases; or it is a function that the plan doesn't have, in the device's
    group, so that it shares the device's table; or it is no function at all but on the device's bus: a device
    with a second requester ID of its own.
    """
    requester = fault.device
    if requester is None:
        return set()
    exact = {device for device in planned if _same(requester, device)}
    behind = {device for device in planned if any(_same(requester, alias) for alias in seen.aliases.get(device, ()))}
    if exact or behind:
        return exact | behind
    listed = {bdf for bdf in seen.inventory if _same(requester, bdf)}
    if listed:
        groups = {seen.groups[bdf] for bdf in listed if bdf in seen.groups}
        return {device for device in planned if seen.groups.get(device) in groups}
    bus = requester.rsplit(":", 1)[0]
    return {device for device in planned if seen.inventory and _same(bus, device.rsplit(":", 1)[0])}


def _same(requester: str, device: str) -> bool:
    """A requester's name may lack the domain that a device's always has."""
    return device == requester or device.endswith(":" + requester)


def _trouble(attempt: Attempt, said: tap.Tap, records: Records, seen: Seen) -> _Findings:
    found = _Findings()
    end = attempt.end
    if attempt.forged is not None:
        found.add("forged", f"somebody else wrote frames to the stream: {attempt.forged.text}")
        found.show("stream", attempt.forged.frames)
    for text in records.lab_errors:
        found.add("lab", text)
    if said.broken is not None:
        found.add("harness", said.broken)
    if end is not None and end.outcome == "not_started":
        found.add("not-started", end.error or "it could not be started")
    elif attempt.gap or (not attempt.started and attempt.lost is None):
        found.add("gap", "frames were lost while it ran: what it said is incomplete")
    if attempt.noise:
        found.add("noise", "somebody else wrote to the stream while it ran: what it said may be damaged")
        found.show("stream", attempt.noise)
    if attempt.lost is not None and attempt.lost.why in LAB_LOSSES:
        if attempt.lost.why == UNREACHABLE:
            found.add("lost", "the target could not be reached any more: its kernel hung, or the way there was cut; nothing shows which")
        else:
            found.add("lost", f"the target was lost, by no fault of its kernel: {attempt.lost.why}")
        if attempt.lost.console.strip():
            found.show("console", _tail(attempt.lost.console))
    for text in attempt.bad_records + records.bad:
        found.add("bad-record", f"a record that can't be read: {text}")
    if end is None and attempt.lost is None and attempt.forged is None:
        stopped = seen.end is not None and seen.end.why == "interrupted"
        found.add("interrupted" if stopped else "cut-off", "it was running when the run ended")
    return found


def _broken(attempt: Attempt, said: tap.Tap) -> _Findings:
    found = _Findings()
    end = attempt.end
    if end is None:
        return found
    if end.outcome == "timeout":
        found.add("hang", "killed at its deadline")
    elif end.outcome == "signaled":
        found.add("signal", f"killed by signal {end.signal}")
    elif end.outcome == "exited" and end.code == 1 and said.not_ok:
        found.add(*_assertion(said))
    if found.reasons and said.said:
        found.show("output", said.said)
    return found


def _assertion(said: tap.Tap) -> tuple[str, str]:
    """The code and text of a `not ok`: the first assertion, or how the harness says that the test ended."""
    if said.how is not None and said.how.startswith("terminated by timeout"):
        return "hang", "the harness ended it at its own deadline"
    if said.how is not None and said.how.startswith("terminated unexpectedly"):
        return "signal", f"the test {said.how}"
    return "assertion", said.said[0].removeprefix("# ") if said.said else "not ok"


def _sound(
    test: PlannedTest, attempt: Attempt, said: tap.Tap, records: Records, skip_codes: AbstractSet[str]
) -> tuple[Verdict, Reason | None]:
    """The verdict of a test that showed nothing wrong: did it say that all is well?"""
    end = attempt.end
    if end is None or end.outcome != "exited":
        return Verdict.ERROR, Reason("silent", f"unknown outcome {end.outcome if end else None}")
    if records.skips and end.code == 0 and not said.not_ok and (said.ok or said.directive == "SKIP"):
        skip = records.skips[0]
        if skip.code not in skip_codes:
            return Verdict.ERROR, bad_skip(skip.code, skip.text)
        return Verdict.SKIP, Reason(skip.code, skip.text)
    if said.directive == "SKIP" and not records.skips:
        return Verdict.ERROR, Reason("bad-skip", "skipped without a reason code")
    if end.code != 0 or not said.ok or said.not_ok:
        lines = ["'ok'"] * said.ok + ["'not ok'"] * said.not_ok
        lines += [f"'ok' with {said.directive}"] if said.directive else []
        text = f"exit code {end.code} with {' and '.join(lines) or 'no result line'}"
        return Verdict.ERROR, Reason("silent", f"the harness said nothing that counts: {text}")
    if test.kind == "promise":
        return Verdict.PASS, None
    if test.kind == "measurement" and not any(one.samples for one in records.measurements):
        return Verdict.ERROR, Reason("no-samples", "a measurement that took no sample")
    return Verdict.DONE, None


def _notes(attempt: Attempt) -> list[str]:
    notes = []
    end = attempt.end
    if end is not None and end.kmsg != "read":
        why = "it may not be read" if end.kmsg == "denied" else "lines of it were lost"
        notes.append(f"the kernel log says nothing here: {why}")
    if end is not None and end.left:
        notes.append(f"{end.left} process(es) outlived it and were killed")
    if attempt.cut:
        notes.append("it printed more than is kept: its output was cut")
    return notes
