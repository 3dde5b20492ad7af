# SPDX-License-Identifier: GPL-2.0-only
"""The command line."""

import argparse
import json
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lab import binaries, entry, host, kernel, ksrc, places
from lab.errors import UsageError
from results import summary
from runner import (
    bench, bundle_cli, catalogue, coverage, device_test, doctor, every, gate_cli, history_cli, judge, labwork, plan, profiles_page,
    real_host, report_cli, series_cli, suite, waive_cli,
)  # fmt: skip
from runner import prove as proving
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


def _wide_console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 200, highlight=False)


def _scale(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.01 <= value <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number between 0.01 and 1000")
    return value


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= running.JOBS_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is no number between 1 and {running.JOBS_MAX}")
    return int(text)


def _boots(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= bench.BOOTS_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of boots between 1 and {bench.BOOTS_MAX}")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of failures")
    return int(text)


def _bdf(text: str) -> str:
    full = text if text.count(":") == 2 else f"0000:{text}"
    if not re.fullmatch(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]", full):
        raise argparse.ArgumentTypeError(f"{text!r} is no PCI address such as 0000:01:00.0")
    return full


def _device(text: str) -> str:
    """A PCI function's address or, of a mediated device, its UUID."""
    return text if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text) else _bdf(text)


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
        return real_host.dry_run(arguments.host, options.device, _wide_console())
    if arguments.resume is None:
        if arguments.host != every.ALL and "," not in arguments.host and host.find(arguments.host).lava:
            return lava.run(options, _wide_console())
        names = every.named(arguments.host)
        if len(names) > 1:
            return every.run(options, names, _wide_console())
        _, judged = running.run(options)
    else:
        _, judged = running.resume(arguments.resume, options)
    summary.print_summary(judged, _wide_console())
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
        device_test.print_tables(found, _wide_console())
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
    _wide_console().print(table)
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
        coverage.print_table(found, runs, _wide_console())
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
    _wide_console().print(table)
    return 0


def _compare(arguments: argparse.Namespace) -> int:
    from results import comparing  # takes numpy with it, which is slow to load and needed nowhere else

    return comparing.run(arguments)


def _doctor(arguments: argparse.Namespace) -> int:
    return doctor.run(arguments, _wide_console())


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


def _build(arguments: argparse.Namespace) -> int:
    where = host.find(arguments.host)
    box, source = ksrc.with_toolbox(arguments.ksrc or where.ksrc, where.machine.toolbox)
    with ksrc.with_patches(box, source, arguments.patch) as patched:
        print(kernel.build(box, patched, [*where.fragments, *arguments.config], where.machine).folder)
    return 0


def _add_kernel(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--kernel", action="append", default=[], metavar="K",
        help="an image, a folder with an image and its modules (as `lab build` prints), or a distribution's .deb or .rpm kernel "
        "package (may be given several times for a kernel that is split over packages); default: the one built here",
    )  # fmt: skip
    parser.add_argument("--modules", metavar="DIR", help="the modules that belong to an image: lib/modules/<release>")


def _add_host(parser: argparse.ArgumentParser, default: str = "vtd", more: str = "") -> None:
    parser.add_argument("--host", default=default, help=f"a name that `iommu-cts hosts` shows, or a .toml file{more} (default: {default})")
    parser.add_argument(
        "--accel", choices=("tcg", "kvm", "icount"), default="tcg",
        help="tcg emulates the processor and works everywhere; kvm is used only if a trial guest boots with it; icount is tcg with one "
        "processor and a clock that counts its instructions",
    )  # fmt: skip


def _add_plan(parser: argparse.ArgumentParser) -> None:
    """What is run, of what is judged."""
    _add_kernel(parser)
    parser.add_argument(
        "--select", action="append", default=[], metavar="PATTERN",
        help="only tests with such a path, e.g. 'access/*' (default: all but bench/*, for which there is `iommu-cts bench`)",
    )  # fmt: skip
    parser.add_argument(
        "--profile", action="append", default=[], metavar="NAME",
        help="the tests of what such a claim demands (`iommu-cts profiles`), and whether it is held (may be given several times)",
    )  # fmt: skip
    parser.add_argument("--device", action="append", default=[], type=_device, metavar="BDF", help="only this device, e.g. 0000:01:00.0")
    parser.add_argument("--timeout-scale", type=_scale, default=1.0, metavar="X", help="multiply every deadline, for slow hosts")
    parser.add_argument("--waivers", type=Path, default=running.WAIVERS, metavar="FILE", help="known failures (default: waivers.toml)")


