# SPDX-License-Identifier: GPL-2.0-only
"""`iommu-cts bench`: which host, in which order, and what is kept."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lab import host, qemu
from lab.errors import LabError, UsageError
from results import bench as kept
from results.model import Run
from runner import bench, catalogue, cli
from runner import run as running


def test_a_kernel_of_its_own_and_one_pool_of_huge_pages() -> None:
    plain, pooled = bench.where(bench.What("vtd")), bench.where(bench.What("vtd-ss"))
    assert plain.flavour == pooled.flavour == "bench"
    assert "hugepages=16" in plain.kernel and sum(word == "hugepages=16" for word in pooled.kernel) == 1


def test_a_host_that_is_not_booted_again_and_again_is_refused() -> None:
    with pytest.raises(UsageError, match="takes a virtual one"):
        bench.where(bench.What("local"))


def test_a_host_may_be_named_by_its_file() -> None:
    folder = bench._new_folder(str(host.FOLDER / "vtd.toml"), "")
    assert folder.parent == kept.BENCHES and folder.name.endswith("-vtd")


def test_instructions_unless_time_is_asked_for() -> None:
    counted, timed = bench.What("vtd"), bench.What("vtd", timed=True)
    assert (counted.mode, counted.accel, counted.boots, counted.calibration_boots) == ("instructions", qemu.ICOUNT, 3, 4)
    assert (timed.mode, timed.accel, timed.boots, timed.calibration_boots) == ("time", "tcg", 5, 10)


@dataclasses.dataclass
class Lab:
    """What running.prepare() and record() are replaced by: the boots that were made, and how the next ones end."""

    made: list[str] = dataclasses.field(default_factory=list)
    complete: bool = True
    interrupted: bool = False


@pytest.fixture(name="lab")
def lab_fixture(monkeypatch: pytest.MonkeyPatch) -> Lab:
    lab = Lab()

    def record(options: running.Options, *_: Any) -> tuple[Path, Run]:
        folder = options.runs / str(len(lab.made))
        folder.mkdir(parents=True)
        (folder / "kernel.config").write_text("CONFIG_IOMMUFD=y\nCONFIG_IOMMUFD_TEST=y\n")
        lab.made.append(options.runs.parent.name)
        return folder, cast(Run, SimpleNamespace(complete=lab.complete, interrupted=lab.interrupted, problems=[]))

    image = SimpleNamespace(facts=lambda: {"release": "7.3"})
    prepared = SimpleNamespace(image=image, programs=SimpleNamespace(suites={}, emulator=None))
    test = SimpleNamespace(path="bench/map_unmap/map_unmap/base")
    monkeypatch.setattr(running, "prepare", lambda *_: prepared)
    monkeypatch.setattr(running, "record", record)
    monkeypatch.setattr(catalogue, "load", lambda *_: [test])
    return lab


def sides(folder: Path) -> list[bench.Side]:
    return [bench.Side(bench.What("vtd"), folder / name, name) for name in ("old", "new")]


def test_kernels_take_turns_forwards_and_backwards(lab: Lab, tmp_path: Path) -> None:
    bench.in_turns(sides(tmp_path), 3)
    assert lab.made == ["old", "new", "new", "old", "old", "new"]
    found = kept.read(tmp_path / "old")
    assert found.finished and [boot.why for boot in found.boots] == ["finished"] * 3
    assert found.unfit == ["CONFIG_IOMMUFD_TEST"] and found.kernel == {"release": "7.3", "flavour": "bench"}


def test_what_was_measured_is_gone_on_with(lab: Lab, tmp_path: Path) -> None:
    bench.in_turns(sides(tmp_path)[:1], 1)
    bench.in_turns(sides(tmp_path), 2)
    assert lab.made == ["old", "new", "new", "old"]


def test_a_boot_that_the_lab_ended_ends_all_and_is_kept(lab: Lab, tmp_path: Path) -> None:
    lab.complete = False
    with pytest.raises(LabError, match="boot 1 of old did not come to its end"):
        bench.in_turns(sides(tmp_path), 2)
    assert [boot.why for boot in kept.read(tmp_path / "old").boots] == ["lab"] and not kept.read(tmp_path / "old").finished
    lab.interrupted = True
    with pytest.raises(KeyboardInterrupt):
        bench.in_turns(sides(tmp_path)[1:], 1)


def test_a_pattern_without_a_test_is_refused_before_anything_is_kept(lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no test has such a path"):
        bench.Side(bench.What("vtd", ["bench/nothing/*"]), tmp_path / "new", "new")
    assert not lab.made and not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--calibrate", "--against", "bzImage"], "without --against"),
        (["--calibrate", "--boots", "3"], "takes 4 or more in instructions"),
        (["--calibrate", "--time", "--boots", "9"], "takes 10 or more in time"),
    ],
)
def test_what_is_no_calibration_is_refused(words: list[str], message: str) -> None:
    arguments = cli.parser().parse_args(["bench", *words])
    with pytest.raises(UsageError, match=message):
        arguments.call(arguments)


@pytest.mark.parametrize("boots", ["0", "many", "101"])
def test_a_number_of_boots(boots: str) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.parser().parse_args(["bench", "--boots", boots])
    assert ended.value.code == 2
