# SPDX-License-Identifier: GPL-2.0-only
"""May this kernel ship? A candidate against a baseline on the same host (docs/gate.md): pure, judged runs in, a Gate out.

A run is what it was judged to be, wherever that is kept: `Kept` is made of a judged run (of_run), of a side of a comparison (of_side), or
of a store of results.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from lab.errors import UsageError
from results import conformance, history, store
from results.compare import Comparison
from results.gates import Outcome
from results.model import Run
from results.rows import ERROR
from results.sides import UNKNOWN, Reason, Side, Told
from results.text import one_line

OPEN, CLOSED, NOBODY_KNOWS = "OPEN", "CLOSED", "UNKNOWN"
CODES = {OPEN: 0, CLOSED: 1, NOBODY_KNOWS: 3}

# What became of a test, worst first. The first two close the gate, the third leaves it unknown.
NEW_FAILURE, LOST, NOT_KNOWN = "new failure", "lost coverage", "not known"
STILL, NEW_KNOWN, FIXED, NEW_TEST = "still failing", "new known failure", "fixed", "new test"
CHANGES = (NEW_FAILURE, LOST, NOT_KNOWN, STILL, NEW_KNOWN, FIXED, NEW_TEST)

_LAB = ("ERROR", "MISS")
_SEEN = ("PASS", "DONE", "FAIL", "KNOWN")  # something was said of the kernel
_GONE = "not in the run"
NEWEST = 100  # runs of a history that are looked at on each ground


@dataclass(frozen=True)
class Kept:
    """A judged run: what it ran on, its results, and what is wrong with it beside them. `suite` is the commit of the suite, `build` the
    digest of the kernel's image, if that is known."""

    id: str
    host: str
    kernel: str
    suite: str
    results: list[Told]
    problems: list[str] = field(default_factory=list)
    build: str | None = None

    @property
    def damaged(self) -> bool:
        """Was its journal changed after it was written, or does it have no end?"""
        return any(problem.startswith("journal: ") for problem in self.problems)

    @property
    def ground(self) -> tuple[str, str, str | None, str]:
        """On the same ground a test's verdict should stay what it is."""
        return self.host, self.kernel, self.build, self.suite


def of_run(run: Run) -> Kept:
    """Of a run that was just judged."""
    told = [
        Told(
            one.id, one.path, one.verdict.value, one.device, Reason(one.reason.code, one.reason.text) if one.reason else None,
            {"reason": one.waived.reason, "url": one.waived.url} if one.waived else None,
        ) for one in run.results
    ]  # fmt: skip
    suite = str(run.suite.get("commit", UNKNOWN))[:12] + ("+" if run.suite.get("dirty") else "")
    problems = [f"{problem.kind}: {one_line(problem.text)}" for problem in run.problems]
    if run.interrupted:
        problems.append("the run was interrupted")
    image = run.environment.get("kernel")
    digest = image.get("sha256") if isinstance(image, dict) else None
    return Kept(run.id, run.host, run.kernel or UNKNOWN, suite, told, problems, None if digest is None else str(digest))


def of_side(side: Side) -> list[Kept]:
    """Of each boot of a side, as its results.json has it."""
    return [
        Kept(boot.run.id, boot.run.host, boot.release or UNKNOWN, boot.suite, boot.results, build=boot.fact("kernel", "sha256"))
        for boot in side.boots
    ]


def of_store(connection: store.Connection, kept: Kept) -> list[Kept]:
    """The newest runs that a history has on the ground of `kept`, with the verdicts that they had when they were put in."""
    found = history.on_ground(connection, *kept.ground, NEWEST)
    return [
        replace(kept, id=run, problems=[], results=[
            Told(test, test.split("@")[0], "FAIL" if word == "KNOWN" else word, waived={} if word == "KNOWN" else None)
            for test, word in said
        ]) for run, said in found.items()
    ]  # fmt: skip


def together(boots: Sequence[Kept]) -> Kept:
    """Several boots of one kernel as one run: of each test the worst verdict."""
    worst: dict[str, Told] = {}
    for boot in boots:
        for told in boot.results:
            words = conformance.words([told, *([worst[told.id]] if told.id in worst else [])])
            if words[0] == told.word():
                worst[told.id] = told
    return replace(boots[0], results=list(worst.values()))


@dataclass(frozen=True)
class Item:
    """One test that is not what it was. `why` is the reason of the new verdict, `known` the waiver's sentence and address; `flaky`: on one
    ground it came to several verdicts."""

    test: str
    change: str
    old: str
    new: str
    why: str | None = None
    known: str | None = None
    flaky: bool = False

    def words(self) -> str:
        """As PASS -> FAIL."""
        return f"{self.old} -> {self.new}"


