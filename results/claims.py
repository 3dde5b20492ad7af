# SPDX-License-Identifier: GPL-2.0-only
"""What a run says of a claim (docs/results.md): pure, a profile and the results in, a Claim out.

A claim is about the kernel: a failure that a waiver names breaks it like any other. A requirement is held if a test of it passed and none
failed, on every device that it applies to. What is absent breaks the claim where it is demanded. What the lab could not show leaves
the claim incomplete.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from results.model import HELD, INCOMPLETE, NOT_HELD, Cause, Claim, Finding, Result, State, Verdict
from runner.catalogue import ABSENT, Requirement
from runner.profiles import Profile

_BREAKS = (State.BROKEN, State.KNOWN, State.ABSENT)


def judge(profile: Profile, results: Iterable[Result], catalogue: Mapping[str, Requirement], causes: Mapping[str, str]) -> Claim:
    """`causes` is the cause of each skip reason (catalogue.skip_causes)."""
    naming: dict[str, list[Result]] = {name: [] for name in profile.requirements}
    for result in results:
        for name in result.requirements if result.kind == "promise" else []:
            if name in naming:
                naming[name].append(result)
    findings = [
        _finding(catalogue[name], name in profile.demanded, naming[name], causes) for name in catalogue if name in naming
    ]  # fmt: skip
    states = {finding.state for finding in findings}
    verdict = NOT_HELD if states & set(_BREAKS) else INCOMPLETE if State.NOT_COVERED in states else HELD
    return Claim(profile.name, profile.title, verdict, findings)


def _finding(requirement: Requirement, demanded: bool, results: Sequence[Result], causes: Mapping[str, str]) -> Finding:
    def found(state: State, told: Iterable[Cause] = ()) -> Finding:
        return Finding(requirement.id, requirement.title, demanded, state, list(told))

    if requirement.untested is not None:
        return found(State.UNTESTABLE, [Cause(None, requirement.untested.kind, requirement.untested.words())])
    failed = [result for result in results if result.verdict is Verdict.FAIL]
    if failed:
        known = all(result.waived for result in failed)
        return found(State.KNOWN if known else State.BROKEN, _each(result for result in failed if known or not result.waived))
    lost = [result for result in results if result.verdict in (Verdict.ERROR, Verdict.MISS)]
    if lost:
        return found(State.NOT_COVERED, _each(lost))
    if any(result.verdict is Verdict.PASS for result in results):
        return found(State.HELD)
    here = [result for result in results if result.reason and causes.get(result.reason.code) != ABSENT]
    if here or not results:
        return found(State.NOT_COVERED, _different(here) or [Cause(None, "not-planned", "the run has no test of it")])
    return found(State.ABSENT if demanded else State.FINE, _different(results))


def _each(results: Iterable[Result]) -> list[Cause]:
    """One cause for each test."""
    return [Cause(one.id, one.reason.code, one.reason.text) for one in results if one.reason]


def _different(results: Iterable[Result]) -> list[Cause]:
    """One cause for each reason, with the first test that gave it."""
    found: dict[tuple[str, str], Cause] = {}
    for cause in _each(results):
        found.setdefault((cause.code, cause.text), cause)
    return list(found.values())


def words(claim: Claim) -> str:
    """How many requirements are in which state, for a reader."""
    demanded = sum(finding.demanded for finding in claim.findings)
    counts = [
        (State.HELD, "held"), (State.BROKEN, "broken"), (State.KNOWN, "broken as known"), (State.ABSENT, "absent"),
        (State.NOT_COVERED, "not covered"), (State.FINE, "absent as may be"), (State.UNTESTABLE, "can't be tested by this suite"),
    ]  # fmt: skip
    told = ", ".join(f"{len(claim.of(state))} {name}" for state, name in counts if claim.of(state))
    return f"{demanded} demanded, {len(claim.findings) - demanded} conditional: {told}"


def causes_by_text(findings: Iterable[Finding]) -> dict[tuple[str, str], list[Finding]]:
    """Findings by the first of their causes, code and text, so that one reason is told once."""
    found: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        cause = finding.causes[0]
        found.setdefault((cause.code, cause.text), []).append(finding)
    return found
