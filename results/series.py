# SPDX-License-Identifier: GPL-2.0-only
"""series.json: revisions of a kernel, each with its conformance run and its bench in folders beside it (schema/series-1.json)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from lab import places
from lab.errors import UsageError
from results import bench
from results.typed import ShapeError, decode

SERIES = places.kept(Path(__file__).resolve().parent / "series")
FILE = "series.json"
BUILD, BOOT, LAB = "build", "boot", "lab"
STAGES = {BUILD: "does not build", BOOT: "does not boot", LAB: "nobody knows, the lab failed"}


@dataclass(frozen=True)
class Failure:
    """What a revision did not do: BUILD, BOOT, or LAB where nobody knows whether it is to blame; and the first lines that say why."""

    stage: str
    text: str


@dataclass(frozen=True)
class Revision:
    """A commit, what its folders are called, and its conformance run once that came to its end."""

    name: str
    label: str
    commit: str
    tree: str
    subject: str
    run: str | None = None
    failed: Failure | None = None


@dataclass(frozen=True)
class Series:
    """What series.json says. `select` and `bench` are paths of tests as --select takes them; none: no test."""

    id: str
    host: str
    ksrc: str
    select: list[str]
    bench: list[str]
    boots: int
    revisions: list[Revision]


def bench_of(folder: Path, revision: Revision) -> Path:
    """Where the bench of a revision is, or will be."""
    return folder / "bench" / revision.label


def is_measured(folder: Path, revision: Revision) -> bool:
    """Was it measured in all the boots that were asked for?"""
    bench_folder = bench_of(folder, revision)
    return (bench_folder / bench.FILE).exists() and bench.read(bench_folder).finished


def write(folder: Path, series: Series) -> None:
    """Writes folder/series.json, replacing it as a whole."""
    document = {"schema": "iommu-cts/series", "version": 1, **dataclasses.asdict(series)}
    bench.write_json(folder / FILE, document, "series-1.json")


def read(folder: Path) -> Series:
    """Reads folder/series.json. UsageError names the file and what is wrong with it."""
    path = folder / FILE
    document = bench.read_json(path, "iommu-cts/series", 1)
    bench.check_read(path, document, "series-1.json")
    try:
        return decode(Series, document)
    except ShapeError as wrong:
        raise UsageError(f"{path}: {wrong}") from wrong


def find(name: str) -> Path:
    """The folder of a kept series: a path, a name in results/series/, or "last". UsageError if there is none."""
    if name == "last":
        kept = sorted(path.parent for path in SERIES.glob(f"*/{FILE}"))
        if not kept:
            raise UsageError(f"{SERIES} has no series yet")
        return kept[-1]
    for path in (Path(name), SERIES / name):
        if (path / FILE).is_file():
            return path
    raise UsageError(f"{name}: no series of that name in {SERIES}, and no folder with a {FILE}")
