# SPDX-License-Identifier: GPL-2.0-only
"""`iommu-cts history`: kept runs in one file that can be asked what a test said, or what a row took, over kernels."""

import argparse
import gc
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lab.errors import LabError, UsageError
from results import history, store
from results.sides import REPORT
from results.text import printable
from runner import run as running

Commands = argparse._SubParsersAction
EXIT_LAB = 3
BATCH = 200  # runs that are written together
FILE = "history.sqlite"

EXIT_CODES = """exit codes:
  0    it was shown, or all runs are in
  2    wrong usage, or a file that is no history
  3    the file can't be read or written, or some runs could not be read: the others are in
  130  interrupted; what was written is kept
"""


def add(commands: "Commands[argparse.ArgumentParser]", console: Callable[[], Console]) -> None:
    """Adds the command with its actions; `console` is for tables."""
    top = _parser(commands, "history", "keep runs in one file, and ask what tests said and rows took over kernels")
    top.add_argument("--since", default="", metavar="DATE", help="only runs that began then or later, such as 2026-11-23")
    top.add_argument("--until", default="9999", metavar="DATE", help="only runs that began before")
    top.add_argument("--limit", type=_number, default=30, metavar="N", help="the newest N (default: 30)")
    _filters(top)
    top.set_defaults(call=lambda arguments: _list(arguments, console()))
    actions = top.add_subparsers(metavar="ACTION")

    put = _parser(actions, "import", "put runs in; those that are in and have not changed are passed over")
    put.add_argument("run", nargs="+", metavar="RUN|DIR", help="a run, by folder or name in results/runs/, or a folder of runs")
    put.set_defaults(call=_import)

    test = _parser(actions, "test", "what tests said, by host and kernel")
    test.add_argument("pattern", metavar="PATTERN", help="a test, with or without its device, or a pattern such as 'access/*'")
    _filters(test)
    test.set_defaults(call=lambda arguments: _test(arguments, console()))

    row = _parser(actions, "row", "what measured rows took, by host and kernel")
    row.add_argument("measure", nargs="+", metavar="MEASURE", help="a row as `iommu-cts compare` has it, a pattern, or just `map`")
    _filters(row)
    row.set_defaults(call=lambda arguments: _row(arguments, console()))

    flaky = _parser(actions, "flaky", "tests that held and broke on the same kernel with the same suite")
    flaky.add_argument("--last", type=_number, default=100, metavar="N", help="of the newest N runs of each host (default: 100)")
    flaky.add_argument("--host", default="*", metavar="PATTERN", help="only hosts of such a name")
    flaky.set_defaults(call=lambda arguments: _flaky(arguments, console()))


def _parser(commands: "Commands[argparse.ArgumentParser]", name: str, text: str) -> argparse.ArgumentParser:
    one = commands.add_parser(name, help=text, epilog=EXIT_CODES, formatter_class=argparse.RawDescriptionHelpFormatter)
    # Of an action it must not undo what stands before the action.
    default = argparse.SUPPRESS if name != "history" else None
    one.add_argument("--db", type=Path, metavar="FILE", default=default, help=f"the file (default: {FILE} beside the runs)")
    return one


def _filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="*", metavar="PATTERN", help="only hosts of such a name")
    parser.add_argument("--kernel", default="*", metavar="PATTERN", help="only kernels of such a release, e.g. '7.3*'")


