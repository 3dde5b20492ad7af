# SPDX-License-Identifier: GPL-2.0-only
"""`iommu-cts lava`, and `iommu-cts run` on hosts of a LAVA laboratory."""

import argparse
import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lab import host
from lab.errors import UsageError
from lab.lava.place import LOCAL
from lab.progress import say
from results import report, summary
from results.journal import Writer
from runner import judge
from runner import run as running
from runner.lava import fleet, glance, recipe
from runner.lava.campaign import Campaign
from runner.lava.local import LavaRun
from runner.lava.server import Service, connect
from runner.lava.start import FILES, begin, forget

Commands = argparse._SubParsersAction
Console_ = Callable[[], Console]

EXIT_CODES = """exit codes:
  0    every promise held (or is a known failure)
  1    at least one promise was broken
  2    wrong usage: nothing was submitted
  3    nothing was seen broken, but LAVA, the lab or the harness failed, or tests are missing, also because jobs still run
  130  interrupted; the jobs go on, and `iommu-cts lava wait RUN` with them
"""


def _service(folder: Path) -> Service:
    """Who has the jobs of a run, as its recipe says."""
    kept = recipe.read(folder)
    if kept.where.server != LOCAL:
        return connect(kept.where.server)
    return LavaRun(host.find(kept.host), folder / FILES)


@contextmanager
def _open(folder: Path, turn: fleet.Turn = contextlib.nullcontext) -> Iterator[Campaign]:
    recipe.read(folder)  # says better than the journal what is lacking
    with Writer(folder / "journal.jsonl", existing=True) as journal:
        with turn():
            campaign = Campaign(folder, journal, _service(folder), turn)
        yield campaign


def go_on(folder: Path, waiting: bool, turn: fleet.Turn = contextlib.nullcontext) -> fleet.Left:
    """Reads the jobs that are over, and submits what is left; until all is over, or once. Returns which jobs are still there. What keeps a
    processor busy is done in a `turn`."""
    with _open(folder, turn) as campaign:
        if campaign.ended:
            return fleet.Left()
        if waiting:
            campaign.reopen()
            campaign.wait(threading.Event())
        else:
            campaign.fetch()
            campaign.submit()
        campaign.end()
        if campaign.surprised:
            forget(campaign.recipe)
        if campaign.done and campaign.recipe.where.server == LOCAL:
            for path in (folder / FILES).glob("*-????????????????"):
                path.unlink()
        if campaign.pending:
            say(f"still there: {', '.join(f'job {share.id}' for share in campaign.pending)}; `iommu-cts lava wait {folder.name}`")
        return fleet.Left(sum(share.number not in campaign.faults for share in campaign.pending), campaign.unreachable)


def _many(folders: Sequence[Path], waivers: Path, console: Console, again: bool) -> int:
    """Goes on with several runs, once or until all are over."""

    def one(folder: Path, turn: fleet.Turn) -> fleet.Left:
        return glance.still_there(folder) or go_on(folder, False, turn)

    return fleet.go_on(folders, running.existing(waivers), one, console, again)


def _judged(folder: Path, waivers: Path, console: Console) -> int:
    judged = report.write_all(folder, running.existing(waivers), date.today())
    summary.print_summary(judged, console)
    return judge.exit_code(judged)


def run(options: running.Options, console: Console) -> int:
    """A whole run over LAVA, from the build to the verdicts; prints the summary and returns the exit code."""
    with running.interruptible():
        folder = begin(options, threading.Event())
        try:
            go_on(folder, True)
        except KeyboardInterrupt:
            say(f"the jobs go on; `iommu-cts lava wait {folder.name}` goes on with them")
            raise
    return _judged(folder, options.waivers, console)


def _submit(arguments: argparse.Namespace) -> int:
    options = running.Options(
        arguments.host, arguments.select, list(dict.fromkeys(arguments.device)), arguments.kernel, arguments.modules,
        timeout_scale=arguments.timeout_scale, waivers=arguments.waivers, profile=list(dict.fromkeys(arguments.profile)),
    )  # fmt: skip
    where = host.find(options.host).lava
    if where is None:
        raise UsageError(f"--host {options.host} is no host of LAVA's: its description has no table [lava]")
    if where.server == LOCAL:
        raise UsageError(f"--host {options.host} has no server to submit to: `iommu-cts run --host {options.host}`")
    with running.interruptible():
        folder = begin(options, threading.Event())
        with _open(folder) as campaign:
            campaign.submit()
    print(folder.name)
    return 0


def _go_on(arguments: argparse.Namespace, console: Console_) -> int:
    folders = list({folder.resolve(): folder for folder in map(running.find_folder, arguments.run)}.values())
    with running.interruptible():
        if len(folders) > 1:
            return _many(folders, arguments.waivers, console(), arguments.waiting)
        go_on(folders[0], arguments.waiting)
    return _judged(folders[0], arguments.waivers, console())


def _status(arguments: argparse.Namespace, console: Console_) -> int:
    folder = running.find_folder(arguments.run)
    with _open(folder) as campaign:
        jobs = campaign.states()
    table = Table(box=None, header_style="bold")
    for heading in ("share", "tests", "over", "jobs", "job", "state", "health", "device"):
        table.add_column(heading)
    for share in campaign.shares:
        job = jobs[share.number]
        tests = len(campaign.recipe.parts[share.number - 1].tests)
        words = [job.id, job.state, job.health, job.device or ""] if job else ["", "closed" if share.closed else "", "", ""]
        table.add_row(str(share.number), str(tests), str(share.next), str(share.jobs), *words)
    console().print(table, markup=False)
    return 0


def add_parser(commands: "Commands[argparse.ArgumentParser]", console: Console_, of_run: Callable[[argparse.ArgumentParser], None]) -> None:
    """`iommu-cts lava`; `console` is for tables, `of_run` adds the options that say what is run where."""
    lava = commands.add_parser("lava", help="runs as jobs of a LAVA server")
    actions = lava.add_subparsers(required=True, metavar="ACTION")
    submit = actions.add_parser(
        "submit", help="make the jobs of a run and submit them; prints the run's name last", epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    submit.add_argument("--host", required=True, help="one with target = \"lava\", by name or as a .toml file")
    of_run(submit)
    submit.set_defaults(call=_submit)
    for name, waiting, text in (
        ("wait", True, "follow the jobs of runs, submit what each leaves over, and judge when all is over"),
        ("fetch", False, "read the jobs that are over, submit what they leave over, and judge what there is"),
    ):
        one = actions.add_parser(name, help=text, epilog=EXIT_CODES, formatter_class=argparse.RawDescriptionHelpFormatter)
        one.set_defaults(call=lambda arguments: _go_on(arguments, console), waiting=waiting)
        one.add_argument("--waivers", type=Path, default=running.WAIVERS, metavar="FILE", help="known failures (default: waivers.toml)")
        one.add_argument(
            "run", nargs="*", default=["last"], metavar="RUN", help="folders, or names in results/runs/ (default: the newest)"
        )
    status = actions.add_parser("status", help="show the jobs of a run, and how far they are")
    status.add_argument("run", nargs="?", default="last", metavar="RUN", help="a folder, or a name in results/runs/ (default: the newest)")
    status.set_defaults(call=lambda arguments: _status(arguments, console))
