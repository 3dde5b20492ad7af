# SPDX-License-Identifier: GPL-2.0-only
"""`make check-bench`: does the measurement see what a kernel's change costs, where it costs, and nothing else?

Kernels that differ from the default one in a few words are measured beside it, in instructions. Of each is known which rows must take
more, and which may: every other row must be as it was.
"""

import dataclasses
import fnmatch
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lab import entry, kernel, ksrc
from lab.faults import Edit, changed
from results.calibration import find
from results.compare import Comparison, compare
from results.rows import ERROR, LESS, MORE
from results.sides import load
from runner import bench, judge
from runner import run as running

_PAGES = "bench/map_unmap/map_unmap"
WHAT = bench.What("vtd", (f"{_PAGES}/base", f"{_PAGES}/thp", "bench/ioas/*", "bench/place/*", "bench/route/*"))
BOOTS = 2


@dataclasses.dataclass(frozen=True)
class Cost:
    """A change. `rows` are patterns of rows, each of which must take between `least` and `most` percent more; rows of `may` may differ."""

    name: str
    what: str
    edit: Edit
    rows: tuple[str, ...] = ()
    least: float = 0.0
    most: float = 0.0
    may: tuple[str, ...] = ()


_COMPAT = "bench/route/map_unmap/iommufd"
COSTS = (
    Cost(
        "none", "a kernel that is built anew, with other words in a file",
        Edit("drivers/iommu/iommufd/io_pagetable.c", "iopt_map_common", "rc = iopt_map_pages(", "/* as before */ rc = iopt_map_pages("),
    ),
    Cost(
        "one-percent", "a page's map takes some sixty instructions more, 1 % of it",
        Edit(
            "drivers/iommu/iommufd/io_pagetable.c", "iopt_map_common", "elm.length = length;",
            "elm.length = length; for (int i = 0; i < 48; i++) barrier();",
        ),
        rows=("bench/map_unmap/*:map pages=base * 2^12", "bench/route/map_unmap:map * 2^12", _COMPAT + ":map * 2^12"),
        least=0.5, most=1.6,
        may=(
            "bench/map_unmap/*:map *", "bench/ioas/map_unmap:map *", "bench/place/*:map *", "bench/route/map_unmap:map *",
            _COMPAT + ":map *",
        ),
    ),
    Cost(
        "one-more-flush", "an unmap flushes the whole IOTLB once more",
        Edit(
            "drivers/iommu/iommu.c", "iommu_unmap", "iommu_iotlb_sync(domain, &iotlb_gather);",
            "iommu_iotlb_sync(domain, &iotlb_gather); iommu_flush_iotlb_all(domain);",
        ),
        rows=(
            "bench/map_unmap/*:unmap * 2^12", "bench/map_unmap/*:unmap pages=thp * 2^21", "bench/route/map_unmap:unmap * 2^12",
            _COMPAT + ":unmap * 2^12",
        ),
        least=0.5, most=100, may=("bench/map_unmap/*:unmap *", "bench/route/*:unmap *", "bench/ioas/*:unmap-copy *"),
    ),
    Cost(
        "no-huge-pages", "memory is put into the table by the smallest pages alone",
        Edit("drivers/iommu/iommufd/pages.c", "batch_to_domain", "if (disable_large_pages)", "if (1)"),
        rows=("bench/map_unmap/*:map pages=thp * 2^21", "bench/map_unmap/*:map pages=thp * 2^24", "bench/ioas/copy/thp:copy * 2^21"),
        least=50, most=10000,
        may=("bench/map_unmap/*", "bench/ioas/copy/*", "bench/route/map_unmap:*", _COMPAT + ":*"),
    ),
)  # fmt: skip


def wrong(cost: Cost, found: Comparison) -> list[str]:
    """What the comparison with the kernel as it was does not say as it should."""
    said = []
    for pattern in cost.rows:
        rows = [row for row in found.rows if fnmatch.fnmatchcase(row.key.words(), pattern)]
        if not rows:
            said.append(f"no row is {pattern}")
        for row in rows:
            if row.verdict != MORE or row.change is None or not cost.least <= 100 * row.change <= cost.most:
                change = f"{row.verdict}, {100 * (row.change or 0):+.2f} %"
                said.append(f"{row.key.words()}: {change}, and not {cost.least:g} to {cost.most:g} % more")
    for row in found.rows:
        if row.verdict in (MORE, LESS) and not any(fnmatch.fnmatchcase(row.key.words(), pattern) for pattern in (*cost.rows, *cost.may)):
            said.append(f"{row.key.words()}: {row.verdict}, {100 * (row.change or 0):+.2f} %, and should be as it was")
    return said


def _measure(folder: Path, name: str, image: Sequence[str] = ()) -> Path:
    side = bench.Side(WHAT, folder / name, name, image)
    bench.in_turns([side], BOOTS)
    return side.folder


def main() -> int:
    """1 if a change was not seen, or something else was; 3 if in some rows boots of one kernel did not agree."""
    where = bench.where(WHAT)
    box, source = ksrc.with_toolbox(None, where.machine.toolbox)
    bad = unknown = 0
    with tempfile.TemporaryDirectory(prefix="check-bench") as scratch, kernel.Variants(box, source, where.fragments, where.machine) as made:
        plain = _measure(Path(scratch), "plain")
        for cost in COSTS:
            text = changed((source.tree / cost.edit.file).read_text(), cost.edit)
            image = made.build(cost.name, {cost.edit.file: text})
            (found,) = compare([load(str(plain)), load(str(_measure(Path(scratch), cost.name, [str(image)])))], False, find)
            said = wrong(cost, found)
            bad += bool(said)
            more, less = len(found.with_verdict(MORE)), len(found.with_verdict(LESS))
            print(f"{'WRONG' if said else 'ok':6s} {cost.name}: {cost.what}: {more} of {len(found.rows)} rows take more, {less} less")
            # Of these nothing is known: boots of one kernel don't agree in them.
            errors = [f"ERROR {row.key.words()}: {row.why}" for row in found.with_verdict(ERROR)]
            unknown += bool(errors)
            for line in (*said, *errors):
                print(f"       {line}", flush=True)
    return 1 if bad else judge.EXIT_LAB if unknown else 0


if __name__ == "__main__":
    sys.exit(entry.ending("make check-bench", main, running.FAULTS))
