# SPDX-License-Identifier: GPL-2.0-only
"""The command line."""

import argparse
import json
import re
import sys
from pathlib import Path

from rich.table import Table

from lab import binaries, entry, host, ksrc, places
from lab.errors import UsageError
from results import summary
from runner import (
    bench, bundle_cli, catalogue, coverage, device_test, doctor, every, gate_cli, history_cli, judge, lab_cli, plan, profiles_page,
    real_host, report_cli, series_cli, suite, waive_cli,
)  # fmt: skip
from runner import options as op
from runner import run as running
from runner.lava import cli as lava

OF_THE_PLAN = ("host", "accel", "select", "profile", "device", "kernel", "modules", "timeout_scale", "fail_nth")

EXIT_CODES = """exit codes:
  0    every promise held (or is a known failure)
  1    at least one promise was broken, or a claim (--profile) is not held
  2    wrong usage: nothing was run
  3    nothing was seen broken, but the lab, the harness or the waiver file failed, tests are missing, or a claim is incomplete
  130  interrupted; what had run is kept
"""

COMPARE_CODES = """exit codes:
  0    the sides were compared
  1    a change went beyond a --fail-on
  2    wrong usage, or sides that must not be compared: nothing was compared
  3    rows in ERROR, or a --fail-on of which nobody knows whether it holds
  130  interrupted
"""

DOCTOR_CODES = """exit codes:
  0    tests can run, on the named functions if there are any
  1    something is lacking without which no test can run
  2    wrong usage: nothing was looked at
  3    the lab failed: the facts could not be had
  130  interrupted
"""


def _once(words: list[str]) -> list[str]:
    """Each word once, in order."""
    return list(dict.fromkeys(words))


def _run(arguments: argparse.Namespace) -> int:
    if arguments.resume is not None:
        fresh = vars(parser().parse_args(["run"]))
        given = [name for name in OF_THE_PLAN if vars(arguments)[name] != fresh[name]]
        if given:
            raise UsageError(f"--{given[0].replace('_', '-')} is not for --resume, which goes on with the run as it was begun")
    options = running.Options(
        arguments.host, arguments.select, _once(arguments.device), arguments.kernel, arguments.modules, arguments.accel,
        arguments.timeout_scale, arguments.waivers, jobs=arguments.jobs, max_failures=arguments.max_failures,
        fail_nth=arguments.fail_nth, survive_reboots=arguments.survive_reboots, profile=_once(arguments.profile),
    )  # fmt: skip
    if arguments.dry_run:
        if arguments.resume is not None:
            raise UsageError("--dry-run is not for --resume: it shows what a new run would change")
        return real_host.dry_run(arguments.host, options.device, op.wide_console())
    if arguments.resume is None:
        if arguments.host != every.ALL and "," not in arguments.host and host.find(arguments.host).lava:
            return lava.run(options, op.wide_console())
        names = every.named(arguments.host)
        if len(names) > 1:
            return every.run(options, names, op.wide_console())
        _, judged = running.run(options)
    else:
        _, judged = running.resume(arguments.resume, options)
    summary.print_summary(judged, op.wide_console())
    return judge.exit_code(judged)


def _device_test(arguments: argparse.Namespace) -> int:
    options = running.Options(
        arguments.host, select=[device_test.SELECT], device=_once(arguments.device), kernel=arguments.kernel, modules=arguments.modules,
        accel=arguments.accel,
    )  # fmt: skip
    folder, judged = running.run(options)
    found = device_test.devices(judged, folder)
    if arguments.json:
        print(device_test.as_json(found))
    else:
        device_test.print_tables(found, op.wide_console())
    for problem in judged.problems:
        print(f"iommu-cts: {problem.text}", file=sys.stderr)
    return judge.exit_code(judged)


def _tests() -> list[catalogue.Test]:
    box, source = ksrc.with_toolbox(None)
    return catalogue.load(binaries.build(box, source, suite.label()).suites)


def _list(arguments: argparse.Namespace) -> int:
    chosen, _ = plan.selected(_tests(), arguments.select)
    table = Table(box=None, header_style="bold")
    for heading in ("test", "requirements", "needs", "what it shows"):
        table.add_column(heading, overflow="fold")
    for test in chosen:
        table.add_row(test.path, " ".join(test.requirements), " ".join(test.needs), test.title)
    op.wide_console().print(table)
    print(f"{len(chosen)} tests, {len({name for test in chosen for name in test.requirements})} requirements")
    return 0