@dataclass(frozen=True)
class Performance:
    """A comparison of benches, and what the limits say of it."""

    compared: Comparison
    outcomes: list[Outcome]

    @property
    def word(self) -> str:
        """As OPEN, CLOSED or NOBODY_KNOWS."""
        words = {outcome.word for outcome in self.outcomes}
        if "hit" in words:
            return CLOSED
        return NOBODY_KNOWS if "unknown" in words or self.compared.with_verdict(ERROR) else OPEN


@dataclass(frozen=True)
class Gate:
    """`both` tests have results in both runs. `flaky` are all tests that are, by id, with their verdicts over `runs` runs."""

    baseline: Kept
    candidate: Kept
    both: int
    items: list[Item]
    flaky: dict[str, list[str]]
    runs: int
    performance: Performance | None = None

    def of(self, change: str) -> list[Item]:
        """The tests of which that became."""
        return [item for item in self.items if item.change == change]

    @property
    def word(self) -> str:
        """OPEN, CLOSED or NOBODY_KNOWS."""
        if self.of(NEW_FAILURE) or self.of(LOST) or (self.performance and self.performance.word == CLOSED):
            return CLOSED
        measured = self.performance.word if self.performance else OPEN
        if self.of(NOT_KNOWN) or self.candidate.problems or self.baseline.damaged or measured == NOBODY_KNOWS:
            return NOBODY_KNOWS
        return OPEN

    @property
    def code(self) -> int:
        """The exit code."""
        return CODES[self.word]


def judge(baseline: Kept, candidate: Kept, history: Sequence[Kept], performance: Performance | None = None) -> Gate:
    """UsageError if the two can't be compared: another host keeps other promises, and has other tests."""
    if baseline.host != candidate.host:
        raise UsageError(
            f"not comparable: the baseline {baseline.id} is of host {baseline.host}, the candidate {candidate.id} of {candidate.host}; "
            "a gate is for one host"
        )
    runs = list({kept.id: kept for kept in [*history, baseline, candidate]}.values())
    unstable = flaky(runs)
    before = {told.id: told for told in baseline.results}
    after = {told.id: told for told in candidate.results}
    items = []
    for test in [*after, *(test for test in before if test not in after)]:
        change = _change(before.get(test), after.get(test))
        if change:
            items.append(_item(test, change, before.get(test), after.get(test), test in unstable))
    items.sort(key=lambda item: CHANGES.index(item.change))
    return Gate(baseline, candidate, len(before.keys() & after.keys()), items, unstable, len(runs), performance)


def flaky(runs: Iterable[Kept]) -> dict[str, list[str]]:
    """The tests that came to several verdicts on one ground, with these. What the lab spoilt says nothing. A known failure is a failure:
    that somebody wrote a waiver between two runs makes no test flaky."""
    seen: dict[tuple[tuple[str, str, str | None, str], str], set[str]] = {}
    for kept in runs:
        for told in kept.results:
            if told.verdict not in _LAB:
                seen.setdefault((kept.ground, told.id), set()).add(told.verdict)
    found: dict[str, set[str]] = {}
    for (_, test), words in seen.items():
        if len(words) > 1:
            found.setdefault(test, set()).update(words)
    return {test: sorted(words, key=conformance.WORST_FIRST.index) for test, words in found.items()}


def _change(old: Told | None, new: Told | None) -> str | None:
    """What became of a test; None if nothing that a reader has to know."""
    was, is_ = (told.word() if told else _GONE for told in (old, new))
    if is_ == "FAIL":
        return STILL if was == "FAIL" else NEW_FAILURE
    if is_ in _LAB:
        return NOT_KNOWN
    if is_ == "KNOWN":
        return None if was == "KNOWN" else STILL if was == "FAIL" else NEW_KNOWN
    if is_ in ("SKIP", _GONE):
        return LOST if was in _SEEN else None
    if was == _GONE:
        return NEW_TEST
    return FIXED if was in ("FAIL", "KNOWN") else None


def _item(test: str, change: str, old: Told | None, new: Told | None, unstable: bool) -> Item:
    told = new or old
    why = conformance.why([new]) if new else "the candidate's run does not have it"
    waived = told.waived if told else None
    known = f"{one_line(str(waived.get('reason')))} {one_line(str(waived.get('url')))}" if waived else None
    return Item(test, change, old.word() if old else _GONE, new.word() if new else _GONE, why, known, unstable)
