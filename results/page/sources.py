# SPDX-License-Identifier: GPL-2.0-only
"""What a page is made of: kept runs, benches and series, read from their folders."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.errors import UsageError
from results import bench, series, series_table, sides
from results.compare import Comparison
from results.series import Series
from results.sides import REPORT, Side
from runner import run as running


@dataclass(frozen=True)
class Column:
    """What stands side by side on the page: a host, a kernel or a revision, with the results.json of each of its runs."""

    name: str
    documents: list[dict[str, Any]]


@dataclass(frozen=True)
class Trend:
    """A series with what became of its revisions."""

    series: Series
    known: series_table.Known


@dataclass(frozen=True)
class Sources:
    """`sides` are what was measured, each in one or more boots; `comparisons` compare the first with each other one."""

    columns: list[Column]
    sides: list[Side]
    comparisons: list[Comparison] = field(default_factory=list)
    trend: Trend | None = None


def is_run(name: str) -> bool:
    """Does the name, as `iommu-cts report` takes it, mean a run? Else it is a bench or a series."""
    if name == "last":
        return True
    folders = [Path(name), bench.BENCHES / name, series.SERIES / name]
    return not any((folder / file).is_file() for folder in folders for file in (bench.FILE, series.FILE))


def of_names(names: Sequence[str]) -> Sources:
    """Of runs and benches, or of one series. UsageError names what can't be read."""
    folders = [folder for name in names for folder in (Path(name), series.SERIES / name) if (folder / series.FILE).is_file()]
    if folders and len(names) > 1:
        raise UsageError(f"{folders[0]}: a series has a page of its own; name it alone")
    if folders:
        return _of_series(folders[0])
    return _by_kernel([(side, documents) for name in names for side, documents in [_load(name)]])


def of_comparison(operands: Sequence[str], loaded: Sequence[Side], compared: Sequence[Comparison]) -> Sources:
    """Of what `iommu-cts compare` was given: the operands, their sides and the comparisons of the first with each other."""
    names = _different([side.label for side in loaded], [side.name for side in loaded])
    columns = [Column(name, _documents(operand)) for name, operand in zip(names, operands)]
    return Sources(columns, [dataclasses.replace(side, label=name) for side, name in zip(loaded, names)], list(compared))


def _load(name: str) -> tuple[Side, list[dict[str, Any]]]:
    operand = name if bench.find(name) and name != "last" else str(running.find_folder(name))
    return sides.load(operand), _documents(operand)


def _documents(operand: str) -> list[dict[str, Any]]:
    """The results.json of each boot of a side that could be loaded."""
    folder = bench.find(operand)
    if folder is not None:
        paths = [folder / boot.run / REPORT for boot in bench.read(folder).boots if boot.why == bench.FINISHED]
    elif Path(operand).is_file():
        paths = [Path(operand)]
    else:
        paths = [next(path for path in (Path(operand) / REPORT, running.RUNS / operand / REPORT) if path.is_file())]
    return [bench.read_json(path, "iommu-cts/results", 1) for path in paths]


def _different(*choices: Sequence[str]) -> list[str]:
    """The first of several ways to call things in which they are told from each other; numbered if there is none."""
    for names in choices:
        if len(set(names)) == len(names):
            return list(names)
    return [f"{name} ({number})" for number, name in enumerate(choices[-1], 1)]


def _by_kernel(loaded: Sequence[tuple[Side, list[dict[str, Any]]]]) -> Sources:
    """Runs of one kernel on one host are boots of the same; everything else stands side by side."""
    together: dict[tuple[str, str, str], list[tuple[Side, list[dict[str, Any]]]]] = {}
    for side, documents in loaded:
        together.setdefault((side.host, side.releases(), side.mode), []).append((side, documents))
    names = _different(
        [host for host, _, _ in together], [f"{host} {release}" for host, release, _ in together], [" ".join(key) for key in together]
    )
    columns, merged = [], []
    for name, same in zip(names, together.values()):
        columns.append(Column(name, [document for _, documents in same for document in documents]))
        boots = [boot for side, _ in same for boot in side.boots]
        unfit, notes = ([one for side, _ in same for one in getattr(side, what)] for what in ("unfit", "notes"))
        merged.append(
            dataclasses.replace(same[0][0], label=name, boots=boots, unfit=list(dict.fromkeys(unfit)), notes=list(dict.fromkeys(notes)))
        )
    return Sources(columns, merged)


def _of_series(folder: Path) -> Sources:
    about = series.read(folder)
    known = series_table.known(folder, about)
    columns = [Column(one.name, _documents(str(folder / one.run))) for one in about.revisions if one.run is not None]
    measured = [dataclasses.replace(known.measured[one.label], label=one.name) for one in about.revisions if one.label in known.measured]
    return Sources(columns, measured, list(known.compared.values()), Trend(about, known))
