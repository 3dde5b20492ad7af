# SPDX-License-Identifier: GPL-2.0-only
"""What `iommu-cts bench` prints of one kernel, and what it calls wrong."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from results.measured import LOOP, print_bench
from results.sides import load
from results.tests.build_bench import bench_of, measured, told


def printed(folder: Path, rows: Sequence[dict[str, Any]], boots: int = 3, **about: Any) -> tuple[int, str]:
    """How many things were called wrong, and what was printed."""
    out = io.StringIO()
    wrong = print_bench(load(str(bench_of(folder, boots, rows, about.pop("others", ()), **about))), Console(file=out, width=160))
    return wrong, out.getvalue()


def level(*values: float) -> dict[str, Any]:
    """A row whose boots have these values, one after the other."""
    return measured("map", {"size": 4096, "times": 256, "table": "device"}, lambda boot: [values[boot % len(values)]] * 9)


def loops(bare: float, usual: float) -> list[dict[str, Any]]:
    """What the two loops took."""
    return [
        measured("loop", {"loop": "bare"}, lambda _: [bare] * 9, path=LOOP),
        measured("loop", {"loop": "usual"}, lambda _: [usual] * 9, path=LOOP),
    ]


def test_boots_that_agree(tmp_path: Path) -> None:
    wrong, text = printed(tmp_path, [level(10000, 10009, 10000)], others=[told("bench/threads", "SKIP", None, ("no-iommufd", "none"))])
    assert not wrong and "256*2^12" in text and "3x9" in text and "instructions" in text
    assert "1 of 1 rows agree to 0.1 % between boots; the worst differs by 0.090 %" in text
    assert "SKIP bench/threads  no-iommufd: none" in text


def test_notes_are_shown_once(tmp_path: Path) -> None:
    noting = [{**told(f"bench/{name}", "DONE"), "notes": ["counters: none\x1b[2J"]} for name in ("one", "other")]
    refused = {**told("bench/refused", "SKIP", None, ("no-iommufd", "none")), "notes": ["not this"]}
    _, text = printed(tmp_path, [level(10000)], others=[*noting, refused])
    assert text.count("counters: none") == 1 and "\x1b" not in text and "not this" not in text


def test_boots_that_do_not_agree_are_an_error(tmp_path: Path) -> None:
    wrong, text = printed(tmp_path, [level(10000, 10011, 10000)])
    assert wrong == 1 and "0.110 %" in text and "ERROR" in text and "0 of 1 rows agree" in text


def test_one_boot_shows_no_agreement(tmp_path: Path) -> None:
    wrong, text = printed(tmp_path, [level(10000)], boots=1)
    assert not wrong and "that boots agree was not shown" in text


def test_time_differs_between_boots(tmp_path: Path) -> None:
    wrong, text = printed(tmp_path, [level(100, 130)], boots=2, mode="time")
    assert not wrong and "30.000 %" in text and "agree" not in text


def test_what_measuring_costs(tmp_path: Path) -> None:
    cases = (("little", 100400, 0, "adds +0.40 %"), ("much", 100600, 1, "adds +0.60 % to a bare loop of calls ERROR"))
    for name, usual, wrong, said in cases:
        found, text = printed(tmp_path / name, loops(100000, usual))
        assert found == wrong and said in text
