# SPDX-License-Identifier: GPL-2.0-only
"""What one row of a comparison was measured as: the samples of one measure under one set of parameters, boot by boot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

OUTLIER_MADS = 5
# Of a clock that only knows few values the deviation may be 0, and each other value would be an outlier.
DEVIATION_MIN = 0.001  # of the median
# The medians of two thirds of m normal samples each, with the standard deviation s, differ by chance by about 1.2533 s sqrt(2 / m), and s
# is about 1.4826 times the median absolute deviation.
STEADY_SIGMAS = 5
STEADY_MIN = 15  # samples; the median of a smaller third is moved by two slow calls

Param = str | int | float | bool


@dataclass(frozen=True)
class Key:
    """Which row it is. `params` are sorted by name."""

    path: str
    measure: str
    params: tuple[tuple[str, Param], ...]

    def get(self, name: str) -> Param | None:
        """A parameter, None if there is none of that name."""
        return dict(self.params).get(name)

    def _positive(self, name: str) -> int | None:
        value = self.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None

    @property
    def size(self) -> int | None:
        """Bytes of one piece; None if the row has no size."""
        return self._positive("size")

    @property
    def times(self) -> int:
        """How many pieces of `size` bytes."""
        return self._positive("times") or 1

    def others(self) -> tuple[tuple[str, Param], ...]:
        """The parameters that tell one table from another."""
        sized = ("size", "times") if self.size is not None else ()
        return tuple((name, value) for name, value in self.params if name not in sized)

    def range(self) -> str:
        """What is mapped at a time, for a table: 2^12, 256*2^12, or bytes."""
        if self.size is None:
            return ""
        power = self.size.bit_length() - 1
        size = f"2^{power}" if self.size == 1 << power else str(self.size)
        return size if self.times == 1 else f"{self.times}*{size}"

    def words(self) -> str:
        """The whole row in one word or several."""
        params = [f"{name}={shown(value)}" for name, value in self.others()]
        return " ".join([f"{self.path}:{self.measure}", *params, *filter(None, [self.range()])])

    def order(self) -> tuple[str, str, tuple[tuple[str, str], ...], int, int]:
        """Where it stands: table by table, then by number of pieces and by size."""
        others = tuple((name, str(value)) for name, value in self.others())
        return self.path, self.measure, others, self.times, self.size or 0


def shown(value: Param) -> str:
    """A parameter for a reader."""
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True)
class Measured:
    """A row of one side: the samples of each boot in the order of the boots, an empty list where a boot has none. `counted`: they are
    instructions."""

    unit: str
    better: str
    boots: list[list[float]]
    counted: bool = False

    def there(self) -> list[list[float]]:
        """The boots that have samples."""
        return [samples for samples in self.boots if samples]


@dataclass(frozen=True)
class Figures:
    """What is shown of a row of one side. `values` are what the boots come to (value_of()), `average` is that of the boots' averages;
    `outliers` are samples, `unsteady` boots."""

    values: list[float]
    average: float
    minimum: float
    outliers: int
    unsteady: int
    boots: int
    samples: str

    @property
    def middle(self) -> float:
        """The median of the boots' values."""
        return median(self.values)

    @property
    def spread(self) -> float:
        """(max - min) / min of the boots' values; infinite where the smallest is 0 and not the largest."""
        low, high = min(self.values), max(self.values)
        if low == high:
            return 0.0
        return (high - low) / low if low > 0 else math.inf


def _deviation(samples: Sequence[float], middle: float) -> float:
    return max(median(abs(sample - middle) for sample in samples), DEVIATION_MIN * abs(middle))


def outliers(samples: Sequence[float]) -> int:
    """How many samples are further from the median than OUTLIER_MADS median absolute deviations. They are kept: a slow call is a slow
    call, and the median is not moved by a few."""
    middle = median(samples)
    far = OUTLIER_MADS * _deviation(samples, middle)
    return sum(abs(sample - middle) > far for sample in samples)


def steady(samples: Sequence[float]) -> bool:
    """Is the first third like the last one? If not, the warm-up was too short or something grows."""
    if len(samples) < STEADY_MIN:
        return True
    third = len(samples) // 3
    first, last = samples[:third], samples[-third:]
    begin, end = median(first), median(last)
    # How far samples lie from the median of their own third: what grows has no part in that.
    apart = median([abs(sample - begin) for sample in first] + [abs(sample - end) for sample in last])
    error = 1.2533 * 1.4826 * math.sqrt(2 / third) * max(apart, DEVIATION_MIN * abs(begin))
    return abs(end - begin) <= STEADY_SIGMAS * error


def value_of(samples: Sequence[float], counted: bool) -> float:
    """What the samples of a boot come to: the median; where instructions are counted the least. What a sample has more there depends on
    which of the kernel's objects the call happened to be given, and in how many calls of a boot it does is chance."""
    return min(samples) if counted else median(samples)


def figures(measured: Measured) -> Figures:
    """Of a row that has samples in at least one boot."""
    boots = measured.there()
    counts = sorted({len(samples) for samples in boots})
    return Figures(
        values=[value_of(samples, measured.counted) for samples in boots],
        average=fmean(fmean(samples) for samples in boots),
        minimum=min(min(samples) for samples in boots),
        outliers=sum(map(outliers, boots)),
        unsteady=sum(not steady(samples) for samples in boots),
        boots=len(boots),
        samples=str(counts[0]) if len(counts) == 1 else f"{counts[0]}..{counts[-1]}",
    )
