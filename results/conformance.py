# SPDX-License-Identifier: GPL-2.0-only
"""Which tests came to another verdict on one kernel than on another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from results.sides import Side, Told
from results.text import one_line

# What a reader wants to see first.
WORST_FIRST = ("FAIL", "ERROR", "MISS", "KNOWN", "SKIP", "PASS", "DONE")


@dataclass(frozen=True)
class Difference:
    """A test with its verdicts, worst first (several where the boots of a side differ), and why the new one is what it is."""

    test: str
    old: list[str]
    new: list[str]
    why: str | None

    def words(self) -> str:
        """As PASS -> FAIL."""
        return f"{'/'.join(self.old)} -> {'/'.join(self.new)}"


@dataclass(frozen=True)
class Conformance:
    """`both` is how many tests both sides have."""

    both: int
    only_old: int
    only_new: int
    differences: list[Difference]

    def counts(self) -> dict[str, int]:
        """How many tests differ in which way, in the order of `differences`."""
        return dict(Counter(one.words() for one in self.differences))


def words(told: Sequence[Told]) -> list[str]:
    """The verdicts of these, worst first."""
    found = {one.word() for one in told}
    return [word for word in WORST_FIRST if word in found] + sorted(found - set(WORST_FIRST))


def why(told: Sequence[Told]) -> str | None:
    """The reason that the worst of these verdicts has."""
    worst = words(told)[0]
    return next((f"{one.reason.code}: {one_line(one.reason.text)}" for one in told if one.word() == worst and one.reason), None)


def _place(one: Difference) -> tuple[int, int, str]:
    rank = {word: place for place, word in enumerate(WORST_FIRST)}
    return rank.get(one.new[0], len(rank)), rank.get(one.old[0], len(rank)), one.test


def compare(old: Side, new: Side) -> Conformance:
    """Of two sides; tests that fail now come first."""
    before, after = old.results(), new.results()
    both = before.keys() & after.keys()
    pairs = ((test, words(before[test]), words(after[test])) for test in both)
    found = [Difference(test, was, is_, why(after[test])) for test, was, is_ in pairs if was != is_]
    return Conformance(len(both), len(before.keys() - both), len(after.keys() - both), sorted(found, key=_place))