def _coverage(arguments: argparse.Namespace) -> int:
    runs = coverage.newest(coverage.read_run(running.find_folder(name)) for name in arguments.run)
    found = coverage.rows(catalogue.requirements(), _tests(), runs)
    if arguments.json:
        print(json.dumps(coverage.document(found, runs), indent=1))
    elif arguments.markdown:
        try:
            arguments.markdown.write_text(coverage.markdown(found, runs), "utf-8")
        except OSError as error:
            raise UsageError(f"--markdown {arguments.markdown}: can't be written: {error.strerror}") from error
    else:
        coverage.print_table(found, runs, op.wide_console())
    return 0


def _hosts(_: argparse.Namespace) -> int:
    table = Table(box=None, header_style="bold")
    for heading in ("host", "target", "devices", "what it is"):
        table.add_column(heading)
    for name in host.names():
        where = host.find(name)
        named = [f"{device.name} ({device.id})" for device in where.devices] + [mdev.type for mdev in where.mdevs]
        devices = ", ".join(dict.fromkeys(named)) or "those named by --device"
        table.add_row(name, where.target, devices, where.title)
    op.wide_console().print(table)
    return 0


def _compare(arguments: argparse.Namespace) -> int:
    from results import comparing  # takes numpy with it, which is slow to load and needed nowhere else

    return comparing.run(arguments)


def _doctor(arguments: argparse.Namespace) -> int:
    return doctor.run(arguments, op.wide_console())


def _new(arguments: argparse.Namespace) -> int:
    found = re.fullmatch(r"([a-z][a-z0-9_]*)/([a-z][a-z0-9_]*)", arguments.name)
    if not found:
        raise UsageError(f"{arguments.name}: write SUBJECT/NAME in lower case, such as access/example")
    places.in_a_checkout("`new`")
    path = suite.TOP / "suites" / f"{arguments.name}.c"
    template = (suite.TOP / "suites" / "template.c.in").read_text()
    path.parent.mkdir(exist_ok=True)
    try:
        with path.open("x") as stream:
            stream.write(template.replace("@SUBJECT@", found[1]).replace("@NAME@", found[2]))
    except FileExistsError as error:
        raise UsageError(f"{path} is there already") from error
    print(f"{path}\ntry it:  iommu-cts run --select '{arguments.name}/*'")
    return 0


