# SPDX-License-Identifier: GPL-2.0-only
"""`iommu-cts compare`: what it takes, what it refuses, what it says and its exit codes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from lab.errors import UsageError
from results import bench, calibration, compare_text, gates, sides
from results.compare import Comparison, compare, order_of_boots
from results.conformance import Conformance
from results.headline import headline
from results.rows import SMALLEST
from results.tests.build_bench import bench_of, document, measured, told
from runner import cli

Said = pytest.CaptureFixture[str]
Rows = list[dict[str, Any]]


@pytest.fixture(autouse=True)
def _no_calibration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "FOLDER", tmp_path / "calibration")
    monkeypatch.setattr(bench, "BENCHES", tmp_path)


def level(value: float, *more: float) -> Callable[[int], list[float]]:
    """15 samples of this value; further boots have further values."""
    values = [value, *more]
    return lambda boot: [values[min(boot, len(values) - 1)]] * 15


def rows(values: dict[tuple[str, int, int], float]) -> Rows:
    """Rows by measure, power of two and number of pieces."""
    return [
        measured(measure, {"size": 1 << power, "times": times}, level(value)) for (measure, power, times), value in values.items()
    ]


def pair(folder: Path, old: Rows, new: Rows, boots: int = 3, **about: Any) -> tuple[Path, Path]:
    """Two benches, whose boots go in turn."""
    return bench_of(folder / "old", boots, old, **about), bench_of(folder / "new", boots, new, offset=1, **about)


def compared(old: Path, new: Path, force: bool = False) -> Comparison:
    (found,) = compare([sides.load(str(old)), sides.load(str(new))], force, calibration.find)
    return found


def call(capsys: Said, *words: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `iommu-cts compare`."""
    code = cli.main(["compare", *map(str, words)])
    said = capsys.readouterr()
    return code, said.out, said.err


PLAIN = {("map", 12, 1): 1000.0, ("map", 16, 1): 2000.0, ("map", 21, 1): 3000.0, ("map", 30, 1): 4000.0}
BOTH = PLAIN | {("unmap", power, 1): 900.0 for power in (12, 16, 21, 30)}
PIECES = PLAIN | {("map", power, 256): 90_000.0 for power in (12, 16, 21)}


def changed(values: dict[tuple[str, int, int], float], by: float, *keys: tuple[str, int, int]) -> Rows:
    return rows({key: value * (1 + by) if key in keys or not keys else value for key, value in values.items()})


MAPS = tuple(PLAIN)


@pytest.mark.parametrize(
    "old, new, said",
    (
        (BOTH, changed(BOTH, 0), "no change"),
        (BOTH, changed(BOTH, 0.02), "everything takes 2.0 % more"),
        (BOTH, changed(BOTH, -0.5), "everything takes 50.0 % less"),
        (PLAIN, changed(PLAIN, 0.02), "map takes 2.0 % more"),
        (BOTH, changed(BOTH, 0.02, *MAPS), "map takes 2.0 % more, no change elsewhere"),
        (BOTH, changed(BOTH, 0.031, *MAPS[2:]), "map takes 3.1 % more at 2 MiB and above, no change elsewhere"),
        (BOTH, changed(BOTH, -0.0025, *MAPS[:2]), "map takes 0.25 % less up to 64 KiB, no change elsewhere"),
        (BOTH, changed(BOTH, 2, *MAPS[1:3]), "map takes 200 % more from 64 KiB to 2 MiB, no change elsewhere"),
        (BOTH, changed(BOTH, 0.02, MAPS[1]), "map takes 2.0 % more at 64 KiB, no change elsewhere"),
        (PIECES, changed(PIECES, 0.02), "map takes 2.0 % more"),
        (
            PIECES, changed(PIECES, 0.02, ("map", 21, 1), ("map", 30, 1), ("map", 21, 256)),
            "map takes 2.0 % more at 2 MiB and above, no change elsewhere",
        ),
        (PIECES, changed(PIECES, 0.02, ("map", 21, 256)), "map takes 2.0 % more at 256 x 2 MiB, no change elsewhere"),
        (
            PIECES, changed(PIECES, 0.02, ("map", 12, 256), ("map", 16, 256), ("map", 21, 256)),
            "map takes 2.0 % more at 256 pieces of any size, no change elsewhere",
        ),
        (
            BOTH, [*changed(PLAIN, 0.02), *changed({key: BOTH[key] for key in BOTH if key[0] == "unmap"}, -0.05)],
            "unmap takes 5.0 % less, map takes 2.0 % more",
        ),
        ({("map", 12, 1): 100.0}, rows({("unmap", 12, 1): 100.0}), "nothing was compared: there is no row that both sides have"),
    ),
)  # fmt: skip
def test_headline(tmp_path: Path, old: dict[tuple[str, int, int], float], new: Rows, said: str) -> None:
    assert headline(compared(*pair(tmp_path, rows(old), new))) == said


