# SPDX-License-Identifier: GPL-2.0-only
"""What the jobs of a run are made of. It is kept in the run's folder, so that any machine can go on with the run; no secret is in it."""

from __future__ import annotations

import dataclasses
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from lab.errors import LabError, UsageError
from lab.lava.place import JOBS, SUFFIX, Place
from results.typed import ShapeError, decode, parse_json
from runner.stream import DEPTH_MAX, plan_line

FILE = "lava.json"
TOP = Path(__file__).parent.parent.parent
DEFINITION = TOP / "lab" / "lava" / "definition"
USUAL_S = 10.0  # that a test may take on average, beside the longest one; a plan that takes longer goes on in another job
SHELL_S = 120.0  # for LAVA's test shell to begin
PLAN = "plan.jsonl"
VERSION = 1


@dataclasses.dataclass(frozen=True)
class Part:
    """The share of one device: the operations of its tests, in order."""

    tests: list[dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class Recipe:
    """`host` names the description that it was made by. `files` maps the names that templates have for files to their URLs; `programs` is
    the file of the programs for a target that has none, in the folder `place.publish`. `before` are the operations that every job begins
    with. `inventory` are the devices that the plan was made for, `known` the tests that are known to fail, and whether that is harmless.
    """

    version: int
    host: str
    place: dict[str, Any]
    arch: str
    command_line: str
    files: dict[str, str]
    before: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    inventory: list[str] = dataclasses.field(default_factory=list)
    known: dict[str, bool] = dataclasses.field(default_factory=dict)
    parts: list[Part] = dataclasses.field(default_factory=list)
    programs: str | None = None

    @property
    def where(self) -> Place:
        """The place that the jobs are for."""
        return Place(**{**self.place, "tags": tuple(self.place["tags"])})

    def write(self, folder: Path) -> None:
        """Keeps it in the folder of a run, as a whole or not at all."""
        draft = folder / f".{FILE}.draft"
        draft.write_text(json.dumps(dataclasses.asdict(self), indent=1) + "\n")
        draft.rename(folder / FILE)


def read(folder: Path) -> Recipe:
    """Of a run. UsageError if it is none of LAVA's, or damaged."""
    try:
        found: Recipe = decode(Recipe, parse_json((folder / FILE).read_text(), DEPTH_MAX))
        if found.version != VERSION:
            raise ShapeError(f"version {found.version}; this program reads {VERSION}")
        _ = found.where
        return found
    except FileNotFoundError:
        raise UsageError(f"{folder.name} is no run of LAVA's: it has no {FILE}") from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UsageError(f"{folder / FILE}: {error}") from None


def seconds(plan: Sequence[Mapping[str, Any]]) -> int:
    """How long a plan may take: LAVA ends a job that takes longer."""
    deadlines = [operation.get("timeout_ms", 0) / 1000 for operation in plan]
    return int(SHELL_S + min(sum(deadlines), max(deadlines, default=0) + USUAL_S * len(deadlines)))


def archive(plan: Sequence[Mapping[str, Any]], programs: Path | None) -> bytes:
    """The test definition with a plan, as tar.gz, at the place that it has in the repository: LAVA runs it alike from there. `programs`: an
    archive of which the content goes with it."""
    inside = DEFINITION.relative_to(TOP)
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as tar:
        for path in sorted(DEFINITION.iterdir()):
            tar.add(path, inside / path.name)
        text = b"".join(plan_line(operation) for operation in plan)
        entry = tarfile.TarInfo(str(inside / PLAN))
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
        if programs is not None:
            with tarfile.open(programs) as more:
                for member in more:
                    content = more.extractfile(member)
                    member.name = str(inside / member.name)
                    tar.addfile(member, content)
    return held.getvalue()


def publish(place: Place, name: str, content: bytes) -> str:
    """Puts a file where jobs can download it, as a whole; returns its URL."""
    folder = Path(place.publish)
    try:
        draft = folder / f".{name}.draft"
        draft.write_bytes(content)
        draft.chmod(0o644)
        draft.rename(folder / name)
    except OSError as error:
        raise LabError(f"{folder}: what jobs download can't be put there: {error.strerror}") from error
    return f"{place.url.rstrip('/')}/{name}"


def definition(recipe: Recipe, name: str, plan: Sequence[Mapping[str, Any]], url: str, metadata: Mapping[str, str]) -> str:
    """The job that runs `plan`, whose archive is at `url`."""
    place = recipe.where
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(JOBS), undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True,
    )  # fmt: skip
    return str(environment.get_template(f"{place.job}{SUFFIX}").render(
        name=name, device_type=place.device_type, tags=place.tags, visibility=place.visibility, priority=place.priority,
        boot_seconds=place.boot_s, test_seconds=seconds(plan), metadata=dict(metadata), definition=url, compression="gz",
        arch=recipe.arch, command_line=recipe.command_line, prompt=place.prompt, boot=place.boot, rootfs=place.rootfs, files=recipe.files,
    ))  # fmt: skip
