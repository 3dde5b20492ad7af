# SPDX-License-Identifier: GPL-2.0-only
"""results/inference.py: against brute force, and on kernels of which the truth is known because they are made up."""

from __future__ import annotations

import itertools
import math
import statistics
import time

import numpy as np
import pytest

from results import inference
from results.inference import Floats

ROWS = 60
SAMPLES = 9
REPLICATES = 150
CHANGED = 7  # a row


def made_up(rng: np.random.Generator, boots: int, changes: Floats, spread: float = 0.01) -> list[list[list[float]]]:
    """Samples of rows whose boots differ by about `spread`, for half of it alike in all rows; with slow samples now and then, more than
    twice as long as the others; whole nanoseconds."""
    rows = len(changes)
    common, own = rng.normal(size=(1, boots)), rng.normal(size=(rows, boots))
    # Some rows are noisier than others, always the same ones.
    scale = np.exp(np.random.default_rng(1).normal(0, 0.4, rows))
    scale[CHANGED:CHANGED + 1] = 1.0
    boot = spread * scale[:, None] * (common + own) / math.sqrt(2)
    noise = 0.01 * rng.normal(size=(rows, boots, SAMPLES))
    slow = np.where(rng.random(noise.shape) < 0.05, 1 + rng.exponential(2.0, noise.shape), 1)
    level = 1000 * (1 + changes)[:, None, None]
    table: list[list[list[float]]] = np.round(level * np.exp(boot[:, :, None] + noise) * slow).tolist()
    return table


def evidence(found: inference.Estimate) -> list[bool]:
    """What results/rows.py asks for, with no smallest change."""
    return [bool(p <= inference.ALPHA and (low > 0 or high < 0)) for p, low, high in zip(found.p, found.low, found.high)]


def test_boots_that_a_claim_needs() -> None:
    assert inference.boots_needed() == 5
    assert 2 / math.comb(8, 4) > inference.ALPHA >= 2 / math.comb(10, 5)


@pytest.mark.parametrize("number", (1, 3, 4, 9, 10))
def test_drawn_medians_are_those_of_drawn_samples(number: int) -> None:
    rng = np.random.default_rng(3)
    samples = rng.exponential(1.0, number) + 1
    side = inference._side([[[float(sample) for sample in samples]]])
    picks = np.zeros((20_000, 1), dtype=np.int64)
    drawn = np.exp(inference._drawn(side, picks, rng)[:, 0, 0])
    naive = np.median(rng.choice(samples, (20_000, number)), axis=1)
    places = np.unique(naive) * (1 + 1e-9)
    below = [np.searchsorted(np.sort(values), places) / len(values) for values in (drawn, naive)]
    assert np.abs(below[0] - below[1]).max() < 0.02


def test_boots_with_different_numbers_of_samples() -> None:
    found = inference._side([[[3.0, 1.0, 2.0], [8.0, 4.0]], [[5.0], [1.0, 9.0, 2.0, 4.0]]])
    assert np.exp(found.values) == pytest.approx(np.array([[2.0, 6.0], [5.0, 3.0]]))


def t_statistic(old: list[float], new: list[float]) -> float:
    """Of one row nothing else is drawn in."""
    error = math.sqrt(statistics.variance(old) / len(old) + statistics.variance(new) / len(new))
    return abs(statistics.fmean(new) - statistics.fmean(old)) / error


def test_the_test_is_that_of_all_labellings() -> None:
    """By brute force, with nothing but `statistics`."""
    old, new = [100.0, 103.0, 101.0, 99.0], [104.0, 102.0, 107.0]
    logs = [math.log(value) for value in old + new]
    own = t_statistic(logs[:4], logs[4:])
    ways = list(itertools.combinations(range(7), 4))
    as_far = sum(
        t_statistic([logs[at] for at in way], [logs[at] for at in range(7) if at not in way]) >= own * (1 - 1e-9) for way in ways
    )
    found = inference.estimate([[[value] for value in old]], [[[value] for value in new]], 200)
    assert found.exact and found.labellings == len(ways) == 35
    assert found.p[0] == pytest.approx(as_far / 35)
    assert found.change[0] == pytest.approx(statistics.fmean(logs[4:]) - statistics.fmean(logs[:4]))


def test_too_many_labellings_are_drawn() -> None:
    rng = np.random.default_rng(4)
    none = np.zeros(2)
    found = inference.estimate(made_up(rng, 9, none), made_up(rng, 9, none), 50)
    assert not found.exact and found.labellings == inference.LABELLINGS + 1 and found.p.min() >= 1 / found.labellings


def test_no_false_alarms() -> None:
    """400 comparisons of a kernel with itself: at most 1 % have an alarm in any of 60 rows. With a true rate of 1 % more than 10 would come
    in 3 of 1,000 such tests."""
    rng = np.random.default_rng(5)
    same = np.zeros(ROWS)
    alarms = missed = by_labels = 0
    for _ in range(400):
        found = inference.estimate(made_up(rng, 5, same), made_up(rng, 5, same), REPLICATES)
        alarms += any(evidence(found))
        by_labels += bool((found.p <= inference.ALPHA).any())
        missed += bool(((found.low > 0) | (found.high < 0)).any())
    assert alarms <= 10 and by_labels <= 10 and missed <= 10


def test_a_change_is_seen() -> None:
    """5 %, where boots differ by 1 %: in one row of 60, and nothing in the others."""
    rng = np.random.default_rng(6)
    changes = np.zeros(ROWS)
    changes[CHANGED] = 0.05
    seen = others = held = 0
    for _ in range(40):
        found = inference.estimate(made_up(rng, 7, np.zeros(ROWS)), made_up(rng, 7, changes), REPLICATES)
        shown = evidence(found)
        seen += shown.pop(CHANGED)
        others += any(shown)
        held += bool(((found.low <= np.log1p(changes)) & (np.log1p(changes) <= found.high)).all())
    assert seen >= 36 and others <= 2 and held >= 38


def test_the_same_input_has_the_same_result() -> None:
    rng = np.random.default_rng(7)
    old, new = made_up(rng, 6, np.zeros(5)), made_up(rng, 6, np.full(5, 0.03))
    one, other = (inference.estimate(old, new, 300) for _ in range(2))
    assert all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("change", "low", "high", "p"))


def test_rows_that_never_vary() -> None:
    """Such as a number of bytes: the same everywhere is no change, and another one is."""
    same, other = [[[64.0] * 3] * 5], [[[65.0] * 3] * 5]
    noisy = made_up(np.random.default_rng(8), 5, np.zeros(1))
    found = inference.estimate(same + same + noisy, same + other + noisy, 200)
    assert evidence(found) == [False, True, False]


def test_boots_for_a_change() -> None:
    assert inference.boots_for(0.01, 0.0001, 60) == inference.boots_needed()
    few, many = inference.boots_for(0.01, 0.01, 1), inference.boots_for(0.01, 0.01, 60)
    assert 20 <= few < many <= 60
    assert inference.boots_for(0.01, 0.02, 60) == pytest.approx(4 * many, abs=4)


def test_many_rows_are_quick() -> None:
    """200 rows of 10 boots of 50 samples; a loaded machine may take some times as long as an idle one, which takes two seconds."""
    rng = np.random.default_rng(9)
    old, new = ([[[float(one) for one in boot] for boot in row] for row in rng.lognormal(7, 0.1, (200, 10, 50))] for _ in range(2))
    begin = time.process_time()
    inference.estimate(old, new)
    assert time.process_time() - begin < 10