def test_headline_names_what_tells_tables_apart(tmp_path: Path) -> None:
    def tables(value: float) -> Rows:
        return [measured("map", {"size": 4096, "table": table}, level(value if table == "device" else 100)) for table in ("device", "none")]

    assert headline(compared(*pair(tmp_path, tables(100), tables(110)))) == "map device takes 10.0 % more, no change elsewhere"
    other = [measured("map", {"size": 4096}, level(value), path=path) for path, value in (("bench/a/b", 50.0), ("bench/a/c", 60.0))]
    new = [measured("map", {"size": 4096}, level(value), path=path) for path, value in (("bench/a/b", 50.0), ("bench/a/c", 66.0))]
    assert headline(compared(*pair(tmp_path / "2", other, new))) == "map of bench/a/c takes 10.0 % more, no change elsewhere"


def test_headline_of_what_is_no_work(tmp_path: Path) -> None:
    def memory(value: float) -> Rows:
        return [measured("memory", {"pasids": 8}, level(value), path="bench/pasid/cost", unit="bytes")]

    assert headline(compared(*pair(tmp_path, memory(100), memory(80)))) == "bench/pasid/cost:memory pasids=8 is 20.0 % lower"


def test_headline_counts_what_it_does_not_name(tmp_path: Path) -> None:
    keys = {(measure, 12, 1): 1000.0 for measure in "abcdef"}
    new = {(measure, 12, 1): 1000.0 * (1 + at / 100) for at, measure in enumerate("abcdef")}
    said = "f takes 5.0 % more, e takes 4.0 % more, d takes 3.0 % more, c takes 2.0 % more, 1 more row changed less, no change elsewhere"
    assert headline(compared(*pair(tmp_path, rows(keys), rows(new)))) == said


def test_boots_that_differ_are_an_error(tmp_path: Path, capsys: Said) -> None:
    new = [measured("map", {"size": 4096}, level(1000, 1000, 1002)), measured("map", {"size": 8192}, level(1100))]
    old = [measured("map", {"size": 4096}, level(1000)), measured("map", {"size": 8192}, level(1000))]
    code, out, _ = call(capsys, *pair(tmp_path, old, new))
    assert code == 3 and out.startswith("map takes 10.0 % more at 8 KiB; 1 of 2 rows in ERROR.\n")
    assert "ERROR , 3x15" in out and "  2^12: ERROR, new's boots differ by 0.20 %\n" in out


def test_too_few_boots_claim_nothing(tmp_path: Path, capsys: Said) -> None:
    code, out, _ = call(capsys, *pair(tmp_path, rows(PLAIN), changed(PLAIN, 0.02), boots=1))
    assert code == 0 and " ".join(out.split()).startswith("map takes 2.0 % more; one boot alone does not show that its numbers repeat.")
    assert "(+2.00)" in out
    code, out, _ = call(capsys, *pair(tmp_path / "2", rows(PLAIN), changed(PLAIN, 0.02), boots=4, mode="time"))
    said = " ".join(out.split())
    assert code == 0 and said.startswith("no evidence of a change; with 4 boots on a side nothing can be claimed, that takes 5. ")
    assert "(+2.00)" in out and "a claim takes at least 5 boots on each side; to see a change of 1 % takes about 5 in" in said


