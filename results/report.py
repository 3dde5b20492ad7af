# SPDX-License-Identifier: GPL-2.0-only
"""Makes the reports of a run again from its journal."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date
from pathlib import Path

from results import build, journal, junit, ktap, waivers as waiver_file
from results.model import Run
from runner.catalogue import skip_codes
from runner.judge import exit_code, judge


class ReportError(Exception):
    """A report can't be written; the text names the file and the way out."""


def write_all(run_dir: Path, waivers: Path | None, today: date) -> Run:
    """Judges run_dir/journal.jsonl and writes results.json, results.ktap and results.xml beside it.

    Each file is replaced as a whole or not at all. What is wrong with lines of the journal or with the waiver
    file is a problem of the run, not an exception. Raises JournalError (the journal can't be read),
    ReportError (a report can't be written) or build.SchemaError (an error of this program; nothing written).
    """
    seen = journal.read(run_dir / "journal.jsonl")
    file = waiver_file.load(waivers) if waivers is not None else waiver_file.WaiverFile()
    run = replace(judge(seen, file, skip_codes(), today), directory=run_dir)
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
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, "utf-8")
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ReportError(
            f"{path}: cannot write the report: {error.strerror}; the journal is kept, "
            f"'iommu-cts report {path.parent.name}' makes the reports from it"
        ) from None
