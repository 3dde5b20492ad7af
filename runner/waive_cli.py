# SPDX-License-Identifier: GPL-2.0-only
"""The options of `iommu-cts waive`."""

import argparse
from datetime import date
from pathlib import Path

from lab.errors import UsageError
from results import waive
from runner import run as running

Commands = argparse._SubParsersAction


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2027-03-31") from None


def add_waive(commands: "Commands[argparse.ArgumentParser]") -> None:
    """`iommu-cts waive`."""
    one = commands.add_parser("waive", help="append a failure that a kept run has to the waiver file: from then on it is known")
    one.add_argument("run", metavar="RUN", help="a folder, or a name in results/runs/")
    one.add_argument("test", metavar="TEST", help="as the summary has it, such as access/opens/fd@0000:01:00.0; without the device: on all")
    one.add_argument("--reason", required=True, metavar="TEXT", help="what is known, in a sentence")
    one.add_argument("--url", required=True, metavar="URL", help="where it is discussed")
    one.add_argument("--expires", required=True, type=_date, metavar="DATE", help="the last day on which it holds, such as 2027-03-31")
    one.add_argument("--owner", metavar="NAME", help="who looks after it")
    one.add_argument("--kernels", metavar="RANGE", help="such as '>=7.3, <7.4' (default: the release that ran)")
    one.add_argument("--waivers", type=Path, default=running.WAIVERS, metavar="FILE", help="the file (default: waivers.toml)")
    one.add_argument("--dry-run", action="store_true", help="only print the entry")
    one.set_defaults(call=run)


def run(arguments: argparse.Namespace) -> int:
    """Appends the entry and prints it."""
    today = date.today()
    if arguments.expires < today:
        raise UsageError(f"--expires {arguments.expires}: that day is over")
    wanted = waive.Wanted(
        arguments.test, arguments.reason, arguments.url, arguments.expires, arguments.owner, arguments.kernels,
    )  # fmt: skip
    print(waive.add(running.find_folder(arguments.run), arguments.waivers, wanted, today, arguments.dry_run), end="")
    return 0
