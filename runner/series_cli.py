# SPDX-License-Identifier: GPL-2.0-only
"""The options of the commands that work on revisions of a kernel repository."""

import argparse
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from runner import bench, bisect, series

Commands = argparse._SubParsersAction


def add_series(commands: "Commands[argparse.ArgumentParser]", boots: Callable[[str], int], console: Callable[[], Console]) -> None:
    """`iommu-cts series`; `boots` reads a number of boots, `console` is for tables."""
    one = commands.add_parser(
        "series", help="build, test and measure revisions of a kernel repository, and compare them", epilog=series.EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    one.add_argument("--ksrc", type=Path, metavar="DIR", help="a git repository of a kernel; it is only read")
    one.add_argument(
        "--revs", metavar="REV,REV", help="commits, by any name that git knows; each is compared with the first, and need not follow it"
    )
    one.add_argument("--host", help=f"a virtual host that `iommu-cts hosts` shows, or a .toml file (default: {series.HOST})")
    one.add_argument(
        "--select", action="append", default=[], metavar="PATTERN",
        help=f"tests that say whether promises are kept; {series.NONE}: no test (default: {' '.join(series.SELECT)})",
    )  # fmt: skip
    one.add_argument(
        "--bench", action="append", default=[], metavar="PATTERN",
        help=f"what is measured; {series.NONE}: nothing (default: {' '.join(bench.TESTS)})",
    )  # fmt: skip
    one.add_argument("--boots", type=boots, metavar="N", help=f"of each revision, to measure it (default: {bench.BOOTS_COUNTED})")
    one.add_argument("--dry-run", action="store_true", help="only show what would be built and run")
    one.add_argument(
        "--resume", metavar="NAME", nargs="?", const="last",
        help="go on with a series that was stopped, or show it again: a folder, or a name in results/series/ (default: the newest)",
    )  # fmt: skip
    one.set_defaults(call=lambda arguments: series.run(arguments, console()))


def add_bisect(commands: "Commands[argparse.ArgumentParser]", console: Callable[[], Console]) -> None:
    """`iommu-cts bisect`; `console` is for tables."""
    one = commands.add_parser(
        "bisect", help="find the commit with which a test or a measured row changes", epilog=bisect.EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    one.add_argument("--ksrc", type=Path, required=True, metavar="DIR", help="a git repository of a kernel; it is only read")
    one.add_argument("--good", required=True, metavar="REV", help="a commit before the change, by any name that git knows")
    one.add_argument("--bad", required=True, metavar="REV", help="one with the change")
    which = one.add_mutually_exclusive_group(required=True)
    which.add_argument("--test", metavar="ID", help="as results have it, such as access/opens/fd@0000:01:00.0; or its path, on all devices")
    which.add_argument("--row", metavar="ROW", help="as `iommu-cts bench` prints it, or a pattern: then all rows that match have to change")
    one.add_argument(
        "--threshold", type=bisect.threshold, metavar="N%", help="a row is bad that takes more by that than in the good commit; -N%%: less"
    )
    one.add_argument("--host", default=series.HOST, help=f"a virtual host, or a .toml file (default: {series.HOST})")
    one.set_defaults(call=lambda arguments: bisect.run(arguments, console()))
