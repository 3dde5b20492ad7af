# SPDX-License-Identifier: GPL-2.0-only
"""Is the arithmetic of a comparison's text right? Computed again from the raw samples, with nothing of the project's and no numpy.

    python3 results/tests/check_tables.py TEXT OLD NEW     # OLD and NEW are benches
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from statistics import fmean, geometric_mean, median

Boots = list[list[float]]

TITLE = re.compile(r"(?P<measure>\S+)  \((?P<path>[^\s,)]+)(?P<params>(, \w+=[^\s,)]+)*)\), (?P<unit>\S+)")
SUFFIXES = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}


def samples(bench: Path) -> dict[tuple[str, ...], Boots]:
    """The samples by boot of each row that has a size: path, measure, range, other parameters."""
    found: dict[tuple[str, ...], Boots] = {}
    for boot in json.loads((bench / "bench.json").read_text())["boots"]:
        for result in json.loads((bench / boot["run"] / "results.json").read_text())["results"]:
            for one in result["measurements"]:
                params = dict(one["params"])
                if "size" in params:
                    size, times = params.pop("size"), params.pop("times", 1)
                    others = ",".join(f"{name}={params[name]}" for name in sorted(params))
                    key = (result["path"], one["measure"], f"{size} {times}", others)
                    found.setdefault(key, []).append(one["samples"])
    return found


def asked(range_: str) -> str:
    """2^12 and 256*2^12 as bytes and number."""
    times, _, size = range_.rpartition("*")
    number = 2 ** int(size[2:]) if size.startswith("2^") else int(size)
    return f"{number} {times or 1}"


def same(shown: str, value: float) -> bool:
    """Is it that value, rounded as shown? k, M and G stand for zeros that are not."""
    digits, suffix = re.fullmatch(r"([\d.]+)([kMG]?)", shown).groups()  # type: ignore[union-attr]
    step = SUFFIXES[suffix] * 10.0 ** -len(digits.partition(".")[2])
    return abs(float(digits) * SUFFIXES[suffix] - value) <= step * 0.5000001


def check_row(cells: list[str], old: Boots, new: Boots, timed: bool) -> list[str]:
    """What is wrong with a row of the table: range, avg, min, %, [interval,] n."""
    wrong = []
    pairs = ((cells[1], fmean(map(fmean, new)), fmean(map(fmean, old))), (cells[2], min(map(min, new)), min(map(min, old))))
    for pair, *values in pairs:
        wrong += [f"{shown} is not {value}" for shown, value in zip(pair.split(","), values) if not same(shown, value)]
    before, after = ([median(boot) if timed else min(boot) for boot in side] for side in (old, new))
    change = (geometric_mean(after) / geometric_mean(before) if timed else median(after) / median(before)) - 1
    spread = max(max(values) / min(values) - 1 for values in (before, after))
    if cells[3] == "~":
        if not timed and abs(change) > max(0.001, spread):
            wrong.append(f"{change:+.4%} is a change")
    elif abs(float(cells[3]) - change * 100) > 0.0050001 or abs(change) <= 0.001:
        wrong.append(f"{cells[3]} is not {change:+.4%}")
    if timed:
        low, high = (float(end) for end in cells[4].strip("[]").split(", "))
        if not low - 0.005 <= change * 100 <= high + 0.005 or (cells[3] != "~" and low <= 0 <= high):
            wrong.append(f"{cells[4]} does not fit {change:+.4%}")
    if cells[-1] != f"{len(new)}x{len(new[0])}":
        wrong.append(f"{cells[-1]} is not {len(new)} boots of {len(new[0])}")
    return [f"{cells[0]}: {one}" for one in wrong]


def check(text: str, old: Path, new: Path) -> tuple[int, list[str]]:
    """How many rows were checked, and what is wrong with them."""
    before, after = samples(old), samples(new)
    wrong, checked = [], 0
    title: re.Match[str] | None = None
    timed = False
    for line in text.splitlines():
        title = TITLE.match(line) or (title if line.startswith(" ") else None)
        cells = [cell.strip() for cell in line.split(" , ")]
        if title is None or len(cells) < 5:
            continue
        if cells[0] == "size":
            timed = "interval" in cells
            continue
        others = ",".join(sorted(title["params"].removeprefix(", ").split(", "))) if title["params"] else ""
        key = (title["path"], title["measure"], asked(cells[0]), others)
        wrong += [f"{title[0]}: {one}" for one in check_row(cells, before[key], after[key], timed)]
        checked += 1
    return checked, wrong


if __name__ == "__main__":
    number, mistakes = check(Path(sys.argv[1]).read_text(), Path(sys.argv[2]), Path(sys.argv[3]))
    print("\n".join([*mistakes, f"{number} rows checked, {len(mistakes)} mistakes"]))
    sys.exit(bool(mistakes) or not number)
