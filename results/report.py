# SPDX-License-Identifier: GPL-2.0-only
"""Makes the reports of a run again from its journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from lab.errors import UsageError
from results import build, claims, files, journal, junit, ktap, waivers as waiver_file
from results.model import Problem, Run
from runner import catalogue, profiles
from runner.judge import exit_code, judge


class ReportError(Exception):
    """A report can't be written; the text names the file and the way out."""


def judged(run_dir: Path, waivers: Path | None, today: date, by: Sequence[str] | None = None) -> Run:
    """Judges run_dir/journal.jsonl, by those profiles too whose names are `by`; None: by those that it was run for.

    What is wrong with lines of the journal or with the waiver file is a problem of the run, not an exception; so is a profile that there is
    no more. Raises JournalError (the journal can't be read) or UsageError (no such profile).
    """
    seen = journal.read(run_dir / "journal.jsonl")
    file = waiver_file.load(waivers) if waivers is not None else waiver_file.WaiverFile()
    run = replace(judge(seen, file, catalogue.skip_codes(), today), directory=run_dir)
    wanted = by if by is not None else run_for(seen)
    if not wanted:
        return run
    known = catalogue.requirements()
    try:
        chosen = profiles.find(wanted, known)
    except UsageError as error:
        if by is not None:
            raise
        return replace(run, problems=[*run.problems, Problem("profile", f"the run is for a profile that there is no more: {error}")])
    return replace(run, claims=[claims.judge(one, run.results, known, catalogue.skip_causes()) for one in chosen])


def run_for(seen: journal.Journal) -> list[str]:
    """The profiles that a run was begun for."""
    options = next((entry.options for entry in seen.entries if isinstance(entry, journal.RunEntry)), {})
    named = options.get("profile", [])
    return [name for name in named if isinstance(name, str)] if isinstance(named, list) else []


def write_all(run_dir: Path, waivers: Path | None, today: date, by: Sequence[str] | None = None) -> Run:
    """Judges as `judged` does and writes results.json, results.ktap and results.xml beside the journal.

    Each file is replaced as a whole or not at all. Raises what `judged` raises, ReportError (a report can't be written) or
    build.SchemaError (an error of this program; nothing written).
    """
    run = judged(run_dir, waivers, today, by)
    for name, text in texts(run).items():
        _replace(run_dir / name, text)
    return run


def texts(run: Run) -> dict[str, str]:
    """The reports of a judged run by the names of their files. Raises build.SchemaError."""
    return {
        "results.json": build.dump(build.build(run, exit_code(run))),
        "results.ktap": ktap.render(run),
        "results.xml": junit.render(run),
    }


def _replace(path: Path, text: str) -> None:
    try:
        files.replace(path, text)
    except OSError as error:
        raise ReportError(
            f"{path}: cannot write the report: {error.strerror}; the journal is kept, "
            f"'iommu-cts report {path.parent.name}' makes the reports from it"
        ) from None
