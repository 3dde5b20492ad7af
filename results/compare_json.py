# SPDX-License-Identifier: GPL-2.0-only
"""A comparison for programs: every number, and the samples that all of them can be computed from (schema/compare-1.json)."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from results import bench, histogram, inference
from results.compare import Comparison, order_of_boots
from results.conformance import Conformance
from results.gates import Outcome
from results.headline import headline
from results.rows import AGREEMENT, Row, boots_to_claim
from results.samples import Figures, Key, Measured
from results.sides import Side, rows

SCHEMA = "compare-1.json"


def render(compared: Sequence[tuple[Comparison, list[Outcome]]], exit_code: int) -> str:
    """The document as text. LabError if it does not follow the schema: an error of this program."""
    sides = [compared[0][0].old, *(one.new for one, _ in compared)]
    document = {
        "schema": "iommu-cts/compare",
        "version": 1,
        "exit_code": exit_code,
        "rules": {"alpha": inference.ALPHA, "agreement": AGREEMENT, "seed": inference.SEED, "replicates": inference.REPLICATES},
        "sides": [_side(side, mine) for side, mine in zip(sides, rows(sides))],
        "comparisons": [comparison(one, number, outcomes) for number, (one, outcomes) in enumerate(compared, 1)],
    }
    bench.check(document, SCHEMA, "the comparison")
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def _key(key: Key) -> dict[str, Any]:
    return {"path": key.path, "measure": key.measure, "params": dict(key.params)}


def _side(side: Side, measured: Mapping[Key, Measured]) -> dict[str, Any]:
    return {
        "name": side.name,
        "label": side.label,
        "host": side.host,
        "mode": side.mode,
        "unfit": side.unfit,
        "notes": side.notes,
        "boots": [
            {
                "run": boot.run.id,
                "started": boot.run.started,
                "release": boot.release,
                "suite": boot.suite,
                "accelerator": boot.fact("accelerator"),
                "qemu": boot.fact("qemu"),
                "toolbox": boot.fact("toolbox", "key"),
                "processor": boot.fact("processor"),
            }
            for boot in side.boots
        ],
        "rows": [
            {**_key(key), "unit": row.unit, "better": row.better, "samples": row.boots, "histogram": _histogram(row)}
            for key, row in sorted(measured.items(), key=lambda item: item[0].order())
        ],
    }


def _histogram(row: Measured) -> dict[str, Any]:
    found = histogram.histogram(row)
    return {
        "percentiles": {f"{percent:g}": value for percent, value in zip(histogram.PERCENTS, found.percentiles)},
        "buckets": [[one.low, one.high, one.count] for one in found.buckets],
    }


def _figures(mine: Figures) -> dict[str, Any]:
    return {
        "values": mine.values,
        "average": mine.average,
        "minimum": mine.minimum,
        "outliers": mine.outliers,
        "unsteady_boots": mine.unsteady,
    }


def _row(row: Row) -> dict[str, Any]:
    plain = ("unit", "better", "verdict", "why", "claims", "change", "low", "high", "p", "deviation", "smallest")
    return {**_key(row.key), **{name: getattr(row, name) for name in plain}, "old": _figures(row.old), "new": _figures(row.new)}


def _conformance(found: Conformance) -> dict[str, Any]:
    return {**dataclasses.asdict(found), "counts": found.counts()}


def _gate(outcome: Outcome) -> dict[str, Any]:
    return {
        "gate": outcome.gate.text,
        "outcome": outcome.word,
        "hits": [_key(row.key) for row in outcome.hits],
        "unknown": [{**_key(key), "why": why} for key, why in outcome.unknown],
    }


def comparison(one: Comparison, number: int, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """One of the document's comparisons: that of the side with this number with the first."""
    return {
        "old": 0,
        "new": number,
        "headline": headline(one),
        "mode": one.mode,
        "boots_to_claim": boots_to_claim(one.mode),
        "order_of_boots": order_of_boots(one.old, one.new),
        "forced": one.forced,
        "warnings": one.warnings,
        "calibration": one.calibration and one.calibration.bench,
        "labellings": one.judged.labellings,
        "exact": one.judged.exact,
        "rows": [_row(row) for row in one.rows],
        "one_sided": [{**_key(row.key), "side": row.side, "why": row.why} for row in one.one_sided],
        "conformance": _conformance(one.conformance),
        "gates": [_gate(outcome) for outcome in outcomes],
    }