def _number(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of runs")
    return int(text)


def default_file() -> Path:
    """Where the history is unless --db names another file."""
    return running.RUNS / FILE


def _path(arguments: argparse.Namespace) -> Path:
    return arguments.db or default_file()


def _folders(names: Sequence[str]) -> Iterator[Path]:
    """The runs that are named, or lie below a folder that is, each once. UsageError where there is none."""
    seen = set()
    for name in names:
        given = next((path for path in (Path(name), running.RUNS / name) if path.is_dir()), None)
        found = sorted(path.parent for path in given.rglob(REPORT) if path.is_file()) if given else []
        if not found:
            where = f"{name}: no folder, here or in {running.RUNS}, with a {REPORT} in it or below"
            raise UsageError(f"{where}; `iommu-cts report RUN` makes that of a run")
        for folder in found:
            if (real := folder.resolve()) not in seen:
                seen.add(real)
                yield real


def _import(arguments: argparse.Namespace) -> int:
    path, folders = _path(arguments), list(_folders(arguments.run))
    counts = {"new or changed": 0, "as they were": 0, "could not be read": 0}
    batch: list[store.Record] = []
    # What is read makes no cycles; to look for some takes a third of the time.
    gc.disable()
    try:
        with store.opened(path, create=True) as connection:
            known = store.stamps(connection)
            for folder in folders:
                try:
                    if known.get(str(folder)) == store.stamp(folder):
                        counts["as they were"] += 1
                        continue
                    batch.append(store.read(folder))
                except (LabError, OSError) as error:
                    counts["could not be read"] += 1
                    print(f"iommu-cts: {error}", file=sys.stderr)
                if len(batch) >= BATCH:
                    counts["new or changed"] += _written(connection, batch)
            counts["new or changed"] += _written(connection, batch)
    finally:
        gc.enable()
        print(f"{path}: " + ", ".join(f"{number} {what}" for what, number in counts.items() if number or what == "new or changed"))
    return EXIT_LAB if counts["could not be read"] else 0


def _written(connection: store.Connection, batch: list[store.Record]) -> int:
    store.write(connection, batch)
    number = len(batch)
    batch.clear()
    return number


def _list(arguments: argparse.Namespace, console: Console) -> int:
    with store.opened(_path(arguments)) as connection:
        found = history.runs(connection, arguments.host, arguments.kernel, arguments.since, arguments.until, arguments.limit)
    table = _table(["run", "host", "kernel", "suite", "began"], [word.lower() for word in store.WORDS])
    for one in found:
        numbers = [str(one.counts[word] or ".") for word in store.WORDS]
        table.add_row(*_texts(one.name, one.host, one.kernel, one.suite, _day(one.began)), *numbers)
    console.print(table)
    console.print(f"{len(found)} runs")
    return 0


def _test(arguments: argparse.Namespace, console: Console) -> int:
    with store.opened(_path(arguments)) as connection:
        found = history.tests(connection, arguments.pattern, arguments.host, arguments.kernel)
    table = _table(["test", "host", "kernel", "said", "last"], [])
    for one in found:
        table.add_row(*_texts(one.test, one.host, one.kernel, _said(one.counts), _day(one.last)))
    console.print(table if found else f"no run that is in has a test {arguments.pattern!r} on such a host and kernel", markup=False)
    return 0


def _row(arguments: argparse.Namespace, console: Console) -> int:
    with store.opened(_path(arguments)) as connection:
        asked = [(_glob(name), arguments.host, arguments.kernel) for name in arguments.measure]
        found = [point for one in asked for point in history.measured(connection, *one)]
    table = _table(["row", "host", "in", "kernel"], ["runs", "median", "lowest", "highest", "min", "change"])
    for one in dict.fromkeys(found):
        numbers = [_figure(value) for value in (one.median, one.low, one.high, one.minimum)]
        change = "" if one.change is None else f"{100 * one.change:+.2f} %"
        table.add_row(*_texts(one.row, one.host, _unit(one), one.kernel), str(one.runs), *numbers, change)
    console.print(table if found else "no run that is in has measured such a row; `iommu-cts compare` shows what they are called")
    return 0


def _flaky(arguments: argparse.Namespace, console: Console) -> int:
    with store.opened(_path(arguments)) as connection:
        found = history.wavering(connection, arguments.host, arguments.last)
    table = _table(["test", "host", "kernel", "suite", "said", "last"], [])
    for one in found:
        table.add_row(*_texts(one.test, one.host, one.kernel, one.suite, _said(one.counts), _day(one.last)))
    console.print(table if found else "no test held and broke on the same kernel with the same suite")
    return 0


def _glob(name: str) -> str:
    """A bare measure stands for all its rows."""
    return name if any(sign in name for sign in ":*?[") else f"*:{name}[ ]*"


def _table(names: Sequence[str], numbers: Sequence[str]) -> Table:
    table = Table(box=None, header_style="bold")
    for name in names:
        table.add_column(name, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def _texts(*texts: str) -> list[Text]:
    return [Text(printable(text)) for text in texts]


def _said(counts: dict[str, int]) -> str:
    return ", ".join(f"{counts[word]} {word}" for word in store.WORDS if counts.get(word))


def _day(began: str) -> str:
    return began[:16].replace("T", " ")


def _unit(point: history.Point) -> str:
    return "instructions" if point.mode == "instructions" and point.unit == "ns" else point.unit


def _figure(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
