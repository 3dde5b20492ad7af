# SPDX-License-Identifier: GPL-2.0-only
"""How the samples of a row are distributed: every one of them is in it, those of all boots together."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from lab.errors import UsageError
from results.samples import Measured
from results.sides import Side, rows
from results.text import printable

PERCENTS = (50.0, 90.0, 99.0, 99.9)
EXACT = 16  # so many different values are told apart; where there are more, buckets are
PARTS = 8  # buckets of each power of two, all of one width
WIDTH = 64  # characters of a line of bars, at most
BARS = " ▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Bucket:
    """So many samples from `low` to below `high`; of exactly that value where both are the same."""

    low: float
    high: float
    count: int


@dataclass(frozen=True)
class Histogram:
    """`percentiles`: the smallest sample that so many percent of the samples don't exceed, for each of PERCENTS; of fewer than a thousand
    samples the last one is the largest. `buckets` have no empty ones among them."""

    samples: int
    minimum: float
    maximum: float
    percentiles: list[float]
    buckets: list[Bucket]


def _bucket(value: float) -> tuple[float, float]:
    """The ends of the bucket that a value falls into. What is not above 0 has one of its own for each value."""
    if value <= 0:
        return value, value
    mantissa, exponent = math.frexp(value)  # 0.5 <= mantissa < 1
    part = math.floor((2 * mantissa - 1) * PARTS)
    begin = math.ldexp(1.0, exponent - 1)
    return begin * (1 + part / PARTS), begin * (1 + (part + 1) / PARTS)


def histogram(measured: Measured) -> Histogram:
    """Of a row that has samples in at least one boot."""
    values = sorted(value for samples in measured.boots for value in samples)
    exact = Counter(values)
    ends = Counter({(value, value): count for value, count in exact.items()} if len(exact) <= EXACT else map(_bucket, values))
    return Histogram(
        len(values), values[0], values[-1],
        [values[math.ceil(len(values) * percent / 100) - 1] for percent in PERCENTS],
        [Bucket(low, high, count) for (low, high), count in sorted(ends.items())],
    )  # fmt: skip


def bars(found: Histogram) -> str:
    """The distribution as a line: from the smallest to the largest sample, by equal ratios, as high as there are samples."""
    low, high = found.minimum, found.maximum
    if low <= 0 or low == high:
        return BARS[-1]
    width = min(WIDTH, max(2, math.ceil(PARTS * math.log2(high / low))))
    heights = [0] * width
    for bucket in found.buckets:
        middle = min(max((bucket.low + bucket.high) / 2, low), high)
        heights[min(width - 1, int(width * math.log(middle / low) / math.log(high / low)))] += bucket.count
    most = max(heights)
    return "".join(BARS[math.ceil(height * (len(BARS) - 1) / most)] for height in heights)


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:.4g}"


def render(sides: Sequence[Side], pattern: str) -> str:
    """The rows that `pattern` is for (as in --fail-on: a measure, or with a colon path and measure) of each side, as text. UsageError if
    there is none."""
    lines = []
    for side, measured in zip(sides, rows(list(sides))):
        chosen = [key for key in measured if fnmatchcase(f"{key.path}:{key.measure}" if ":" in pattern else key.measure, pattern)]
        if chosen:
            lines.append(f"{side.name}  host {side.host}, Linux {side.releases()}, {len(side.boots)} boots, in {side.mode}")
        for key in sorted(chosen, key=lambda key: key.order()):
            found = histogram(measured[key])
            marks = [("min", found.minimum), *((f"{percent:g} %", mark) for percent, mark in zip(PERCENTS, found.percentiles))]
            shown = ", ".join(f"{name} {_number(value)}" for name, value in (*marks, ("max", found.maximum)))
            lines += [f"  {key.words()}, {side.unit(measured[key].unit)}", f"    n {found.samples}: {shown}"]
            lines.append(f"    {_number(found.minimum)} |{bars(found)}| {_number(found.maximum)}")
    if not lines:
        raise UsageError(f"--histogram {pattern!r}: no row is called so; `iommu-cts bench` and `compare` show what there is")
    return "".join(printable(line) + "\n" for line in lines)