def test_rows_on_one_side_are_listed(tmp_path: Path) -> None:
    old = [*rows(PLAIN), measured("copy", {"size": 4096}, level(10), path="bench/copy")]
    extra = measured("attach", {}, level(10), path="bench/attach")
    new = [*rows(PLAIN), extra, measured("detach", {}, level(10), path="bench/attach")]
    folders = (
        bench_of(tmp_path / "a", 3, [*old, extra], [told("bench/gone", "SKIP", reason=("no-kvm", "none"))]),
        bench_of(tmp_path / "b", 3, new, [told("bench/copy", "SKIP", reason=("kernel-lacks", "no\nsuch ioctl"))]),
    )
    found = compared(*folders)
    assert [(row.side, row.key.words(), row.why) for row in found.one_sided] == [
        ("old", "bench/copy:copy 2^12", "SKIP kernel-lacks: no such ioctl"), ("new", "bench/attach:detach", "DONE, without this row"),
    ]  # fmt: skip
    assert headline(found) == "no change; 2 rows on one side only"


def test_a_test_that_failed_has_no_rows(tmp_path: Path) -> None:
    old, new = pair(tmp_path, rows(PLAIN), changed(PLAIN, 0.5))
    for path in new.glob("boots/*/results.json"):
        path.write_text(path.read_text().replace('"DONE"', '"FAIL"'))
    found = compared(old, new)
    assert not found.rows and {row.why for row in found.one_sided} == {"FAIL"}


def test_devices_tell_rows_apart_only_where_there_are_several(tmp_path: Path) -> None:
    def on(value: float, *devices: str) -> dict[str, Any]:
        made = document(0, rows({("map", 12, 1): value}))
        made["results"] = [{**made["results"][0], "device": device, "id": f"x@{device}"} for device in devices]
        return made

    def folder(name: str, made: dict[str, Any]) -> Path:
        (tmp_path / name).mkdir()
        (tmp_path / name / "results.json").write_text(json.dumps(made))
        return tmp_path / name

    one, moved = folder("one", on(100, "0000:01:00.0")), folder("moved", on(100, "0000:02:00.0"))
    assert [row.key.words() for row in compared(one, moved).rows] == ["bench/hot/map_unmap:map 2^12"]
    found = compared(folder("both", on(100, "0000:01:00.0", "0000:02:00.0")), one)
    assert [row.key.get("device") for row in found.rows] == ["0000:01:00.0"] and [row.side for row in found.one_sided] == ["old"]


@pytest.mark.parametrize(
    "about, reason",
    (
        ({"host": "amdvi"}, "another host, old vtd, new amdvi"),
        ({"mode": "time"}, "another mode, old instructions, new time"),
        ({"unfit": ["CONFIG_KASAN"]}, "the kernel of b is not fit to be measured: CONFIG_KASAN"),
    ),
)
def test_refusals(tmp_path: Path, capsys: Said, about: dict[str, Any], reason: str) -> None:
    folders = bench_of(tmp_path / "a", 3, rows(PLAIN)), bench_of(tmp_path / "b", 3, rows(PLAIN), offset=1, **about)
    code, out, err = call(capsys, *folders)
    assert code == 2 and not out and f"not comparable: {reason}" in err and "--force" in err
    code, out, _ = call(capsys, *folders, "--force")
    assert code == 0 and " ".join(out.split()).startswith(f"FORCED, though not comparable: {reason}")
    assert call(capsys, *folders, "--force", "--markdown")[1].startswith("**FORCED, though not comparable: ")
    assert json.loads(call(capsys, *folders, "--force", "--json")[1])["comparisons"][0]["forced"][0] == reason


