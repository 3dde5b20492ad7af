# SPDX-License-Identifier: GPL-2.0-only
"""bench.json: one kernel measured in several boots, each of which is a run folder beside it (schema/bench-1.json)."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema

from lab import places
from lab.errors import LabError, UsageError
from results import files
from results.typed import ShapeError, decode, parse_json

BENCHES = places.kept(Path(__file__).resolve().parent / "bench")
SCHEMAS = Path(__file__).resolve().parent / "schema"
FILE = "bench.json"
FINISHED = "finished"
DEPTH_MAX = 64  # of a JSON file that we wrote

# What costs time wherever the kernel goes. Not CONFIG_DEBUG_KERNEL: by itself it only shows more of the menu, and distributions set it.
_UNFIT = (
    "IOMMUFD_TEST", "FAULT_INJECTION", "LOCKDEP", "DEBUG_LOCK_ALLOC", "DEBUG_SPINLOCK", "DEBUG_MUTEXES", "DEBUG_ATOMIC_SLEEP", "KASAN",
    "KCSAN", "KMSAN", "KCOV", "UBSAN_TRAP", "GCOV_KERNEL", "DEBUG_VM", "DEBUG_OBJECTS", "DEBUG_PAGEALLOC_ENABLE_DEFAULT", "DEBUG_KMEMLEAK",
    "SLUB_DEBUG_ON", "DMA_API_DEBUG", "IOMMU_DEBUG_PAGEALLOC",
)  # fmt: skip


@dataclass(frozen=True)
class Boot:
    """One boot: its run folder relative to bench.json, why it ended ("finished" is the only good way) and when it began (RFC 3339)."""

    run: str
    why: str
    started: str


@dataclass(frozen=True)
class Bench:
    """What bench.json says. `kernel` are facts of the kernel, `unfit` the reasons why it must not be compared."""

    id: str
    host: str
    label: str
    mode: str
    set: str
    kernel: dict[str, Any]
    unfit: list[str]
    boots: list[Boot] = field(default_factory=list)
    finished: bool = False


@functools.cache
def validator(schema: str) -> Any:
    """Checks documents against results/schema/<schema>."""
    return jsonschema.Draft202012Validator(json.loads((SCHEMAS / schema).read_text("utf-8")))


def check(document: Any, schema: str, name: str) -> None:
    """LabError where a document that this program made does not follow its schema."""
    error = jsonschema.exceptions.best_match(validator(schema).iter_errors(document))
    if error is not None:
        raise LabError(f"{name} does not follow {schema} at {error.json_path}: {error.message}")


def write_json(path: Path, document: dict[str, Any], schema: str) -> None:
    """Checks the document and replaces the file as a whole. LabError if it does not follow the schema, OSError as usual."""
    check(document, schema, path.name)
    files.replace(path, json.dumps(document, indent=1, allow_nan=False) + "\n")


def read_json(path: Path, schema: str, version: int) -> dict[str, Any]:
    """The object in a file of ours that has this schema and version. UsageError names the file and what is wrong with it."""
    try:
        document = parse_json(path.read_bytes(), DEPTH_MAX)
    except OSError as error:
        raise UsageError(f"{path}: can't be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path}: no JSON: {error}") from error
    if not isinstance(document, dict) or document.get("schema") != schema:
        raise UsageError(f"{path}: it is no {schema}")
    if document.get("version") != version:
        raise UsageError(f"{path}: version {document.get('version')} of {schema}; this iommu-cts reads {version}")
    return document


def check_read(path: Path, document: Any, schema: str) -> None:
    """UsageError where a file does not follow its schema."""
    error = jsonschema.exceptions.best_match(validator(schema).iter_errors(document))
    if error is not None:
        raise UsageError(f"{path}: at {error.json_path}: {error.message}")


def write(folder: Path, bench: Bench) -> None:
    """Writes folder/bench.json, replacing it as a whole."""
    document = {"schema": "iommu-cts/bench", "version": 1, **dataclasses.asdict(bench)}
    write_json(folder / FILE, document, "bench-1.json")


def read(folder: Path) -> Bench:
    """Reads folder/bench.json. UsageError names the file and what is wrong with it."""
    path = folder / FILE
    document = read_json(path, "iommu-cts/bench", 1)
    check_read(path, document, "bench-1.json")
    try:
        return decode(Bench, document)
    except ShapeError as wrong:
        raise UsageError(f"{path}: {wrong}") from wrong


def find(name: str) -> Path | None:
    """The folder of a kept bench: a path, a name in results/bench/, or "last"; None if there is none of that name."""
    if name == "last":
        kept = sorted(path.parent for path in BENCHES.glob(f"*/{FILE}"))
        return kept[-1] if kept else None
    return next((path for path in (Path(name), BENCHES / name) if (path / FILE).is_file()), None)


def unfit(config: str) -> list[str]:
    """Why a kernel of this configuration must not be timed: the debugging that is in it."""
    on = set(re.findall(r"^CONFIG_(\w+)=[ym]$", config, re.MULTILINE))
    return [f"CONFIG_{name}" for name in _UNFIT if name in on]
