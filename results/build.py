# SPDX-License-Identifier: GPL-2.0-only
"""results.json: a judged run as one JSON object, described by schema/results-1.json."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import jsonschema

from results.model import Result, Run, counts

SCHEMA = Path(__file__).resolve().parent / "schema" / "results-1.json"


class SchemaError(Exception):
    """What was built isn't what the schema says: an error of this program, not of the run."""


def build(run: Run, exit_code: int) -> dict[str, Any]:
    """Makes the object and checks it against the schema. Raises SchemaError, which names the place."""
    document: dict[str, Any] = {
        "schema": "iommu-cts/results",
        "version": 1,
        "run": {
            "id": run.id,
            "host": run.host,
            "command": run.command,
            "suite": run.suite,
            "started": _time(run.started),
            "finished": _time(run.finished),
            "complete": run.complete,
            "exit_code": exit_code,
        },
        "environment": run.environment,
        "counts": {"planned": len(run.results), **counts(run.results)},
        "boots": run.boots,
        "results": [_result(result) for result in run.results],
        "problems": [dataclasses.asdict(problem) for problem in run.problems],
    }
    if run.claims:
        document["claims"] = [dataclasses.asdict(claim) for claim in run.claims]
    check(document)
    return document


def check(document: Any) -> None:
    """Checks a document against the schema of version 1. Raises SchemaError."""
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
    error = jsonschema.exceptions.best_match(validator.iter_errors(document))
    if error is not None:
        raise SchemaError(f"results.json does not follow {SCHEMA.name} at {error.json_path}: {error.message}")


def dump(document: dict[str, Any]) -> str:
    """The bytes of results.json: printable ASCII, one value a line, the same for the same document."""
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def _result(result: Result) -> dict[str, Any]:
    row = dataclasses.asdict(result)
    row["verdict"] = result.verdict.value
    if result.waived is not None:
        row["waived"]["expires"] = result.waived.expires.isoformat()
    return row


def _time(seconds: float | None) -> str | None:
    """RFC 3339 in UTC with milliseconds."""
    if seconds is None:
        return None
    text = datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
