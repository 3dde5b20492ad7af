# SPDX-License-Identifier: GPL-2.0-only
"""results/rows.py: the verdict on a row; results/calibration.py: the smallest change that may be called one."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from lab.errors import UsageError
from results import calibration, sides
from results.rows import ERROR, LESS, MORE, NONE, SMALLEST, Row, boots_for_one_percent, boots_to_claim, judge
from results.samples import Key, Measured
from results.tests.build_bench import bench_of, measured

KEY = Key("bench/hot/map", "map", (("size", 4096),))


def row(mode: str, old: Sequence[Sequence[float]], new: Sequence[Sequence[float]], smallest: float = SMALLEST, unit: str = "ns") -> Row:
    """The verdict on one row, of these samples by boot."""
    before = {KEY: Measured("ns", "less", [list(boot) for boot in old])}
    after = {KEY: Measured(unit, "less", [list(boot) for boot in new])}
    (found,) = judge(mode, before, after, lambda _: smallest, (len(old), len(new))).rows
    return found


def counted(old: Sequence[float], new: Sequence[float], smallest: float = SMALLEST) -> Row:
    """The same of instructions, from the boots' values."""
    return row("instructions", [[value] for value in old], [[value] for value in new], smallest)


def test_instructions_repeat_or_are_an_error() -> None:
    assert counted([100_000, 100_100, 100_000], [100_000] * 3).verdict == NONE  # 0.1 %: they agree
    found = counted([100_000, 100_101, 100_000], [110_000] * 3)
    assert found.verdict == ERROR and found.why == "old's boots differ by 0.10 %" and found.change is None
    assert counted([100_000] * 3, [100_000, 100_420]).why == "new's boots differ by 0.42 %"


def test_instructions_a_change_is_beyond_the_limit_and_the_spread() -> None:
    assert counted([100_000] * 2, [100_100] * 2).verdict == NONE
    found = counted([100_000] * 2, [100_101] * 2)
    assert found.verdict == MORE and found.claims and found.change == pytest.approx(0.00101) and found.low is None
    assert counted([100_000] * 3, [99_000] * 3).verdict == LESS
    assert counted([100_000] * 2, [100_150] * 2, smallest=0.002).verdict == NONE
    assert counted([100_000] * 2, [100_150] * 2, smallest=0.0).smallest == SMALLEST


def test_instructions_of_one_boot_are_no_claim() -> None:
    found = counted([100_000], [110_000])
    assert found.verdict == MORE and not found.claims
    assert not counted([100_000] * 3, [110_000]).claims and boots_to_claim("instructions") == 2


def test_the_median_of_a_boot_counts() -> None:
    found = row("instructions", [[10_000, 10_000, 90_000]] * 2, [[10_000, 10_200, 10_200]] * 2)
    assert found.change == pytest.approx(0.02) and found.old.average == pytest.approx(110_000 / 3) and found.old.outliers == 2


@pytest.mark.parametrize(
    "old, new, unit, why",
    (
        ([[1.0]] * 3, [[1.0]] * 3, "us", "old is in ns with less better, new in us with less"),
        ([[1.0], [], [1.0]], [[1.0]] * 3, "ns", "only 2 of old's 3 boots have it"),
        ([[1.0]] * 3, [[1.0], [1e300], [1.0]], "ns", "boots differ by a factor of more than 1000000"),
        ([[1.0]] * 3, [[1.0, 0.0, 1.0]] * 3, "ns", "new has samples that are not above 0: they have no ratio"),
    ),
)
@pytest.mark.parametrize("mode", ("instructions", "time"))
def test_rows_of_which_nothing_can_be_said(
    mode: str, old: list[list[float]], new: list[list[float]], unit: str, why: str
) -> None:
    found = row(mode, old, new, unit=unit)
    assert found.verdict == ERROR and found.why == why and not found.claims


def noisy(seed: int, level: float, boots: int, spread: float) -> list[list[float]]:
    chance = random.Random(seed)
    return [[level * (1 + move) * (1 + abs(chance.gauss(0, 0.003))) for _ in range(15)]
            for move in (chance.gauss(0, spread) for _ in range(boots))]  # fmt: skip


def test_time_evidence() -> None:
    old = noisy(1, 1000, 8, 0.003)
    found = row("time", old, noisy(2, 1050, 8, 0.003))
    assert found.verdict == MORE and found.claims and found.p is not None and found.p <= 0.01
    assert found.low is not None and found.high is not None and 0 < found.low < 0.05 < found.high < 0.1
    assert row("time", old, noisy(2, 950, 8, 0.003)).verdict == LESS
    assert row("time", old, noisy(3, 1000, 8, 0.003)).verdict == NONE


