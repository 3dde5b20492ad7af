# SPDX-License-Identifier: GPL-2.0-only
"""The verdict on each row that was measured on two kernels."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev

from results import inference
from results.samples import Figures, Key, Measured, figures
from results.sides import INSTRUCTIONS

SMALLEST = 0.001  # the smallest change that may be called one, whatever calibration says
AGREEMENT = 0.001  # how far the boots of one kernel may be apart where instructions are counted
APART = 1_000_000  # no kernel does that; something else was measured
AGREEING_BOOTS = 2  # with one nobody knows whether it repeats

MORE, LESS, NONE, ERROR = "more", "less", "no evidence", "error"


@dataclass(frozen=True)
class Row:
    """A row that both sides have. `change` is new / old - 1, as are the ends `low` and `high` of its interval; `p` is the family-wise p of
    the permutation test, `deviation` the standard deviation between boots (of logarithms), `smallest` the smallest change that may be
    called one. `claims`: there are boots enough for a claim. `why` is set for ERROR."""

    key: Key
    unit: str
    better: str
    old: Figures
    new: Figures
    verdict: str
    smallest: float
    claims: bool = False
    change: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    deviation: float | None = None
    why: str | None = None


@dataclass(frozen=True)
class Judged:
    """All rows of a comparison. `labellings` of the boots were tried, which are all there are if `exact`; 0: none could be."""

    rows: list[Row]
    labellings: int = 0
    exact: bool = True


def boots_to_claim(mode: str) -> int:
    """How many boots of each side a claim needs at least."""
    return AGREEING_BOOTS if mode == INSTRUCTIONS else inference.boots_needed()


def judge(
    mode: str, old: Mapping[Key, Measured], new: Mapping[Key, Measured], smallest: Callable[[Key], float], boots: tuple[int, int]
) -> Judged:
    """Compares the rows that both have, by the rules of the mode. `boots` are those of old and new; `smallest` is the smallest change of a
    row that may be called one."""
    pairs = {key: (old[key], new[key]) for key in sorted(old.keys() & new.keys(), key=Key.order)}
    found, sound = {}, []
    for key, (before, after) in pairs.items():
        row = Row(key, after.unit, after.better, figures(before), figures(after), NONE, max(SMALLEST, smallest(key)))
        why = _wrong(row, before, after, boots) or (_disagreement(row) if mode == INSTRUCTIONS else None)
        found[key] = dataclasses.replace(row, verdict=ERROR, why=why) if why else row
        if not why:
            sound.append(key)
    enough = min(boots) >= boots_to_claim(mode)
    if mode == INSTRUCTIONS:
        found.update({key: _counted(found[key], enough) for key in sound})
    elif not enough:
        found.update({key: _unclaimed(found[key]) for key in sound})
    elif sound:
        estimate = inference.estimate([pairs[key][0].boots for key in sound], [pairs[key][1].boots for key in sound])
        found.update({key: _timed(found[key], estimate, at) for at, key in enumerate(sound)})
        return Judged(list(found.values()), estimate.labellings, estimate.exact)
    return Judged(list(found.values()))


def _wrong(row: Row, old: Measured, new: Measured, boots: tuple[int, int]) -> str | None:
    """Why nothing can be said of a row, whatever the mode."""
    if (old.unit, old.better) != (new.unit, new.better):
        return f"old is in {old.unit} with {old.better} better, new in {new.unit} with {new.better}"
    for name, mine, number in (("old", row.old, boots[0]), ("new", row.new, boots[1])):
        if mine.boots < number:
            return f"only {mine.boots} of {name}'s {number} boots have it"
    for name, mine in (("old", row.old), ("new", row.new)):
        if mine.minimum <= 0:
            return f"{name} has samples that are not above 0: they have no ratio"
    values = [*row.old.values, *row.new.values]
    if max(values) / min(values) > APART:
        return f"boots differ by a factor of more than {APART}"
    return None


def _disagreement(row: Row) -> str | None:
    name, worst = max((("old", row.old.spread), ("new", row.new.spread)), key=lambda one: one[1])
    return f"{name}'s boots differ by {worst:.2%}".replace("%", " %") if worst > AGREEMENT else None


def _direction(change: float) -> str:
    return MORE if change > 0 else LESS


def _counted(row: Row, claims: bool) -> Row:
    """Instructions: boots repeat, so that what goes beyond their spread is a change."""
    change = row.new.middle / row.old.middle - 1
    changed = abs(change) > max(row.smallest, row.old.spread, row.new.spread)
    return dataclasses.replace(row, verdict=_direction(change) if changed else NONE, change=change, claims=claims)


def _logarithms(values: Sequence[float]) -> list[float]:
    return [math.log(value) for value in values]


def _unclaimed(row: Row) -> Row:
    """Time, of too few boots: the change as it is, without a claim."""
    old, new = _logarithms(row.old.values), _logarithms(row.new.values)
    several = len(old) > 1 and len(new) > 1
    deviation = math.sqrt((stdev(old) ** 2 + stdev(new) ** 2) / 2) if several else None
    return dataclasses.replace(row, change=math.expm1(fmean(new) - fmean(old)), deviation=deviation)


def _timed(row: Row, estimate: inference.Estimate, at: int) -> Row:
    change, low, high = (math.expm1(float(one[at])) for one in (estimate.change, estimate.low, estimate.high))
    p = float(estimate.p[at])
    shown = (low > 0 or high < 0) and p <= inference.ALPHA and abs(change) >= row.smallest
    deviation = float(estimate.deviation[at])
    verdict = _direction(change) if shown else NONE
    return dataclasses.replace(row, verdict=verdict, claims=True, change=change, low=low, high=high, p=p, deviation=deviation)


def boots_for_one_percent(judged: Sequence[Row]) -> tuple[int, int, Key] | None:
    """About how many boots on each side show a change of 1 %: in the middle row, in the noisiest one, and which that is."""
    known = [(row.deviation, row.key) for row in judged if row.deviation is not None]
    if not known:
        return None
    worst, key = max(known, key=lambda one: one[0])
    middle = median(deviation for deviation, _ in known)
    return inference.boots_for(0.01, middle, len(known)), inference.boots_for(0.01, worst, len(known)), key