def test_emulated_and_real_processors_are_not_comparable(tmp_path: Path) -> None:
    old, new = (bench_of(tmp_path / name, 5, rows(PLAIN), mode="time", accelerator=name) for name in ("tcg", "kvm"))
    with pytest.raises(UsageError, match="another accelerator, old tcg, new kvm"):
        compared(old, new)


def test_warnings(tmp_path: Path) -> None:
    old = bench_of(tmp_path / "a", 3, rows(PLAIN))
    new = bench_of(tmp_path / "b", 3, rows(PLAIN), commit="f" * 40, environment={"qemu": "10", "toolbox": {"key": "other"}})
    about = bench.read(new)
    lost = dataclasses.replace(about.boots[2], why="lost")
    bench.write(new, dataclasses.replace(about, boots=[*about.boots[:2], lost], finished=False))
    run = new / "boots/002/results.json"
    run.write_text(run.read_text().replace("7.3.4", "7.3.5"))
    found = compared(old, new)
    assert found.warnings == [
        "another suite: old 0123456789ab, new ffffffffffff",
        "another toolbox: old ccb963289207188b, new other",
        "another QEMU: old 11.1.3, new 10",
        "new's boots are of several kernels: 7.3.4 and 7.3.5",
        "new: the bench did not come to its end",
        "new: boots/003 is left out, its end was: lost",
    ]
    text = compare_text.render([(found, [])])
    assert text.count("WARNING: ") == 6 and {len(row.new.values) for row in found.rows} == {2}


def test_calibration_is_used_and_named(tmp_path: Path) -> None:
    folders = pair(tmp_path, rows(PLAIN), changed(PLAIN, 0.02))
    on = calibration.TakenOn("11.1.3", "ccb963289207188b", None, "bench", "7.3.4")
    key = {"path": "bench/hot/map_unmap", "measure": "map"}
    sizes = [calibration.Smallest(**key, params={"size": 1 << power, "times": 1}, smallest=0.03) for power in (12, 16)]
    sizes += [calibration.Smallest(**key, params={"size": 1 << power, "times": 1}, smallest=SMALLEST) for power in (21, 30)]
    calibration.write(calibration.Calibration("vtd", "instructions", "20261120T100000-v7.3", on, 10, 20, 1, 0, sizes))
    found = compared(*folders)
    assert headline(found) == "map takes 2.0 % more at 2 MiB and above, no change elsewhere"
    text = " ".join(compare_text.render([(found, [])]).split())
    assert "calibration: 20261120T100000-v7.3, 10 boots of Linux 7.3.4 in 20 splits, 1 false alarm" in text
    assert "WARNING: the calibration was taken on another flavour: bench, old has unknown" in text


def test_order_of_boots(tmp_path: Path) -> None:
    def order(name: str, *offsets: int) -> str:
        made = [sides.load(str(bench_of(tmp_path / f"{name}{at}", 3, rows(PLAIN), offset=offset))) for at, offset in enumerate(offsets)]
        return order_of_boots(made[0], made[1])

    assert order("a", 0, 1) == "interleaved" and order("b", 0, 10) == "one side after the other"
    assert order("c", 0, 3) == "interleaved" and order("d", 0, 0) == "in unknown order"
    # AAAABAABBBBB
    made = [sides.load(str(bench_of(tmp_path / f"e{at}", 6, rows(PLAIN), offset=7 * at))) for at in range(2)]
    assert order_of_boots(*made) == "partly interleaved"


