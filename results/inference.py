# SPDX-License-Identifier: GPL-2.0-only
"""What boots of two kernels say about a change, row by row, with one error rate for all rows together.

The replicate is the boot: samples of one boot share its memory layout and are no replicates. A row's value in a boot is the median of its
samples, its change the difference of the means of the logarithms of these values: a ratio, the same forth and back.

* The interval: boots are drawn with replacement within each side, samples within each boot drawn, and the change is taken again. It is
  divided by its standard error, the largest over all rows is kept, and the quantile of that makes all intervals hold at once.
* The test: the boots' labels are exchanged, in every way or in many, and the largest over all rows is compared likewise. If the kernels are
  alike, labels mean nothing, whatever the distributions are: so the chance of one false alarm or more is at most ALPHA.

With few boots a row's variance is known badly, and the largest of many quotients would be the one whose variance came out too small by
chance. Therefore each variance is drawn to the typical one, the median of all rows, with the weight of up to PRIOR more boots.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

ALPHA = 0.01  # of one comparison of two sides, over all its rows
SEED = 20211120
REPLICATES = 2000
LABELLINGS = 20_000
PRIOR = 4
POWER = 0.8
RESOLUTION = 1e-6  # the logarithm of a ratio is never known better
CHUNK = 2_000_000  # numbers at a time

Floats = NDArray[np.float64]
Samples = Sequence[Sequence[float]]  # of one row: boot by boot


def boots_needed(alpha: float = ALPHA) -> int:
    """The fewest boots on each side with which the labels alone can show anything: of C(2n, n) ways two are as far apart as can be."""
    return next(n for n in itertools.count(1) if 2 / math.comb(2 * n, n) <= alpha)


@dataclass(frozen=True)
class Estimate:
    """By row: the change and its simultaneous interval (natural logarithms of ratios), the family-wise p of the permutation test and the
    standard deviation between boots of a side. `labellings` were tried, which are all there are if `exact`."""

    change: Floats
    low: Floats
    high: Floats
    p: Floats
    deviation: Floats
    labellings: int
    exact: bool


@dataclass(frozen=True)
class _Side:
    """The sorted samples of one side, by row and boot, padded at the end; how many there are; the logarithms of their medians."""

    samples: Floats
    counts: NDArray[np.int64]
    values: Floats


def _side(rows: Sequence[Samples]) -> _Side:
    boots = len(rows[0])
    longest = max(len(samples) for row in rows for samples in row)
    table = np.full((len(rows), boots, longest), np.inf)
    counts = np.zeros((len(rows), boots), dtype=np.int64)
    for at, row in enumerate(rows):
        for boot, samples in enumerate(row):
            table[at, boot, : len(samples)] = samples
            counts[at, boot] = len(samples)
    table.sort(axis=2)
    low = np.take_along_axis(table, ((counts - 1) // 2)[:, :, None], axis=2)[:, :, 0]
    high = np.take_along_axis(table, (counts // 2)[:, :, None], axis=2)[:, :, 0]
    return _Side(table, counts, np.log((low + high) / 2))


def _drawn(side: _Side, picks: NDArray[np.int64], rng: np.random.Generator) -> Floats:
    """The logarithms of the medians of samples drawn with replacement from the boots `picks` (replicate, place), by replicate, place and
    row.

    Of n drawn samples only the one or two in the middle are wanted. The one at place m is the order statistic m of n uniform numbers, which
    has a beta distribution; of the n - m numbers above it the least is one more power of a uniform number. This is exact, and n times
    less work than drawing them all.
    """
    n = side.counts.T[picks]
    rows = np.arange(n.shape[2])
    m = (n + 1) // 2
    first = rng.beta(m, n - m + 1)
    even = n % 2 == 0
    second = np.where(even, 1 - (1 - first) * rng.random(n.shape) ** (1 / np.maximum(n - m, 1)), first)
    low, high = (np.minimum((n * place).astype(np.int64), n - 1) for place in (first, second))
    boots = picks[:, :, None]
    return np.asarray(np.log((side.samples[rows, boots, low] + side.samples[rows, boots, high]) / 2))


def _typical(variances: Floats) -> Floats:
    """The middle one of the last axis, rows, kept as an axis of length 1."""
    return np.asarray(np.median(np.maximum(variances, RESOLUTION**2), axis=-1, keepdims=True))


def _errors(variances: Floats, typical: Floats, boots: int) -> Floats:
    """The standard errors of changes from their variances, with the rows in the last axis."""
    rows = variances.shape[-1]
    prior = PRIOR * (rows - 1) / rows  # one row alone has nothing to lean on
    freedom = boots - 2
    return np.asarray(np.sqrt((freedom * np.maximum(variances, RESOLUTION**2) + prior * typical) / (freedom + prior)))


def _change(old: Floats, new: Floats) -> tuple[Floats, Floats]:
    """Changes and their variances, of values with the boots in the last but one axis and the rows in the last."""
    variances = old.var(axis=-2, ddof=1) / old.shape[-2] + new.var(axis=-2, ddof=1) / new.shape[-2]
    return new.mean(axis=-2) - old.mean(axis=-2), variances


def _quantile(old: _Side, new: _Side, replicates: int, rng: np.random.Generator) -> float:
    """How many standard errors hold all rows' changes at once. What is typical stays that of the real boots: where boots are few, some
    draws are nearly all of the same one, and then all rows seem to vary little."""
    centre, variances = _change(old.values.T, new.values.T)
    typical = _typical(variances)
    rows, a = old.values.shape
    b = new.values.shape[1]
    step = max(1, CHUNK // (rows * (a + b)))
    largest = []
    for begin in range(0, replicates, step):
        size = min(step, replicates - begin)
        drawn = [_drawn(side, rng.integers(0, boots, (size, boots)), rng) for side, boots in ((old, a), (new, b))]
        change, variances = _change(*drawn)
        largest.append(np.max(np.abs(change - centre) / _errors(variances, typical, a + b), axis=1))
    return float(np.quantile(np.concatenate(largest), 1 - ALPHA, method="higher"))


def _labellings(old: int, new: int, rng: np.random.Generator) -> tuple[Floats, bool]:
    """Ways to call `old` of the boots old, a row each, the true one first; and whether these are all."""
    boots = old + new
    if math.comb(boots, old) <= LABELLINGS:
        chosen = np.array(list(itertools.combinations(range(boots), old)))
        exact = True
    else:
        shuffled = rng.permuted(np.tile(np.arange(boots), (LABELLINGS, 1)), axis=1)[:, :old]
        chosen = np.concatenate([np.arange(old)[None, :], shuffled])
        exact = False
    marks = np.zeros((len(chosen), boots))
    np.put_along_axis(marks, chosen, 1.0, axis=1)
    return marks, exact


def _permuted(old: Floats, new: Floats, rng: np.random.Generator) -> tuple[Floats, int, bool]:
    """The family-wise p of each row, from values by boot and row; how many labellings there were, and whether these are all."""
    marks, exact = _labellings(len(old), len(new), rng)
    values = np.concatenate([old, new])
    values = values - values.mean(axis=0)
    a, b = len(old), len(new)
    total, squares = values.sum(axis=0), (values**2).sum(axis=0)
    largest = []
    own = np.empty(0)
    step = max(1, CHUNK // values.shape[1])
    for begin in range(0, len(marks), step):
        some = marks[begin : begin + step]
        mean_a, square_a = some @ values / a, some @ values**2
        mean_b = (total - a * mean_a) / b
        within_a = np.maximum(square_a - a * mean_a**2, 0) / (a - 1)
        within_b = np.maximum(squares - square_a - b * mean_b**2, 0) / (b - 1)
        variances = within_a / a + within_b / b
        statistic = np.abs(mean_b - mean_a) / _errors(variances, _typical(variances), a + b)
        if not begin:
            own = statistic[0]
        largest.append(statistic.max(axis=1))
    every = np.sort(np.concatenate(largest))
    # The same labelling, or its mirror image, may come out lower by a rounding.
    reached = len(every) - np.searchsorted(every, own * (1 - 1e-9), side="left")
    return reached / len(every), len(every), exact


def estimate(old: Sequence[Samples], new: Sequence[Samples], replicates: int = REPLICATES, seed: int = SEED) -> Estimate:
    """Compares rows of two kernels. `old` and `new` have the same rows; each has at least two boots, the same in every row. All samples are
    positive. The same input has the same result."""
    # A generator for each purpose: one is not moved by what the other takes.
    rng_interval, rng_labels = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(2))
    before, after = _side(old), _side(new)
    change, variances = _change(before.values.T, after.values.T)
    errors = _errors(variances, _typical(variances), before.values.shape[1] + after.values.shape[1])
    reach = _quantile(before, after, replicates, rng_interval) * errors
    p, labellings, exact = _permuted(before.values.T, after.values.T, rng_labels)
    within = (before.values.var(axis=1, ddof=1) + after.values.var(axis=1, ddof=1)) / 2
    return Estimate(change, change - reach, change + reach, p, np.sqrt(within), labellings, exact)


def boots_for(change: float, deviation: float, rows: int) -> int:
    """About how many boots on each side show a change of that size (0.01: 1 %) in one of so many rows, in POWER of all attempts, where
    boots differ by that standard deviation."""
    normal = NormalDist()
    sigmas = normal.inv_cdf(1 - ALPHA / (2 * rows)) + normal.inv_cdf(POWER)
    return max(boots_needed(), math.ceil(2 * (sigmas * deviation / math.log1p(change)) ** 2))
