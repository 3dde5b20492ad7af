# SPDX-License-Identifier: GPL-2.0-only
"""What a bisection asks of each revision: what does a test say, or what do rows of a measurement take?"""

import dataclasses
import json
import os
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from lab import host as hosts
from lab import kernel, kgit, toolbox
from lab.errors import LabError, UsageError
from results.conformance import WORST_FIRST
from results.model import Run
from results.samples import Key, figures
from results.sides import Told, load, rows
from results.typed import decode
from runner import bench
from runner import run as running

FILE = "bisect.json"
GOOD, BAD, SKIP = "good", "bad", "skip"
UNDECIDED = ("ERROR", "MISS")  # the harness or the lab failed, so nothing is known of the kernel


@dataclasses.dataclass(frozen=True)
class Question:
    """Of repository `ksrc` on `host`: a test, by id or path, or a row with the part of 1 that it may change by; "" and 0 for the other."""

    ksrc: str
    host: str
    test: str
    row: str
    threshold: float

    @property
    def select(self) -> str:
        """The tests that answer it, as --select takes them."""
        if self.test:
            return self.test.partition("@")[0]
        path, colon, _ = self.row.partition(":")
        return path if colon else bench.TESTS[0]

    @property
    def what(self) -> bench.What:
        """What is measured for a row."""
        return bench.What(self.host, [self.select])

    @property
    def where(self) -> hosts.Host:
        """The host with the kernel that answers it."""
        return bench.where(self.what) if self.row else hosts.find(self.host)


@dataclasses.dataclass(frozen=True)
class Seen:
    """What a revision answered: the verdict of a test, or each row that matches and its value in a boot; or `nothing`, which says why it
    did not answer."""

    verdict: str = ""
    values: Mapping[str, float] = dataclasses.field(default_factory=dict)
    nothing: str = ""


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a bisection knows before its first step."""

    question: Question
    good: Seen
    bad: Seen


def write(folder: Path, plan: Plan) -> None:
    """Keeps the plan of the bisection in `folder`."""
    draft = folder / f".{FILE}.{os.getpid()}"
    draft.write_text(json.dumps(dataclasses.asdict(plan), indent=1) + "\n")
    draft.replace(folder / FILE)


def read(folder: Path) -> Plan:
    """What write() wrote. LabError if it is damaged."""
    try:
        found = json.loads((folder / FILE).read_text())
        seen = [Seen(**found[name]) for name in (GOOD, BAD)]
        return Plan(decode(Question, found["question"]), *seen)
    except (ValueError, KeyError, TypeError) as error:
        raise LabError(f"{folder / FILE} can't be read: {error}") from error


def verdict_of(told: list[Told], test: str) -> str:
    """The worst verdict of the test of this id, or of this path on all devices; "" if it is none of them."""
    words = {one.word() for one in told if test in (one.id, one.path)}
    return next((word for word in WORST_FIRST if word in words), "")


def matching(measured: Mapping[Key, float], row: str) -> dict[str, float]:
    """The values of the rows that a pattern is for, or that are called so."""
    return {key.words(): value for key, value in measured.items() if row == key.words() or fnmatchcase(key.words(), row)}


def ask(question: Question, repository: kgit.Repository, revision: kgit.Revision, folder: Path) -> Seen:
    """Builds the revision, boots it and looks; what came out is kept in `folder`. The repository has to be held. LabError if it is the lab
    that failed, KeyboardInterrupt ends it."""
    where = question.where
    try:
        built = kernel.build(toolbox.obtain(where.machine.toolbox), repository.source(revision), where.fragments, where.machine)
    except kernel.BuildError as error:
        return Seen(nothing=f"it does not build: {error.lines[0].strip()}")
    image = str(built.folder)
    label = revision.commit[:12]
    return _measure(question, image, folder / label) if question.row else _test(question, image, folder / label)


def _test(question: Question, image: str, folder: Path) -> Seen:
    options = running.Options(question.host, [question.select], kernel=[image], runs=folder)
    kept, judged = running.run(options)
    if judged.interrupted:
        raise KeyboardInterrupt
    verdict = verdict_of([told for boot in load(str(kept)).boots for told in boot.results], question.test)
    if verdict and verdict not in UNDECIDED:
        return Seen(verdict=verdict)
    return Seen(nothing=_problem(judged) or f"{question.test} is {verdict or 'not among the tests'}")


def _problem(judged: Run) -> str:
    return "; ".join(problem.text for problem in judged.problems).split("\n")[0]


def _measure(question: Question, image: str, folder: Path) -> Seen:
    side = bench.Side(question.what, folder, folder.name, [image], fit=True)
    try:
        if not side.measured:
            side.boot(1, 1)
    except UsageError:
        raise
    except LabError as error:
        return Seen(nothing=str(error).split("\n")[0])
    (found,) = rows([load(str(folder))])
    values = matching({key: figures(row).middle for key, row in found.items()}, question.row)
    return Seen(values=values) if values else Seen(nothing=f"no row of it is {question.row}")


def changes(question: Question, good: Seen, seen: Seen) -> dict[str, float]:
    """How much more each row takes than in the good revision; of those that both have."""
    return {row: seen.values[row] / value - 1 for row, value in good.values.items() if row in seen.values and value > 0}


def answer(plan: Plan, seen: Seen) -> str:
    """GOOD, BAD or SKIP: bad is what the bad revision says, or a change of all rows beyond the threshold."""
    question = plan.question
    if seen.nothing:
        return SKIP
    if question.test:
        return {plan.bad.verdict: BAD, plan.good.verdict: GOOD}.get(seen.verdict, SKIP)
    found = changes(question, plan.good, seen)
    if len(found) < len(plan.good.values):
        return SKIP
    return BAD if exceeds(found, question.threshold) else GOOD


def exceeds(found: Mapping[str, float], threshold: float) -> bool:
    """Did all rows change by more than that, in its direction?"""
    return all(change > threshold if threshold > 0 else change < threshold for change in found.values())


def shown(question: Question, good: Seen, seen: Seen) -> str:
    """What was seen, in one line."""
    if seen.nothing or seen.verdict:
        return seen.nothing or seen.verdict
    found = changes(question, good, seen)
    if not found:
        return "none of the good revision's rows"
    row = max(found, key=lambda one: abs(found[one]))
    more = f", the most of {len(found)} rows" if len(found) > 1 else ""
    return f"{row}: {seen.values[row]:.0f}, {100 * found[row]:+.2f} %{more}"
