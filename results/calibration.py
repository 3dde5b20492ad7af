# SPDX-License-Identifier: GPL-2.0-only
"""The smallest change that may be called one on a host: what boots of one and the same kernel differ by (schema/calibration-1.json)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from lab import places
from lab.errors import UsageError
from results import bench
from results.rows import ERROR, LESS, MORE, SMALLEST, Judged, boots_to_claim, judge
from results.samples import Key, Measured
from results.sides import Side, rows
from results.typed import ShapeError, decode

FOLDER = Path(__file__).resolve().parent / "calibration"
SCHEMA = "calibration-1.json"
SPLITS = 20
SEED = 20211120


@dataclass(frozen=True)
class TakenOn:
    """What the boots were made with; None where nobody knows."""

    qemu: str | None
    toolbox: str | None
    processor: str | None
    flavour: str | None
    release: str | None


@dataclass(frozen=True)
class Smallest:
    """A row and its smallest change, as a part of 1."""

    path: str
    measure: str
    params: dict[str, Any]
    smallest: float

    @property
    def key(self) -> Key:
        """Which row it is."""
        return Key(self.path, self.measure, tuple(sorted(self.params.items())))


@dataclass(frozen=True)
class Calibration:
    """`boots` of one kernel were split in halves `splits` times; in `alarms` of these comparisons a row was called changed, in `errors` one
    was an ERROR."""

    host: str
    mode: str
    bench: str
    taken_on: TakenOn
    boots: int
    splits: int
    alarms: int
    errors: int
    rows: list[Smallest]

    def smallest(self, key: Key) -> float:
        """The smallest change of a row that may be called one; of a row that was not there, the largest of all."""
        known = {row.key: row.smallest for row in self.rows}
        return known.get(key, max(known.values(), default=SMALLEST))

    def unlike(self, side: Side) -> list[str]:
        """What it was taken on that is not what a side was measured on."""
        mine = dataclasses.asdict(self.taken_on)
        theirs = dataclasses.asdict(taken_on(side))
        return [
            f"the calibration was taken on another {name}: {mine[name] or 'unknown'}, old has {theirs[name] or 'unknown'}"
            for name in ("qemu", "toolbox", "processor", "flavour") if mine[name] != theirs[name]
        ]  # fmt: skip


def taken_on(side: Side) -> TakenOn:
    """What a side was measured on."""
    first, flavour = side.boots[0], side.kernel.get("flavour")
    return TakenOn(
        first.fact("qemu"), first.fact("toolbox", "key"), first.fact("processor"), None if flavour is None else str(flavour), first.release
    )


def _half(measured: Mapping[Key, Measured], boots: list[int]) -> dict[Key, Measured]:
    halves = {key: dataclasses.replace(row, boots=[row.boots[boot] for boot in boots]) for key, row in measured.items()}
    return {key: row for key, row in halves.items() if row.there()}


def calibrate(side: Side) -> Calibration:
    """Compares halves of the boots of one kernel with each other, SPLITS times. UsageError if a half is too small for a claim."""
    number, least = len(side.boots), 2 * boots_to_claim(side.mode)
    if number < least:
        raise UsageError(f"{side.name}: {number} boots; a calibration in {side.mode} takes {least} or more of one kernel")
    (measured,) = rows([side])
    random = Random(SEED)
    half, order = number // 2, list(range(number))
    largest: dict[Key, float] = {key: SMALLEST for key in sorted(measured, key=Key.order)}
    judgements: list[Judged] = []
    for _ in range(SPLITS):
        random.shuffle(order)
        parts = _half(measured, sorted(order[:half])), _half(measured, sorted(order[half : 2 * half]))
        judgements.append(judge(side.mode, *parts, lambda _: SMALLEST, (half, half)))
        for row in judgements[-1].rows:
            largest[row.key] = max(largest[row.key], abs(row.change or 0.0))
    return Calibration(
        side.host, side.mode, side.name, taken_on(side), number, SPLITS,
        alarms=sum(any(row.verdict in (MORE, LESS) for row in judged.rows) for judged in judgements),
        errors=sum(any(row.verdict == ERROR for row in judged.rows) for judged in judgements),
        rows=[Smallest(key.path, key.measure, dict(key.params), change) for key, change in largest.items()],
    )  # fmt: skip


def path_of(host: str, mode: str) -> Path:
    """Where the calibration of a host in a mode is: one that was made here goes before the one that came with the suite."""
    name = f"{host}-{mode}.json"
    made = places.kept(FOLDER) / name
    return made if made.is_file() else FOLDER / name


def write(calibration: Calibration) -> Path:
    """Keeps a calibration in place of that before, and returns its path."""
    path = places.kept(FOLDER) / path_of(calibration.host, calibration.mode).name
    path.parent.mkdir(parents=True, exist_ok=True)
    bench.write_json(path, {"schema": "iommu-cts/calibration", "version": 1, **dataclasses.asdict(calibration)}, SCHEMA)
    return path


def find(host: str, mode: str) -> Calibration | None:
    """That of a host in a mode, if there is one. UsageError names a file that is broken."""
    path = path_of(host, mode)
    if not path.is_file():
        return None
    document = bench.read_json(path, "iommu-cts/calibration", 1)
    bench.check_read(path, document, SCHEMA)
    try:
        return decode(Calibration, document)
    except ShapeError as error:
        raise UsageError(f"{path}: {error}") from error
