# SPDX-License-Identifier: GPL-2.0-only
"""`make check-again`: the same run again and again. Do the verdicts stay the same?

A test that changes its mind on one kernel is a defect, of the kernel or of the suite, whichever verdicts it changes between.
"""

import argparse
import sys
import time
from collections import defaultdict

from rich.console import Console

from lab import entry
from lab.errors import LabError
from results.model import Result, Run, Verdict
from runner import judge
from runner import run as running

RUNS = 5
RED = (Verdict.FAIL, Verdict.ERROR, Verdict.MISS)


def _said(result: Result) -> str:
    """What has to be the same each time: the verdict, and why where it is a skip or known."""
    if result.waived:
        return f"{result.verdict.value} (known)"
    if result.verdict is Verdict.SKIP and result.reason:
        return f"{result.verdict.value} {result.reason.code}"
    return result.verdict.value


def changes(runs: list[Run]) -> dict[str, list[str]]:
    """The tests that were not judged alike, with what was said of each in each run."""
    said: dict[str, list[str]] = defaultdict(list)
    for number, judged in enumerate(runs):
        for result in judged.results:
            row = said[result.id]
            row += ["(not planned)"] * (number - len(row)) + [_said(result)]
    for row in said.values():
        row += ["(not planned)"] * (len(runs) - len(row))
    return {test: row for test, row in said.items() if len(set(row)) > 1}


def main() -> int:
    """1 if verdicts changed, else the worst exit code of the runs."""
    parser = argparse.ArgumentParser(prog="make check-again", description=__doc__)
    parser.add_argument("--host", default="vtd", help="a virtual host (default: vtd)")
    parser.add_argument("--runs", type=int, default=RUNS, metavar="N", help=f"how often (default: {RUNS})")
    parser.add_argument("--time", type=int, default=0, metavar="S", help="as often as it is begun in so many seconds, instead")
    parser.add_argument("--select", action="append", default=[], metavar="PATTERN", help="only tests with such a path")
    arguments = parser.parse_args()
    options = running.Options(arguments.host, arguments.select)
    runs: list[Run] = []
    begun = time.monotonic()
    while time.monotonic() - begun < arguments.time if arguments.time else len(runs) < arguments.runs:
        _, judged = running.run(options)
        if judged.interrupted:
            raise KeyboardInterrupt
        runs.append(judged)
        red = [result.id for result in judged.results if result.verdict in RED and not result.waived]
        print(f"run {len(runs)}: {len(judged.results)} tests, {len(red)} red {' '.join(red[:4])}".rstrip(), flush=True)
    if not runs:
        raise LabError("nothing was run")
    changed = changes(runs)
    console = Console(highlight=False, soft_wrap=True)
    for test, row in sorted(changed.items()):
        console.print(f"{test}: {', '.join(row)}", markup=False)
    seconds = time.monotonic() - begun
    console.print(f"{len(runs)} runs of {len(runs[0].results)} tests in {seconds:.0f} s: {len(changed)} changed their verdict")
    return 1 if changed else max(judge.exit_code(judged) for judged in runs)


if __name__ == "__main__":
    sys.exit(entry.ending("make check-again", main, running.FAULTS))
