# SPDX-License-Identifier: GPL-2.0-only
"""The data of a page: what its script shows, as one JSON object. src/data.ts has the same names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

from results import compare_json
from results.compare import Comparison
from results.model import COUNTS
from results.page.sources import Column, Sources, Trend
from results.samples import Key, shown
from results.sides import Side, rows
from runner.catalogue import Requirement

# Of a result; what is empty is left out, which is most of it.
_KEPT = ("id", "path", "device", "title", "requirements", "kind", "verdict", "reason", "waived", "boot", "duration_ns", "notes", "evidence")


def build(sources: Sources, requirements: Mapping[str, Requirement]) -> dict[str, Any]:
    """The object. `requirements` is the catalogue, which has the titles; those that no test of the runs names are left out."""
    documents = [(at, document) for at, column in enumerate(sources.columns) for document in column.documents]
    named = {name for _, document in documents for result in document["results"] for name in result.get("requirements", [])}
    return {
        "schema": "iommu-cts/page",
        "version": 1,
        "title": _title(sources),
        "made": datetime.now(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "counted": list(COUNTS),
        "columns": [column.name for column in sources.columns],
        "runs": [_run(at, document) for at, document in documents],
        "results": [_result(number, one) for number, (_, document) in enumerate(documents) for one in document["results"]],
        "requirements": [_requirement(name, requirements.get(name)) for name in sorted(named)],
        "measured": _measured(sources.sides, sources.comparisons),
        "trend": _trend(sources.trend, sources.columns) if sources.trend else None,
    }


def _title(sources: Sources) -> str:
    if sources.trend:
        return f"series {sources.trend.series.id}"
    names = [document["run"]["id"] for column in sources.columns for document in column.documents]
    if sources.comparisons or len(names) > 2:
        return ", ".join(column.name for column in sources.columns)
    return ", ".join(names)


def _run(column: int, document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "column": column,
        **{name: document["run"].get(name) for name in ("id", "host", "started", "finished", "complete", "exit_code", "command", "suite")},
        "counts": {name: document.get("counts", {}).get(name, 0) for name in COUNTS},
        "boots": document.get("boots"),
        "problems": document.get("problems", []),
        "claims": document.get("claims", []),
        "environment": document.get("environment", {}),
    }


def _result(run: int, result: Mapping[str, Any]) -> dict[str, Any]:
    return {"run": run, **{name: result[name] for name in _KEPT if result.get(name) not in (None, [])}}


def _requirement(name: str, known: Requirement | None) -> dict[str, Any]:
    if known is None:
        return {"id": name, "title": "", "subject": "", "level": "", "kind": ""}
    return {"id": name, "title": known.title, "subject": known.subject, "level": known.level, "kind": known.kind}


def _measured(sides: list[Side], comparisons: Iterable[Comparison]) -> dict[str, Any]:
    """Every sample, row by row: of each side, of each of its boots."""
    found = rows(sides)
    keys = sorted({key for side in found for key in side}, key=Key.order)
    return {
        "sides": [
            {"name": side.label, "host": side.host, "mode": side.mode, "releases": side.releases(), "boots": len(side.boots)}
            | {"unfit": side.unfit, "notes": side.notes}
            for side in sides
        ],
        "rows": [
            {
                "row": key.words(),
                "path": key.path,
                "measure": key.measure,
                "others": " ".join(f"{name}={shown(value)}" for name, value in key.others()),
                "range": key.range(),
                **{name: next(getattr(side[key], name) for side in found if key in side) for name in ("unit", "better")},
                "samples": [side[key].there() if key in side else [] for side in found],
            }
            for key in keys
        ],
        "comparisons": [_comparison(one, number) for number, one in enumerate(comparisons, 1)],
    }


def _comparison(one: Comparison, number: int) -> dict[str, Any]:
    """As compare-1.json has it, with the rows' names."""
    document = compare_json.comparison(one, number, [])
    kept = ("unit", "better", "verdict", "why", "claims", "change", "low", "high")
    document["rows"] = [{"row": row.key.words()} | {name: getattr(row, name) for name in kept} for row in one.rows]
    document["one_sided"] = [{"row": row.key.words(), "side": row.side, "why": row.why} for row in one.one_sided]
    return document


def _trend(trend: Trend, columns: list[Column]) -> dict[str, Any]:
    names = [column.name for column in columns]
    return {
        "id": trend.series.id,
        "host": trend.series.host,
        "against": trend.known.against,
        "revisions": [
            {
                "name": one.name,
                "commit": one.commit,
                "subject": one.subject,
                "failed": {"stage": one.failed.stage, "text": one.failed.text} if one.failed else None,
                "column": names.index(one.name) if one.run is not None else None,
                "measured": one.label in trend.known.measured,
                "differences": [
                    {"test": other.test, "old": other.old, "new": other.new, "why": other.why}
                    for other in trend.known.verdicts[one.label].differences
                ]
                if one.label in trend.known.verdicts
                else None,
            }
            for one in trend.series.revisions
        ],
    }
