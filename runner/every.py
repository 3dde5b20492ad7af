# SPDX-License-Identifier: GPL-2.0-only
"""`iommu-cts run --host A,B` or `--host all`: the same on several hosts, or on every virtual one, one after the other."""

import dataclasses
import sys
import time
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from lab import entry, host
from lab.errors import LabError, UsageError
from results import summary
from results.model import COUNTS, Run, counts
from runner import judge
from runner import run as running

ALL = "all"
# From good to bad: a promise that was broken is worse than a host of which nothing is known.
_RANK = (judge.EXIT_OK, judge.EXIT_LAB, judge.EXIT_BROKEN, judge.EXIT_INTERRUPTED)


@dataclasses.dataclass(frozen=True)
class Visit:
    """One host: what its run was judged to be, None if it could not be run, and how long all of it took, builds and all."""

    host: str
    code: int
    seconds: float
    judged: Run | None


def named(hosts: str) -> list[str]:
    """The hosts that --host names. UsageError, before anything is built, if one of several is not there."""
    if hosts == ALL:
        return host.virtual()
    names = list(dict.fromkeys(hosts.split(",")))
    if len(names) > 1:
        for name in names:
            host.find(name)
    return names


def worst(codes: Iterable[int]) -> int:
    """The exit code of several runs together."""
    return max(codes, key=_RANK.index)


def _visit(options: running.Options, console: Console) -> Visit:
    begun = time.monotonic()
    judged = None
    try:
        _, judged = running.run(options)
    except UsageError:
        raise
    except (LabError, *entry.SYSTEM) as error:
        print(f"iommu-cts: host {options.host}: {error}", file=sys.stderr)
    else:
        summary.print_summary(judged, console)
        console.print()
    code = judge.EXIT_LAB if judged is None else judge.exit_code(judged)
    return Visit(options.host, code, time.monotonic() - begun, judged)


def _print(visits: list[Visit], console: Console) -> None:
    table = Table(box=None, header_style="bold")
    table.add_column("host")
    for heading in (*COUNTS, "seconds", "exit"):
        table.add_column(heading, justify="right")
    for visit in visits:
        found = counts(visit.judged.results) if visit.judged else {}
        cells = [str(found[row]) if found.get(row) else "." for row in COUNTS]
        table.add_row(visit.host, *cells, f"{visit.seconds:.0f}", str(visit.code))
    console.print(table)
    console.print(f"{len(visits)} hosts in {sum(visit.seconds for visit in visits):.0f} s", highlight=False)


def run(options: running.Options, names: Sequence[str], console: Console) -> int:
    """One run on each of the hosts; prints each summary and all of them side by side, and returns the worst exit code.

    A host that can't be run does not keep the others from it. UsageError if the command line is for one host alone.
    """
    for given, name in ((options.device, "--device"), (options.kernel, "--kernel"), (options.modules, "--modules")):
        if given:
            raise UsageError(f"{name} is for one host: not every host has what it names")
    visits: list[Visit] = []
    for name in names:
        visits.append(_visit(dataclasses.replace(options, host=name), console))
        if visits[-1].code == judge.EXIT_INTERRUPTED:
            break
    _print(visits, console)
    return worst(visit.code for visit in visits)