def test_conformance(tmp_path: Path) -> None:
    old = [told("a/a"), told("a/b", "FAIL", reason=("assertion", "x")), told("a/c"), told("a/d"), told("a/gone")]
    new = [told("a/a", "ERROR", reason=("lab", "no device")), told("a/b"), told("a/d")]
    new.append(told("a/c", "FAIL", reason=("splat", "WARNING:\nat x")))
    folders = bench_of(tmp_path / "a", 2, rows(PLAIN), old), bench_of(tmp_path / "b", 2, rows(PLAIN), [*new, told("a/more")])
    run = folders[1] / "boots/001/results.json"
    run.write_text(run.read_text().replace('"id":"a/d@0000:01:00.0","path":"a/d","device":"0000:01:00.0","verdict":"PASS"',
                                           '"id":"a/d@0000:01:00.0","path":"a/d","device":"0000:01:00.0","verdict":"MISS"'))  # fmt: skip
    found = compared(*folders).conformance
    assert [(one.words(), one.test.partition("@")[0], one.why) for one in found.differences] == [
        ("PASS -> FAIL", "a/c", "splat: WARNING: at x"),
        ("PASS -> ERROR", "a/a", "lab: no device"),
        ("PASS -> MISS/PASS", "a/d", None),
        ("FAIL -> PASS", "a/b", None),
    ]
    assert (found.both, found.only_old, found.only_new) == (5, 1, 1)
    assert found.counts() == {"PASS -> FAIL": 1, "PASS -> ERROR": 1, "PASS -> MISS/PASS": 1, "FAIL -> PASS": 1}


def test_conformance_is_cut_short_aloud(tmp_path: Path) -> None:
    old = bench_of(tmp_path / "a", 2, rows(PLAIN), [told(f"a/{at}") for at in range(30)])
    new = bench_of(tmp_path / "b", 2, rows(PLAIN), [told(f"a/{at}", "FAIL") for at in range(30)])
    found = compared(old, new)
    assert isinstance(found.conformance, Conformance)
    assert "  and 10 more; --json has them all\n" in compare_text.render([(found, [])])


def gate(capsys: Said, folders: Sequence[Path], *texts: str) -> tuple[int, str]:
    code, out, err = call(capsys, *folders, *(word for text in texts for word in ("--fail-on", text)))
    return code, " ".join((out + err).split())


def test_gates(tmp_path: Path, capsys: Said) -> None:
    folders = pair(tmp_path, rows(BOTH), changed(BOTH, 0.03, *MAPS[3:]))
    assert gate(capsys, folders, "map > 2%") == (1, gate(capsys, folders, "map > 2%")[1])
    assert "--fail-on 'map > 2%': hit bench/hot/map_unmap:map 2^30: +3.00 %" in gate(capsys, folders, "map > 2%")[1]
    assert gate(capsys, folders, "map>5%")[0] == 0 and gate(capsys, folders, "map < -2 %")[0] == 0
    assert gate(capsys, folders, "unmap > 0%", "*:map > 2%")[0] == 1 and gate(capsys, folders, "bench/other/*:map > 2%")[0] == 2
    code, said = gate(capsys, folders, "mop > 2%")
    assert code == 2 and said == "iommu-cts: --fail-on 'mop > 2%': no row matches; there are map, unmap"
    for wrong in ("map", "map > 2", "map = 2%", "map > -2%", "map < 2%", "> 2%"):
        assert gate(capsys, folders, wrong)[0] == 2, wrong
    down = pair(tmp_path / "2", rows(BOTH), changed(BOTH, -0.03, *MAPS[3:]))
    assert gate(capsys, down, "map < -2%")[0] == 1 and gate(capsys, down, "map > 2%")[0] == 0


def test_gates_of_which_nobody_knows(tmp_path: Path, capsys: Said) -> None:
    """A row in ERROR, too few boots, a row that one side lacks: no green."""
    single = pair(tmp_path / "1", rows(PLAIN), changed(PLAIN, 0.5), boots=1)
    code, said = gate(capsys, single, "map > 2%")
    assert code == 3 and "--fail-on 'map > 2%': unknown" in said and "too few boots for a claim" in said
    few = pair(tmp_path / "2", rows(PLAIN), changed(PLAIN, 0.5), boots=4, mode="time")
    assert gate(capsys, few, "map > 2%")[0] == 3
    lacking = pair(tmp_path / "3", rows(BOTH), rows(PLAIN))
    assert gate(capsys, lacking, "unmap > 2%")[0] == 3 and gate(capsys, lacking, "map > 2%")[0] == 0
    old = [measured("map", {"size": 4096}, level(1000, 1010)), measured("map", {"size": 8192}, level(1000))]
    new = [measured("map", {"size": 4096}, level(1000)), measured("map", {"size": 8192}, level(1100))]
    assert gate(capsys, pair(tmp_path / "4", old, new), "map > 2%")[0] == 1


