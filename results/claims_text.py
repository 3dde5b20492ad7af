# SPDX-License-Identifier: GPL-2.0-only
"""A claim for a reader: the lines that the summary, KTAP and JUnit have of it."""

from __future__ import annotations

from collections.abc import Iterable

from results.claims import causes_by_text, words
from results.model import HELD, INCOMPLETE, NOT_HELD, Claim, Finding, State
from results.text import one_line

STYLES = {HELD: "bold green", NOT_HELD: "bold red", INCOMPLETE: "bold magenta"}
TESTS = 3  # of one requirement; results.json has them all


def lines(claim: Claim) -> list[str]:
    """What was found, worst first, each line indented by how deep it is; what is held is counted only."""
    found = [f"{claim.title}; {words(claim)}"]
    for state, title in ((State.BROKEN, "broken"), (State.KNOWN, "broken, as is known"), (State.ABSENT, "absent, and demanded")):
        if claim.of(state):
            found.append(title)
        for finding in claim.of(state):
            found += _in_full(finding)
    for state, title in ((State.NOT_COVERED, "not covered"), (State.FINE, "absent, as may be")):
        if claim.of(state):
            found.append(title)
            found += _by_cause(claim.of(state))
    untestable = claim.of(State.UNTESTABLE)
    if untestable:
        number = len(untestable)
        found.append(f"{number} requirement{'s' if number > 1 else ''} can't be tested by this suite")
        found += [f"  {one.requirement}  {one_line(one.causes[0].text)}" for one in untestable]
    return found


def _in_full(finding: Finding) -> list[str]:
    found = [f"  {finding.requirement}  {finding.title}"]
    found += [f"    {cause.test}: {cause.code}: {one_line(cause.text)}" for cause in finding.causes[:TESTS]]
    more = len(finding.causes) - TESTS
    return found + ([f"    and {more} more in results.json"] if more > 0 else [])


def _by_cause(findings: Iterable[Finding]) -> list[str]:
    found = []
    for (code, text), mine in causes_by_text(findings).items():
        found.append(f"  {code}: {one_line(text)}")
        names = [finding.requirement for finding in mine]
        found += [f"    {' '.join(names[at:at + 8])}" for at in range(0, len(names), 8)]
    return found