def test_time_calibration_has_a_say() -> None:
    old, new = noisy(1, 1000, 8, 0.003), noisy(2, 1050, 8, 0.003)
    assert row("time", old, new, smallest=0.06).verdict == NONE


def test_time_too_few_boots_claim_nothing() -> None:
    for boots in (1, 4):
        found = row("time", noisy(1, 1000, boots, 0.001), noisy(2, 2000, boots, 0.001))
        assert (found.verdict, found.claims, found.low, found.p) == (NONE, False, None, None)
        assert found.change == pytest.approx(1.0, abs=0.02) and (found.deviation is None) == (boots == 1)
    assert boots_to_claim("time") == 5
    assert row("time", noisy(1, 1000, 5, 0.001), noisy(2, 2000, 5, 0.001)).verdict == MORE


def test_a_row_in_error_does_not_disturb_the_others() -> None:
    """Its values have no part in what is typical."""
    other = Key("bench/hot/map", "unmap", (("size", 4096),))
    old, new = noisy(1, 1000, 6, 0.003), noisy(2, 1050, 6, 0.003)
    before = {KEY: Measured("ns", "less", old), other: Measured("ns", "less", [[0.0]] * 6)}
    after = {KEY: Measured("ns", "less", new), other: Measured("ns", "less", [[0.0]] * 6)}
    both = judge("time", before, after, lambda _: SMALLEST, (6, 6))
    assert both.rows[0] == row("time", old, new) and both.rows[1].verdict == ERROR


def test_boots_for_one_percent() -> None:
    found = boots_for_one_percent([row("time", noisy(1, 1000, 6, 0.01), noisy(2, 1000, 6, 0.01))])
    assert found is not None and found[0] == found[1] and 10 < found[0] < 80 and found[2] == KEY
    assert boots_for_one_percent([counted([1.0], [1.0])]) is None


def side_of(folder: Path, boots: int, spread: float, mode: str) -> sides.Side:
    """A side of two rows whose boots differ by `spread`; the second one twice as much."""
    def values(seed: int, wide: float) -> Callable[[int], list[float]]:
        return lambda boot: noisy(100 * seed + boot, 1000, 1, wide)[0]

    rows = [measured("map", {"size": 4096}, values(1, spread)), measured("map", {"size": 8192}, values(2, 2 * spread))]
    return sides.load(str(bench_of(folder / "a-a", boots, rows, mode=mode, kernel={"flavour": "bench"})))


def test_calibration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "FOLDER", tmp_path / "calibration")
    side = side_of(tmp_path, 12, 0.01, "time")
    made = calibration.calibrate(side)
    assert made == calibration.calibrate(side)
    small, wide = (one.smallest for one in made.rows)
    assert SMALLEST < small < wide < 0.1 and made.alarms <= 1 and made.errors == 0 and made.splits == 20
    assert calibration.find("vtd", "time") is None
    assert calibration.write(made) == tmp_path / "calibration" / "vtd-time.json"
    kept = calibration.find("vtd", "time")
    assert kept == made
    first, unknown = made.rows[0].key, Key("bench/hot/map", "map", (("size", 1 << 30),))
    assert kept is not None and kept.smallest(first) == small and kept.smallest(unknown) == wide
    assert kept.unlike(side) == []
    other = sides.load(str(bench_of(tmp_path / "other", 5, [], environment={"qemu": "10.0", "toolbox": {"key": "ccb963289207188b"}})))
    assert kept.unlike(other) == [
        "the calibration was taken on another qemu: 11.1.3, old has 10.0",
        "the calibration was taken on another flavour: bench, old has unknown",
    ]


def test_calibration_of_instructions_that_repeat(tmp_path: Path) -> None:
    rows = [measured("map", {"size": 4096}, lambda boot: [1000.0] * 3)]
    made = calibration.calibrate(sides.load(str(bench_of(tmp_path / "a", 4, rows))))
    assert [one.smallest for one in made.rows] == [SMALLEST] and made.alarms == 0


def test_calibration_takes_boots(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="9 boots; a calibration in time takes 10 or more"):
        calibration.calibrate(side_of(tmp_path, 9, 0.01, "time"))


def test_a_broken_calibration_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "FOLDER", tmp_path)
    (tmp_path / "vtd-time.json").write_text(json.dumps({"schema": "iommu-cts/calibration", "version": 1}))
    with pytest.raises(UsageError, match=r"vtd-time.json: at \$"):
        calibration.find("vtd", "time")
