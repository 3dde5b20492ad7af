# SPDX-License-Identifier: GPL-2.0-only
"""`iommu-cts report`: kept runs judged again, and shown: as a summary, and all together as a page."""

import argparse
from collections.abc import Callable
from datetime import date
from pathlib import Path

from rich.console import Console

from lab.errors import UsageError
from results import files, histogram, kcidb, report, sides, summary
from runner import every, judge
from runner import run as running

Commands = argparse._SubParsersAction


def add(commands: "Commands[argparse.ArgumentParser]", codes: str, console: Callable[[], Console]) -> None:
    """Adds the command; `codes` are the exit codes of a run, `console` is for tables."""
    one = commands.add_parser(
        "report", help="judge kept runs again, write their reports anew, and show them", epilog=codes,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    one.add_argument(
        "run", nargs="*", metavar="RUN",
        help="a folder, or a name in results/runs/ (default: the newest); with --html also a bench, or a series alone",
    )  # fmt: skip
    one.add_argument("--waivers", type=Path, default=running.WAIVERS, metavar="FILE", help="known failures (default: waivers.toml)")
    one.add_argument(
        "--profile", action="append", metavar="NAME",
        help="say whether such a claim is held (may be given several times; default: those that it was run for)",
    )  # fmt: skip
    one.add_argument(
        "--durations", nargs="?", type=_number, const=10, default=0, metavar="N", help="show the N tests that took longest (N: 10)"
    )
    one.add_argument("--kcidb", type=Path, metavar="FILE", help="write it as a submission to KCIDB too: of one run")
    one.add_argument("--origin", metavar="NAME", help=f"whose submission that is (default: ${kcidb.ORIGIN})")
    one.add_argument(
        "--histogram", metavar="PATTERN",
        help="show how the samples of these rows are distributed, of runs and benches, and nothing else: a measure such as 'map', or "
        "'PATH:MEASURE', with * and ?",
    )  # fmt: skip
    one.add_argument("--html", type=Path, metavar="FILE", help="also write all of it as one page, to be opened from disk (docs/report.md)")
    one.set_defaults(call=lambda arguments: run(arguments, console()))


def _number(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of tests; the run goes before --durations, or N between them")
    return int(text)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Judges and prints each run, writes the page, and returns the worst exit code of the runs."""
    names = arguments.run or ["last"]
    if arguments.histogram is not None:
        return _histogram(arguments)
    if arguments.kcidb and len(names) > 1:
        raise UsageError("--kcidb is for one run; name one alone")
    if arguments.html is None:
        return _judge(names, arguments, console)
    # Takes numpy and jinja2 with it, which are slow to load and needed nowhere else.
    from results.page import command, sources

    code = _judge([name for name in names if sources.is_run(name)], arguments, console)
    command.write(arguments.html, sources.of_names(names))
    console.print(f"page: {arguments.html}", soft_wrap=True, markup=False)
    return code


def _histogram(arguments: argparse.Namespace) -> int:
    """Prints the distribution of rows as they were measured."""
    if arguments.html or arguments.kcidb:
        raise UsageError("--histogram shows rows and writes no files: leave --html and --kcidb out")
    loaded = [sides.load(name) for name in arguments.run or ["last"]]
    print(histogram.render(loaded, arguments.histogram), end="")
    return judge.EXIT_OK


def _judge(names: list[str], arguments: argparse.Namespace, console: Console) -> int:
    waivers = running.existing(arguments.waivers)
    submitter = kcidb.origin(arguments.origin) if arguments.kcidb else ""
    codes = [judge.EXIT_OK]
    for folder in [running.find_folder(name) for name in names]:
        judged = report.write_all(folder, waivers, date.today(), arguments.profile)
        if arguments.kcidb:
            files.write_named("--kcidb", arguments.kcidb, kcidb.render(judged, submitter))
        summary.print_summary(judged, console, arguments.durations)
        codes.append(judge.exit_code(judged))
    return every.worst(codes)
