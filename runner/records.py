# SPDX-License-Identifier: GPL-2.0-only
"""The records that a test writes to its pipe: skips, faults of the lab, facts, samples (docs/results.md)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from results import fio
from results.journal import Skip
from results.model import Measurement
from results.typed import ShapeError, decode

_LARGEST = 2**64


@dataclass
class Records:
    """One attempt's records by kind. `bad` says what is wrong with each malformed one."""

    skips: list[Skip] = field(default_factory=list)
    lab_errors: list[str] = field(default_factory=list)
    measurements: list[Measurement] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    bad: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _SkipRecord:
    skip: Skip


@dataclass(frozen=True)
class _LabErrorRecord:
    lab_error: str


@dataclass(frozen=True)
class _FioRecord:
    fio: dict[str, Any]


@dataclass(frozen=True)
class _FactRecord:
    fact: dict[str, str]


def sort_records(records: list[dict[str, Any]]) -> Records:
    """Sorts records. Samples of one measure and parameters add up in order; unknown kinds are left alone, and so is what fio
    said without parameters."""
    found = Records()
    rows: dict[str, Measurement] = {}
    for record in records:
        try:
            if "skip" in record:
                found.skips.append(decode(_SkipRecord, record).skip)
            elif "lab_error" in record:
                found.lab_errors.append(decode(_LabErrorRecord, record).lab_error)
            elif "fact" in record:
                found.facts.update(decode(_FactRecord, record).fact)
            elif "measure" in record:
                _add(rows, _measurement(record))
            elif "fio" in record and "params" in record:
                for row in fio.rows(decode(_FioRecord, record).fio):
                    _add(rows, _measurement({**row, "params": record["params"]}))
        except ShapeError as error:
            found.bad.append(str(error))
    found.measurements = list(rows.values())
    return found


def _measurement(record: dict[str, Any]) -> Measurement:
    found = decode(Measurement, {"params": {}, **record})
    if found.better not in ("less", "more"):
        raise ShapeError(f"'better' is neither \"less\" nor \"more\": {found.better}")
    if not found.measure or not found.unit:
        raise ShapeError("'measure' or 'unit' is empty")
    if any(abs(sample) > _LARGEST for sample in found.samples):
        raise ShapeError(f"a sample of '{found.measure}' has more than 64 bits")
    for name, value in found.params.items():
        if not isinstance(value, (str, int, float)):
            raise ShapeError(f"parameter '{name}' is no string, number or boolean")
    return found


def _add(rows: dict[str, Measurement], new: Measurement) -> None:
    key = json.dumps([new.measure, new.params], sort_keys=True)
    row = rows.setdefault(key, Measurement(new.measure, new.unit, new.better, new.params, []))
    if (row.unit, row.better) != (new.unit, new.better):
        raise ShapeError(f"'{new.measure}' has changed its unit or direction")
    row.samples.extend(new.samples)
