# SPDX-License-Identifier: GPL-2.0-only
"""results/samples.py and results/bench.py."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from lab.errors import LabError, UsageError
from results import bench
from results.samples import Key, Measured, figures, outliers, steady


def key(**params: Any) -> Key:
    return Key("bench/hot/map", "map", tuple(sorted(params.items())))


def test_ranges() -> None:
    names = {
        "2^12": key(size=4096), "256*2^21": key(size=2 << 20, times=256), "12288": key(size=12288, times=1),
        "256*12288": key(size=12288, times=256), "": key(pasids=3),
    }  # fmt: skip
    for name, one in names.items():
        assert one.range() == name
    assert [key(size=odd).size for odd in (0, -1, True, "4k", 1.5)] == [None] * 5
    assert key(size=4096, times=2, table="device").others() == (("table", "device"),)
    assert key(times=2, pasids=3).words() == "bench/hot/map:map pasids=3 times=2"
    sizes = [key(size=4096, times=256), key(size=1 << 30, times=1), key(size=4096, times=1)]
    assert [one.range() for one in sorted(sizes, key=Key.order)] == ["2^12", "2^30", "256*2^12"]


def test_outliers_are_those_beyond_five_deviations() -> None:
    samples = [100.0, 101.0, 99.0, 102.0, 98.0, 100.0, 101.0, 99.0]  # their median deviation is 1
    assert outliers(samples) == 0
    assert outliers([*samples, 105.0]) == 0 and outliers([*samples, 105.1]) == 1 and outliers([*samples, 90.0, 200.0]) == 2


def test_a_clock_that_stands_still_makes_no_outliers() -> None:
    assert outliers([10_000.0] * 20 + [10_050.0]) == 0  # half a percent
    assert outliers([10_000.0] * 20 + [10_051.0]) == 1


def test_steadiness() -> None:
    wobble = [(-1.0) ** at * (at % 3) for at in range(60)]
    assert steady([1000 + one for one in wobble])
    assert not steady([1000 + one + at / 4 for at, one in enumerate(wobble)])
    assert not steady([1100.0] * 20 + [1000 + one for one in wobble])
    assert steady([1000.0, 2000.0, 3000.0] * 4 + [9000.0])  # too few to say


def test_figures() -> None:
    mine = figures(Measured("ns", "less", [[3.0, 1.0, 2.0], [], [4.0, 6.0]]))
    assert mine.values == [2.0, 5.0] and mine.middle == 3.5 and mine.average == 3.5 and mine.minimum == 1.0
    assert mine.spread == 1.5 and mine.boots == 2 and mine.samples == "2..3"
    assert figures(Measured("ns", "less", [[3.0, 1.0, 2.0], [], [6.0, 4.0]], counted=True)).values == [1.0, 4.0]
    assert figures(Measured("ns", "less", [[0.0], [0.0]])).spread == 0
    assert figures(Measured("ns", "less", [[0.0], [1.0]])).spread == math.inf


SOME = bench.Bench(
    "20261123T100000-v7.3", "vtd", "v7.3", "instructions", "hot", {"flavour": "bench"}, [],
    [bench.Boot("boots/001", "finished", "2026-11-23T10:00:00.250Z")], True,
)  # fmt: skip


def test_a_bench_is_read_as_it_was_written(tmp_path: Path) -> None:
    bench.write(tmp_path, SOME)
    assert bench.read(tmp_path) == SOME and [path.name for path in tmp_path.iterdir()] == ["bench.json"]


def test_a_bench_that_breaks_its_schema_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"bench.json does not follow bench-1.json at \$.mode"):
        bench.write(tmp_path, bench.Bench("x", "vtd", "v7.3", "cycles", "hot", {}, []))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "text, wrong",
    (
        ("{", "bench.json: no JSON: "),
        ('{"schema":"iommu-cts/results","version":1}', "bench.json: it is no iommu-cts/bench"),
        ('{"schema":"iommu-cts/bench","version":2}', "bench.json: version 2 of iommu-cts/bench; this iommu-cts reads 1"),
        ('{"schema":"iommu-cts/bench","version":1}', "bench.json: at \\$: '[a-z]+' is a required property"),
        (json.dumps({"schema": "iommu-cts/bench", "version": 1, **vars(SOME), "boots": [{"run": "/etc"}]}), "bench.json: at \\$.boots"),
    ),
)
def test_a_broken_bench_is_named(tmp_path: Path, text: str, wrong: str) -> None:
    (tmp_path / "bench.json").write_text(text)
    with pytest.raises(UsageError, match=wrong):
        bench.read(tmp_path)


def test_a_bench_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "BENCHES", tmp_path)
    assert bench.find("last") is None and bench.find("a") is None
    for name in ("20261123T100000-a", "20261123T110000-b"):
        (tmp_path / name).mkdir()
        bench.write(tmp_path / name, SOME)
    assert bench.find("last") == bench.find("20261123T110000-b") == tmp_path / "20261123T110000-b"
    assert bench.find(str(tmp_path / "20261123T100000-a")) == tmp_path / "20261123T100000-a"


def test_debugging_in_a_kernel() -> None:
    config = "CONFIG_DEBUG_KERNEL=y\nCONFIG_IOMMUFD=y\n# CONFIG_KASAN is not set\nCONFIG_IOMMUFD_TEST=m\nCONFIG_LOCKDEP=y\n"
    assert bench.unfit(config) == ["CONFIG_IOMMUFD_TEST", "CONFIG_LOCKDEP"]
