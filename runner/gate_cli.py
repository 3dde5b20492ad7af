# SPDX-License-Identifier: GPL-2.0-only
"""`iommu-cts gate`: may this kernel ship? (docs/gate.md)"""

import argparse
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from rich.console import Console

from lab.errors import UsageError
from results import bench, files, gate, kcidb, report, sides, store
from results.gate import Kept, Performance
from results.model import Run
from runner import run as running

EXIT_CODES = """exit codes:
  0    the gate is open
  1    it is closed: a test fails that did not, coverage was lost, or a change went beyond a --fail-on
  2    wrong usage, or runs that can't be compared
  3    nothing closes it, but the lab failed or a --fail-on can't be judged: nobody knows whether it is open
  130  interrupted
"""

Commands = argparse._SubParsersAction


def add_gate(commands: "Commands[argparse.ArgumentParser]", console: Callable[[], Console]) -> None:
    """`iommu-cts gate`; `console` is for the terminal."""
    one = commands.add_parser(
        "gate", help="say whether a kernel is worse than another, and let it through or not", epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    for name, what in (("--baseline", "what is known to be good"), ("--candidate", "what is to be let through")):
        one.add_argument(
            name, action="append", required=True, metavar="RUN",
            help=f"{what}: a run, by folder or name in results/runs/, or a bench, or one of each (given twice)",
        )  # fmt: skip
    one.add_argument(
        "--history", action="append", default=[], metavar="RUN|FILE",
        help="another run, or a file that `iommu-cts history` keeps, such as history.sqlite: a test whose verdict differs between runs "
        "of one host, build of a kernel and suite is marked flaky (may be given several times)",
    )  # fmt: skip
    one.add_argument(
        "--fail-on", action="append", default=[], metavar="'PATTERN > N%'",
        help="as for compare, of the benches (may be given several times)",
    )  # fmt: skip
    one.add_argument(
        "--waivers", type=Path, default=running.WAIVERS, metavar="FILE", help="known failures, of both runs (default: waivers.toml)"
    )
    for name, what in (("markdown", "Markdown, for the summary of a merge request"), ("junit", "JUnit XML"), ("ktap", "KTAP")):
        one.add_argument(f"--{name}", type=Path, metavar="FILE", help=f"write it as {what} too")
    one.add_argument("--kcidb", type=Path, metavar="FILE", help="write the candidate's run as a submission to KCIDB")
    one.add_argument("--origin", metavar="NAME", help=f"whose submission that is (default: ${kcidb.ORIGIN})")
    one.set_defaults(call=lambda arguments: run(arguments, console()))


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Judges, prints and writes; returns the exit code."""
    from results import gate_reports, gate_words  # they take numpy with them, which is slow to load

    before, after = _operands("--baseline", arguments.baseline), _operands("--candidate", arguments.candidate)
    for mine, others, name in ((before, after, "--baseline"), (after, before, "--candidate")):
        for kind in mine.keys() - others.keys():
            raise UsageError(f"{name} {mine[kind]}: it is a {kind}, and there is none to compare it with")
    submitter = kcidb.origin(arguments.origin) if arguments.kcidb else ""
    if arguments.kcidb and "run" not in after:
        raise UsageError("--kcidb: there is no run to submit; name one with --baseline and one with --candidate")
    performance = _performance(before.get("bench"), after.get("bench"), arguments.fail_on)
    if "run" in before:
        old, new = (_judged(one["run"], arguments.waivers) for one in (before, after))
        baseline, candidate = gate.of_run(old), gate.of_run(new)
        if arguments.kcidb:
            files.write_named("--kcidb", arguments.kcidb, kcidb.render(new, submitter))
    else:
        baseline, candidate = (gate.together(gate.of_side(sides.load(one["bench"]))) for one in (before, after))
    before_that = [kept for name in arguments.history for kept in _history(name, arguments.waivers, baseline, candidate)]
    found = gate.judge(baseline, candidate, before_that, performance)
    for option, path, text in (
        ("--markdown", arguments.markdown, gate_words.markdown), ("--junit", arguments.junit, gate_reports.junit),
        ("--ktap", arguments.ktap, gate_reports.ktap),
    ):  # fmt: skip
        if path is not None:
            files.write_named(option, path, text(found))
    gate_words.print_gate(found, console)
    return found.code


def _operands(option: str, names: Sequence[str]) -> dict[str, str]:
    """A run, a bench or one of each, by what they are."""
    found: dict[str, str] = {}
    for name in names:
        kind = "bench" if name != "last" and bench.find(name) is not None else "run"
        if kind in found:
            raise UsageError(f"{option} {name}: a second {kind}; give a run, a bench, or one of each")
        found[kind] = name
    return found


def _judged(name: str, waivers: Path) -> Run:
    """A kept run, judged now: both sides by the same waivers."""
    return report.judged(running.find_folder(name), running.existing(waivers), date.today(), [])


def _history(name: str, waivers: Path, baseline: Kept, candidate: Kept) -> list[Kept]:
    """A run; or of a history what it has on the grounds of these two, no more: it may have thousands of runs."""
    file = next((path for path in (Path(name), running.RUNS / name) if path.is_file()), None)
    if file is None:
        try:
            running.find_folder(name)
        except UsageError as error:
            raise UsageError(f"--history {error}, nor a file that `iommu-cts history` keeps") from error
        return [gate.of_run(_judged(name, waivers))]
    with store.opened(file) as connection:
        return [kept for one in {kept.ground: kept for kept in (baseline, candidate)}.values() for kept in gate.of_store(connection, one)]


def _performance(old: str | None, new: str | None, limits: Sequence[str]) -> Performance | None:
    from results import calibration, gates
    from results.compare import compare

    parsed = [gates.parse(text) for text in limits]
    if old is None or new is None:
        if parsed:
            raise UsageError(f"--fail-on {limits[0]!r}: that is for benches: name one with --baseline and one with --candidate")
        return None
    (compared,) = compare([sides.load(old), sides.load(new)], False, calibration.find)
    return Performance(compared, gates.judge(parsed, compared))