def _bench_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    one = commands.add_parser(
        "bench", help="measure map and unmap, and what else a user waits for, in several boots of a host", epilog=bench.EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    one.add_argument("--host", default="vtd", help="a virtual host that `iommu-cts hosts` shows, a .toml file, or local (default: vtd)")
    _add_kernel(one)
    one.add_argument("--device", action="append", default=[], type=_device, metavar="BDF", help="on the local host: the device")
    one.add_argument("--add", metavar="BENCH", help="on the local host, where each call measures one boot: what this boot is added to")
    one.add_argument(
        "--against", action="append", default=[], metavar="K", help="another kernel, as --kernel: both in turns, then they are compared"
    )
    one.add_argument("--select", action="append", default=[], metavar="PATTERN", help="only these, e.g. 'bench/map_unmap/*'")
    one.add_argument("--boots", type=_boots, metavar="N", help="of each kernel (default: 3, and 5 with --time)")
    one.add_argument("--all-sizes", action="store_true", help="every size from a page to what memory allows, not the usual ones")
    one.add_argument("--time", action="store_true", help="measure time, as on hardware; default: instructions, which repeat")
    one.add_argument(
        "--calibrate", action="store_true",
        help="of one kernel: how much do its boots differ? kept as the smallest change that `compare` calls one on this host (default: "
        "4 boots, and 10 with --time)",
    )  # fmt: skip
    one.set_defaults(call=lambda arguments: bench.run(arguments, _wide_console()))


def _lab_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    lab = commands.add_parser("lab", help="kernels and virtual hosts")
    actions = lab.add_subparsers(required=True, metavar="ACTION")

    build = actions.add_parser("build", help="build a kernel beside the default one; prints its folder last")
    build.add_argument("--ksrc", metavar="DIR|VERSION", help="a kernel tree, or a version that the distribution packages, such as 6.12")
    build.add_argument("--patch", nargs="+", type=Path, default=[], metavar="FILE", help="patches to apply to a copy (patch -p1)")
    build.add_argument("--config", nargs="+", type=Path, default=[], metavar="FRAGMENT", help="configuration on top of lab/kernel/")
    build.add_argument("--host", default="vtd", help="the host that it is for: its architecture and flavour (default: vtd)")
    build.set_defaults(call=_build)

    boot = actions.add_parser("boot", help="boot a host, say what it is, switch it off")
    shell = actions.add_parser("shell", help="a shell on a host's console, with the suites in /suites")
    for action, call in ((boot, labwork.boot), (shell, labwork.shell)):
        _add_host(action)
        _add_kernel(action)
        action.set_defaults(call=call)

    prove = actions.add_parser("prove", help="run the suites on kernels with one small fault each: do they notice?")
    prove.add_argument("fault", nargs="*", metavar="FAULT", help="a fault, a pattern or a subject (default: all)")
    prove.add_argument("--untried", action="store_true", help="of these, only what was not tried since it is as it is")
    prove.add_argument("--list", action="store_true", help="only show the faults")
    prove.add_argument("--table", type=Path, metavar="FILE", help="only write what came out so far, as a page for docs/")
    prove.add_argument("--ksrc", metavar="DIR|VERSION", help="as for build")
    prove.add_argument("--jobs", type=_jobs, metavar="N", help="as for run")
    prove.set_defaults(call=lambda arguments: proving.run(arguments, _wide_console()))

    clean = actions.add_parser("clean", help="show what the cache holds; with --yes remove it")
    clean.add_argument("kind", nargs="*", help="only these kinds, as shown (default: all)")
    clean.add_argument("--yes", action="store_true", help="really remove")
    clean.set_defaults(call=labwork.clean)

    lock = actions.add_parser("lock", help="write the archive's newest versions to lab/toolbox.lock")
    lock.set_defaults(call=labwork.lock)


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
    _add_host(run, more="; several, separated by commas, or `all` virtual ones: one after the other")
    _add_plan(run)
    run.add_argument(
        "--fail-nth", action="store_true",
        help="within each call of each test, let one allocation after the other fail first; it has to change nothing (virtual hosts)",
    )  # fmt: skip
    run.add_argument(
        "--resume", metavar="RUN", nargs="?", const="last",
        help="go on with a run that was stopped: a folder, or a name in results/runs/ (default: the newest); what ran is not run again",
    )  # fmt: skip
    run.add_argument(
        "--jobs", type=_jobs, metavar="N",
        help="share the plan among N virtual hosts side by side (default: as many as pay, processors and memory permitting)",
    )  # fmt: skip
    run.add_argument(
        "--max-failures", type=_count, default=0, metavar="N",
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
    back.set_defaults(call=lambda arguments: real_host.restore(arguments, _wide_console()))

    trial = commands.add_parser(
        "device-test", help="show what a device's driver claims and what of it works", epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    trial.add_argument("device", nargs="*", type=_bdf, metavar="BDF", help="e.g. 0000:01:00.0 (default: all devices of the host)")
    _add_host(trial)
    _add_kernel(trial)
    trial.add_argument("--json", action="store_true", help="the same for programs, on standard output")
    trial.set_defaults(call=_device_test)
    health = commands.add_parser(
        "doctor", help="say what a host offers and lacks, and the way out of each lack", epilog=DOCTOR_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    _add_host(health, "local")
    _add_kernel(health)
    health.add_argument("--json", action="store_true", help="the findings and the facts as JSON (results/schema/doctor-1.json)")
    health.add_argument(
        "device", nargs="*", type=_bdf, metavar="BDF", help="functions to look at; on a virtual host by default those of its description"
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
    gate_cli.add_gate(commands, _wide_console)
    profiles_page.add_profiles(commands, _wide_console)
    lava.add_parser(commands, _wide_console, _add_plan)
    commands.add_parser("hosts", help="show the hosts that are known").set_defaults(call=_hosts)
    _bench_parser(commands)
    series_cli.add_series(commands, _boots, _wide_console)
    series_cli.add_bisect(commands, _wide_console)
    _lab_parser(commands)

    report_cli.add(commands, EXIT_CODES, _wide_console)
    history_cli.add(commands, _wide_console)

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
