# SPDX-License-Identifier: GPL-2.0-only
"""`iommu-cts waive`: an entry of the waiver file made from a failure that a kept run has, and shown to cover that and nothing else."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from lab.errors import UsageError
from results import files, report, waivers
from results.model import Result, Run, Verdict
from results.text import one_line


@dataclass(frozen=True)
class Wanted:
    """What the user says of the failure. `test` is a path (on every device) or an id (on one); `kernel` None: the release that ran."""

    test: str
    reason: str
    url: str
    expires: date
    owner: str | None = None
    kernel: str | None = None


def _failures(run: Run, test: str) -> list[Result]:
    """The unknown failures that are meant. UsageError if there are none."""
    named = [one for one in run.results if test in (one.id, one.path)]
    if not named:
        raise UsageError(f"{test}: {run.id} has no such test; write it as the run's summary does, with its device or without")
    failed = [one for one in named if one.verdict is Verdict.FAIL]
    if not failed:
        raise UsageError(f"{test}: it did not fail in {run.id}, but came to {', '.join(sorted({one.verdict.value for one in named}))}")
    unknown = [one for one in failed if one.waived is None]
    if not unknown:
        raise UsageError(f"{test}: its failure is known already: {one_line(failed[0].waived.reason if failed[0].waived else '')}")
    return unknown


def _quoted(text: str) -> str:
    """A string of TOML, in one line."""
    return json.dumps(one_line(text), ensure_ascii=False)


def entry(run: Run, wanted: Wanted, failed: list[Result]) -> str:
    """The text of the entry."""
    shows = sorted({code for one in failed for code in one.shown} - {waivers.ASSERTION})
    lines = ["[[waiver]]", f"test = {_quoted(wanted.test)}", f"host = {_quoted(run.host)}"]
    kernel = wanted.kernel or run.kernel
    lines += [f"kernel = {_quoted(kernel)}"] if kernel else []
    lines += [f"owner = {_quoted(wanted.owner)}"] if wanted.owner else []
    lines += [f"reason = {_quoted(wanted.reason)}", f"url = {_quoted(wanted.url)}", f"expires = {wanted.expires.isoformat()}"]
    lines += [f"shows = {json.dumps(shows)}"] if shows else []
    return "\n".join(lines) + "\n"


def add(folder: Path, file: Path, wanted: Wanted, today: date, dry_run: bool) -> str:
    """Appends the entry to the file, of which nothing else changes, and returns it; with `dry_run` only returns it.

    UsageError if the test did not fail or is waived already, or if the file with the entry would not make just this failure a known one.
    """
    before = report.judged(folder, file if file.exists() else None, today, [])
    failed = _failures(before, wanted.test)
    text = entry(before, wanted, failed)
    try:
        old = file.read_text("utf-8") if file.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: can't be read: {error}") from error
    new = old + ("" if not old or old.endswith("\n") else "\n") + ("\n" if old else "") + text
    with tempfile.TemporaryDirectory() as work:
        draft = Path(work) / file.name
        draft.write_text(new, "utf-8")
        after = report.judged(folder, draft, today, [])
    _check(before, after, failed)
    if not dry_run:
        files.write_named("--waivers", file, new)
    return text


def _check(before: Run, after: Run, failed: list[Result]) -> None:
    """Does the entry cover these failures, and nothing else, and is the file as sound as before?"""
    problems = [problem.text for problem in after.problems if problem not in before.problems]
    if problems:
        raise UsageError(f"with the entry the file would be wrong: {one_line(problems[0])}")
    known = {one.id for one in before.results if one.waived}
    covered = {one.id for one in after.results if one.waived} - known
    wanted = {one.id for one in failed}
    if covered != wanted:
        different = ", ".join(sorted(covered ^ wanted)[:3])
        raise UsageError(f"the entry would not make just this failure a known one; the difference is {different}")
