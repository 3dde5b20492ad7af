# SPDX-License-Identifier: GPL-2.0-only
"""What the history keeps of a run, taken from its results.json."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lab.errors import UsageError
from results.sides import REPORT, Boot, Side, rows
from results.samples import figures
from results.typed import ShapeError, decode

SCHEMA, VERSION = "iommu-cts/results", 1
_WORDS = frozenset(("PASS", "FAIL", "KNOWN", "ERROR", "MISS", "SKIP", "DONE"))


@dataclass(frozen=True)
class Value:
    """A row of a benchmark, by the name that `iommu-cts compare` gives it."""

    name: str
    unit: str
    better: str
    median: float
    minimum: float
    samples: int


@dataclass(frozen=True)
class Record:
    """A run. `second` is when it began, since the epoch (0: nobody knows); `verdicts` are test, word and reason. `stamp` tells whether
    its results.json is still the same file."""

    name: str
    began: str
    second: int
    host: str
    kernel: str
    build: str | None
    suite: str
    mode: str
    exit_code: int | None
    folder: str
    stamp: str
    counts: Counter[str]
    verdicts: list[tuple[str, str, str | None]]
    values: list[Value]


def stamp(folder: Path) -> str:
    """Size and time of results.json: another one if the run was judged again. OSError as usual."""
    about = (folder / REPORT).stat()
    return f"{about.st_size}:{about.st_mtime_ns}"


def read(folder: Path) -> Record:
    """The record of a run folder. UsageError names the file and what is wrong with it."""
    path = folder / REPORT
    try:
        mark = stamp(folder)
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: can't be read: {error.strerror}; `iommu-cts report {folder}` makes it") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: no JSON: {error}; `iommu-cts report {folder}` makes it again") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise UsageError(f"{path}: it is no {SCHEMA}")
    if document.get("version") != VERSION:
        raise UsageError(f"{path}: version {document.get('version')} of {SCHEMA}; this iommu-cts reads {VERSION}")
    try:
        return _record(document, str(folder.resolve()), mark)
    except (ShapeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{path}: does not follow its schema: {error}; `iommu-cts report {folder}` makes it again") from error


def _record(document: Mapping[str, Any], folder: str, mark: str) -> Record:
    # Of most results only the verdict is kept: a check of everything that is not would take longer than reading it.
    results = document["results"]
    boot = decode(Boot, {**document, "results": [result for result in results if result.get("measurements")]})
    verdicts = _verdicts(results)
    build = boot.fact("kernel", "sha256")
    exit_code = document["run"].get("exit_code")
    return Record(
        name=stored(boot.run.id),
        began=boot.run.started or "",
        second=int(datetime.fromisoformat(boot.run.started).timestamp()) if boot.run.started else 0,
        host=stored(boot.run.host),
        kernel=stored(boot.release or "unknown"),
        build=build and stored(build),
        suite=stored(boot.suite),
        mode=boot.mode,
        exit_code=exit_code if isinstance(exit_code, int) else None,
        folder=stored(folder),
        stamp=mark,
        counts=Counter(word for _, word, _ in verdicts),
        verdicts=verdicts,
        values=_values(boot),
    )


def stored(text: str) -> str:
    """A text as the history keeps it: halves of characters can't be."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _verdicts(results: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str | None]]:
    """Test, word and reason of each; in one go, as there are many. ShapeError where that is not what results are like."""
    found = [
        (result["id"], "KNOWN" if result.get("waived") else result["verdict"], result["reason"]["code"] if result.get("reason") else None)
        for result in results
    ]
    words, reasons = {word for _, word, _ in found}, {reason for _, _, reason in found if reason is not None}
    if not words <= _WORDS or not all(isinstance(reason, str) and reason.isascii() for reason in reasons):
        raise ShapeError("a result has no known verdict, or no reason with a code")
    if not "".join([test for test, _, _ in found]).isascii():  # a TypeError if one is no text
        return [(stored(test), word, reason) for test, word, reason in found]
    return found


def _values(boot: Boot) -> list[Value]:
    if not boot.results:
        return []
    (found,) = rows([Side(boot.run.id, "", boot.run.host, boot.mode, [], [boot], [])])
    made = []
    for key, measured in found.items():
        row = figures(measured)
        made.append(Value(stored(key.words()), measured.unit, measured.better, row.middle, row.minimum, len(measured.boots[0])))
    return made
