# SPDX-License-Identifier: GPL-2.0-only
"""The distribution of a row's samples: nothing is lost, every sample is in its bucket, and what is shown is what was measured."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from lab.errors import UsageError
from results.histogram import EXACT, PARTS, bars, histogram, render
from results.samples import Measured
from results.sides import load
from results.tests.build_bench import bench_of, measured


def of(*boots: list[float]) -> Measured:
    """A row with these samples."""
    return Measured("ns", "less", list(boots))


def test_few_values_are_exact() -> None:
    found = histogram(of([7.0, 5.0, 5.0], [], [7.0, 5.0]))
    assert [(one.low, one.high, one.count) for one in found.buckets] == [(5, 5, 3), (7, 7, 2)]
    assert (found.samples, found.minimum, found.maximum, found.percentiles) == (5, 5, 7, [5, 7, 7, 7])


def test_many_values_are_in_buckets() -> None:
    source = random.Random(1)
    values = [float(source.randint(1, 1 << source.randint(1, 40))) for _ in range(5000)]
    found = histogram(of(values[:2000], values[2000:]))
    assert sum(one.count for one in found.buckets) == found.samples == 5000
    for one in found.buckets:
        assert one.count == sum(one.low <= value < one.high for value in values) > 0
        assert one.high / one.low <= 1 + 1 / PARTS
    assert all(before.high <= after.low for before, after in zip(found.buckets, found.buckets[1:]))


def test_a_power_of_two_begins_a_bucket() -> None:
    found = histogram(of([float(value) for value in range(1000, 1100)]))
    assert {one.low for one in found.buckets} == {960.0, 1024.0} and {one.high for one in found.buckets} == {1024.0, 1152.0}


def test_percentiles_are_samples() -> None:
    found = histogram(of([float(value) for value in range(1, 1001)]))
    assert found.percentiles == [500, 900, 990, 999] and found.maximum == 1000


def test_what_is_not_above_0() -> None:
    found = histogram(of([-1.0, 0.0, *(float(value) for value in range(1, EXACT + 2))]))
    assert [(one.low, one.high) for one in found.buckets[:2]] == [(-1, -1), (0, 0)] and found.samples == EXACT + 3
    assert bars(found)


def test_bars() -> None:
    assert bars(histogram(of([100.0] * 8 + [1600.0]))) == "█" + " " * 30 + "▁"
    assert bars(histogram(of([3.0]))) == "█"
    assert len(bars(histogram(of([1.0, 1e300])))) == 64


def test_text(tmp_path: Path) -> None:
    row = measured("map", {"size": 4096, "table": "a\x1b[2J"}, lambda boot: [100.0 + boot] * 9)
    side = load(str(bench_of(tmp_path, 3, [row], mode="time")))
    text = render([side], "map")
    assert "n 27: min 100, 50 % 101, 90 % 102, 99 % 102, 99.9 % 102, max 102" in text and ", ns\n" in text
    assert "\x1b" not in text and "2^12" in text
    assert render([side], "*:m?p") == text
    with pytest.raises(UsageError, match="no row is called so"):
        render([side], "unmap")