def test_a_gate_needs_evidence(tmp_path: Path) -> None:
    found = compared(*pair(tmp_path, rows(PLAIN), changed(PLAIN, 0.0005)))
    (outcome,) = gates.judge([gates.parse("map > 0%")], found)
    assert outcome.word == "held" and not outcome.unknown


@pytest.mark.parametrize(
    "text, wrong",
    (
        ("{", "results.json: no JSON"),
        ('{"schema":"other"}', "results.json: it is no iommu-cts/results"),
        ('{"schema":"iommu-cts/results","version":1,"run":{}}', "results.json: run: no 'id'; `iommu-cts report"),
    ),
)
def test_broken_input_is_named(tmp_path: Path, capsys: Said, text: str, wrong: str) -> None:
    old, new = pair(tmp_path, rows(PLAIN), rows(PLAIN))
    (new / "boots/002/results.json").write_text(text)
    code, out, err = call(capsys, old, new)
    assert code == 2 and not out and wrong in err and "boots/002" in err and "Traceback" not in err


def test_missing_input_is_named(tmp_path: Path, capsys: Said) -> None:
    old, new = pair(tmp_path, rows(PLAIN), rows(PLAIN))
    (new / "boots/002/results.json").unlink()
    assert "boots/002/results.json: not there; `iommu-cts report" in call(capsys, old, new)[2]
    assert call(capsys, old, "nosuch")[0] == 2
    about = bench.read(new)
    bench.write(new, dataclasses.replace(about, boots=[dataclasses.replace(boot, why="lab") for boot in about.boots]))
    assert "bench.json: no boot came to its end" in call(capsys, old, new)[2]


def test_operands(tmp_path: Path, capsys: Said) -> None:
    old, new = pair(tmp_path, rows(PLAIN), rows(PLAIN))
    assert sides.load("last").name == "old" and sides.load("new").name == "new"
    run = sides.load(str(new / "boots/001"))
    assert run.name == "boot1" and run.notes == ["no kernel.config lies beside the run: nobody knows what debugging is in the kernel"]
    assert sides.load(str(new / "boots/001/results.json")) == run
    (new / "boots/001/kernel.config").write_text("CONFIG_IOMMUFD_TEST=y\n")
    assert sides.load(str(new / "boots/001")).unfit == ["CONFIG_IOMMUFD_TEST"]
    code, out, _ = call(capsys, old / "boots/002", old / "boots/001", old / "boots/003")
    assert code == 0 and "-- 1 of 2 --" in out and "-- 2 of 2 --" in out and out.count("outlier ") == 1


def test_text_is_for_a_mail(tmp_path: Path) -> None:
    """At most 75 columns, whatever the names and numbers."""
    long = "bench/" + "x" * 90
    many = {"size": 12_345_678, "times": 256, "table": "device" * 9}
    new = [measured("map", many, level(9e14), path=long), measured("m" * 80, {"of": "y" * 99}, level(3e11))]
    new.append(measured("unmap", many, level(1e300), path=long))
    old = [measured("unmap", many, level(1e-300), path=long)]
    old += [measured("map", many, level(1.5), path=long), measured("m" * 80, {"of": "y" * 99}, level(1e12))]
    folders = pair(tmp_path, old, new, boots=6, mode="time", label="v7.3 " * 30)
    text = compare_text.render([(compared(*folders), [])])
    assert max(map(len, text.splitlines())) <= compare_text.WIDTH == 75
