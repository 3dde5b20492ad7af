# SPDX-License-Identifier: GPL-2.0-only
"""Verdicts: a journal, waivers and today's date in, a Run out. Pure: the same journal gives the same Run."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import AbstractSet

from results import waivers as w
from results.journal import Journal, PlannedTest
from results.model import INCOMPLETE, NOT_HELD, Problem, Reason, Result, Run, Verdict
from runner.collect import collect
from runner.verdict import bad_skip, blank, judge_attempt

EXIT_OK = 0
EXIT_BROKEN = 1
EXIT_LAB = 3
EXIT_INTERRUPTED = 130

_RANK = {Verdict.FAIL: 2, Verdict.ERROR: 1}


def exit_code(run: Run) -> int:
    """The exit code of the command, as in docs/results.md."""
    if run.interrupted:
        return EXIT_INTERRUPTED
    claims = {claim.verdict for claim in run.claims}
    if NOT_HELD in claims or any(result.verdict is Verdict.FAIL and result.waived is None for result in run.results):
        return EXIT_BROKEN
    if INCOMPLETE in claims or run.problems or any(result.verdict in (Verdict.ERROR, Verdict.MISS) for result in run.results):
        return EXIT_LAB
    return EXIT_OK


def judge(journal: Journal, waivers: w.WaiverFile, skip_codes: AbstractSet[str], today: date) -> Run:
    """Judges a run. `skip_codes` are the codes of lib/skip_reasons.def; any other makes a skip an ERROR."""
    seen = collect(journal)
    problems = list(seen.problems)
    if not seen.plan:
        problems.append(Problem("plan", "no test was planned, so nothing was seen"))
    results = []
    for test in seen.plan:
        judged = []
        attempts = seen.attempts.get(test.id, [])
        for attempt in attempts:
            result, marks = judge_attempt(test, attempt, seen, skip_codes)
            problems += marks
            # One that ended with its runner shows what the kernel did until then, and nothing else.
            if not attempt.abandoned or result.verdict is Verdict.FAIL or attempt is attempts[-1]:
                judged.append(result)
        results.append(_worst(judged) if judged else _never_ran(test, skip_codes))
    run = Run(
        id=seen.run.id if seen.run else "unknown",
        host=seen.run.host if seen.run else "unknown",
        command=seen.run.command if seen.run else [],
        suite=seen.run.suite if seen.run else {},
        environment=seen.environment,
        started=seen.run.t if seen.run else None,
        finished=seen.last,
        complete=seen.end is not None and seen.end.why == "finished" and not journal.torn,
        interrupted=seen.end is not None and seen.end.why == "interrupted",
        boots=seen.boots,
        kernel=seen.kernel,
        drivers=seen.drivers,
        results=results,
        problems=problems,
    )
    return w.apply(run, waivers, seen.unselected, today)


def _never_ran(test: PlannedTest, skip_codes: AbstractSet[str]) -> Result:
    if test.skip is None:
        return blank(test, Verdict.MISS, Reason("never-ran", "the run ended before it"))
    if test.skip.code not in skip_codes:
        return blank(test, Verdict.ERROR, bad_skip(test.skip.code, test.skip.text))
    return blank(test, Verdict.SKIP, Reason(test.skip.code, test.skip.text))


def _worst(results: list[Result]) -> Result:
    """Nothing is retried into green: a FAIL wins, then an ERROR, then the last attempt."""
    worst = max(reversed(results), key=lambda result: _RANK.get(result.verdict, 0))
    if len(results) == 1:
        return worst
    verdicts = ", ".join(result.verdict.value for result in results)
    note = f"started {len(results)} times ({verdicts}); the worst counts"
    return replace(worst, notes=[*worst.notes, note], shown=sorted({code for result in results for code in result.shown}))