def _bench_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    one = commands.add_parser(
        "bench", help="measure map and unmap, and what else a user waits for, in several boots of a host", epilog=bench.EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    one.add_argument("--host", default="vtd", help="a virtual host that `iommu-cts hosts` shows, a .toml file, or local (default: vtd)")
    op.add_kernel(one)
    one.add_argument("--device", action="append", default=[], type=op.device, metavar="BDF", help="on the local host: the device")
    one.add_argument("--add", metavar="BENCH", help="on the local host, where each call measures one boot: what this boot is added to")
    one.add_argument(
        "--against", action="append", default=[], metavar="K", help="another kernel, as --kernel: both in turns, then they are compared"
    )
    one.add_argument("--select", action="append", default=[], metavar="PATTERN", help="only these, e.g. 'bench/map_unmap/*'")
    one.add_argument("--boots", type=op.boots, metavar="N", help="of each kernel (default: 3, and 5 with --time)")
    one.add_argument("--all-sizes", action="store_true", help="every size from a page to what memory allows, not the usual ones")
    one.add_argument("--time", action="store_true", help="measure time, as on hardware; default: instructions, which repeat")
    one.add_argument(
        "--calibrate", action="store_true",
        help="of one kernel: how much do its boots differ? kept as the smallest change that `compare` calls one on this host (default: "
        "4 boots, and 10 with --time)",
    )  # fmt: skip
    one.set_defaults(call=lambda arguments: bench.run(arguments, op.wide_console()))


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="iommu-cts", epilog=EXIT_CODES, formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Conformance tests for the Linux iommufd and vfio-cdev user API, on real and virtual hosts.",
    )  # fmt: skip
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser(
        "run", help="run tests on a host and judge them", epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    op.add_host(run, more="; several, separated by commas, or `all` virtual ones: one after the other")
    op.add_plan(run)
    run.add_argument(
        "--fail-nth", action="store_true",
        help="within each call of each test, let one allocation after the other fail first; it has to change nothing (virtual hosts)",
    )  # fmt: skip
    run.add_argument(
        "--resume", metavar="RUN", nargs="?", const="last",
        help="go on with a run that was stopped: a folder, or a name in results/runs/ (default: the newest); what ran is not run again",
    )  # fmt: skip
    run.add_argument(
        "--jobs", type=op.jobs, metavar="N",
        help="share the plan among N virtual hosts side by side (default: as many as pay, processors and memory permitting)",
    )  # fmt: skip
    run.add_argument(
        "--max-failures", type=op.count, default=0, metavar="N",
        help="start no more tests after N that failed, known failures not counted; --resume goes on with the others",
    )  # fmt: skip
    run.add_argument(
        "--dry-run", action="store_true",
        help="on a real host: show every write that taking the devices and giving them back would be, and who uses what; change nothing",
    )  # fmt: skip
    run.add_argument(
        "--survive-reboots", action="store_true",
        help="on the local host: if a test takes the machine down, its next boot goes on with the run (a systemd unit until it ends)",
    )  # fmt: skip
    run.set_defaults(call=_run)

    back = commands.add_parser(
        "restore", help="give back what a run that was killed had taken from its drivers", epilog=real_host.RESTORE_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    back.add_argument("--host", default="local", help="a real host (default: local)")
    back.set_defaults(call=lambda arguments: real_host.restore(arguments, op.wide_console()))

    trial = commands.add_parser(
        "device-test", help="show what a device's driver claims and what of it works", epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    trial.add_argument("device", nargs="*", type=op.bdf, metavar="BDF", help="e.g. 0000:01:00.0 (default: all devices of the host)")
    op.add_host(trial)
    op.add_kernel(trial)
    trial.add_argument("--json", action="store_true", help="the same for programs, on standard output")
    trial.set_defaults(call=_device_test)
    health = commands.add_parser(
        "doctor", help="say what a host offers and lacks, and the way out of each lack", epilog=DOCTOR_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    op.add_host(health, "local")
    op.add_kernel(health)
    health.add_argument("--json", action="store_true", help="the findings and the facts as JSON (results/schema/doctor-1.json)")
    health.add_argument(
        "device", nargs="*", type=op.bdf, metavar="BDF", help="functions to look at; on a virtual host by default those of its description"
    )
    health.set_defaults(call=_doctor)

    listing = commands.add_parser("list", help="show the tests, what they show and what they need")
    listing.add_argument("--select", action="append", default=[], metavar="PATTERN")
    listing.set_defaults(call=_list)

    covered = commands.add_parser("coverage", help="show what is promised, which tests show it, and what runs said of it")
    covered.add_argument(
        "run", nargs="*", metavar="RUN",
        help="kept runs, by folder or name in results/runs/; the newest of each host counts (default: none, no verdicts)",
    )  # fmt: skip
    form = covered.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="the same for programs (results/schema/coverage-1.json)")
    form.add_argument("--markdown", type=Path, metavar="FILE", help="write it to a file; docs/coverage.md is made so, without runs")
    covered.set_defaults(call=_coverage)

    versus = commands.add_parser(
        "compare", help="compare what kernels were measured as, and their verdicts", epilog=COMPARE_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    versus.add_argument("old", metavar="A", help="a bench, by folder, name in results/bench/ or `last`; a run, likewise; or a results.json")
    versus.add_argument("new", nargs="+", metavar="B", help="what is compared with A")
    shape = versus.add_mutually_exclusive_group()
    shape.add_argument("--markdown", action="store_true", help="as Markdown instead of text for a mail")
    shape.add_argument("--json", action="store_true", help="for programs, with all samples (results/schema/compare-1.json)")
    versus.add_argument("--html", type=Path, metavar="FILE", help="also write it as one page, with every sample (docs/report.md)")
    versus.add_argument("--force", action="store_true", help="compare what is not comparable; the output begins with that")
    versus.add_argument(
        "--fail-on", action="append", default=[], metavar="'PATTERN > N%'",
        help="exit code 1 if there is evidence that a measure, or path:measure, of such a name went up by more than N %%; "
        "'PATTERN < -N%%': down (may be given several times)",
    )  # fmt: skip
    versus.set_defaults(call=_compare)

    waive_cli.add_waive(commands)
    gate_cli.add_gate(commands, op.wide_console)
    profiles_page.add_profiles(commands, op.wide_console)
    lava.add_parser(commands, op.wide_console, op.add_plan)
    commands.add_parser("hosts", help="show the hosts that are known").set_defaults(call=_hosts)
    _bench_parser(commands)
    series_cli.add_series(commands, op.boots, op.wide_console)
    series_cli.add_bisect(commands, op.wide_console)
    lab_cli.add(commands)

    report_cli.add(commands, EXIT_CODES, op.wide_console)
    history_cli.add(commands, op.wide_console)

    bundle_cli.add_parsers(commands)
    new = commands.add_parser("new", help="write a new test file that builds and runs")
    new.add_argument("name", metavar="SUBJECT/NAME", help="for example access/example")
    new.set_defaults(call=_new)
    return top


def _call(words: list[str] | None) -> int:
    arguments = parser().parse_args(words)
    return int(arguments.call(arguments))


def main(words: list[str] | None = None) -> int:
    """Runs the command and returns its exit code; errors become messages."""
    return entry.ending("iommu-cts", lambda: _call(words), running.FAULTS)
