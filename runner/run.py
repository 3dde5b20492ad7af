# SPDX-License-Identifier: GPL-2.0-only
"""`iommu-cts run`: from a host's name to a judged run on disk."""

import contextlib
import dataclasses
import functools
import gzip
import itertools
import os
import platform
import shutil
import signal
import sys
import threading
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from lab import binaries, cache, endpoint, entry, host, image, kernel, ksrc, media, places, qemu, scratch, toolbox
from lab.errors import LabError, UsageError
from lab.progress import Step, say
from results import report, waivers
from results.build import SchemaError
from results.journal import JournalError, Skip, Writer, read
from results.model import Run
from results.report import ReportError
from runner import catalogue, plan, profiles, reboot, suite
from runner.collect import Seen, collect
from runner.crew import Crew
from runner.session import Inventory, Session
from runner.targets import choose, make

RUNS = Path(os.environ.get("IOMMU_CTS_RUNS") or places.kept(places.TOP / "results" / "runs")).absolute()
WAIVERS = suite.TOP / "waivers.toml"
FAULTS = (JournalError, ReportError, SchemaError)  # what else a run may raise; the text says all
MEASURED = ("bench",)  # what `iommu-cts bench` is for: left out of a run that does not name it
JOBS_MAX = 16

# How much longer tests may take whose calls are refused again and again.
FAIL_NTH_SLOWER = 4


@dataclasses.dataclass(frozen=True)
class Options:
    """What the command line says. `jobs` is how many virtual hosts there are at a time; None: as many as this machine bears. After
    `max_failures` failures, if that is not 0, the rest is left; what is for the requirements `first` is run first. With `fail_nth` every
    call of every test is made without memory first (lib/fail_nth.h). `all_sizes`: measurements take every size, not the usual ones.
    `survive_reboots`: if this machine goes down, its next boot goes on with the run. With `profile` the tests are those of what such claims
    rest on, and the run is judged by them."""

    host: str
    select: Sequence[str] = ()
    device: Sequence[str] = ()
    kernel: Sequence[str] = ()
    modules: str | None = None
    accel: str = "tcg"
    timeout_scale: float = 1.0
    waivers: Path = WAIVERS
    runs: Path = RUNS
    jobs: int | None = None
    max_failures: int = 0
    first: Sequence[str] = ()
    fail_nth: bool = False
    all_sizes: bool = False
    survive_reboots: bool = False
    profile: Sequence[str] = ()

    def kept(self) -> dict[str, Any]:
        """What a run that is gone on with has in common with its beginning, wherever that is done from."""
        described = self.host.endswith(".toml")
        return {
            "host": os.path.abspath(self.host) if described else self.host, "select": list(self.select),
            "device": list(self.device), "kernel": [os.path.abspath(path) for path in self.kernel],
            "modules": os.path.abspath(self.modules) if self.modules else None, "accel": self.accel,
            "timeout_scale": self.timeout_scale, "fail_nth": self.fail_nth, "all_sizes": self.all_sizes,
            "profile": list(self.profile),
        }  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Lab:
    """Everything that was built or found for a run, before anything is started."""

    box: toolbox.Toolbox
    source: ksrc.Source
    image: image.Image | None
    programs: binaries.Binaries


def prepare(where: host.Host, kernels: Sequence[str], modules: str | None) -> Lab:
    """Makes or finds toolbox, kernel and programs; what is in the cache is not made again. LabError says what is missing."""
    if modules and not kernels:
        raise UsageError("--modules belongs to an image: name that too, by --kernel")
    arch = where.machine
    box, source = ksrc.with_toolbox(where.ksrc, arch.toolbox)
    picture = None
    if kernels:
        picture = image.find(box, kernels, modules)
        source = kernel.source_of(picture.path.parent) or source
    elif where.target == "qemu" or where.lava and where.lava.brings_kernel:
        picture = image.of_folder(kernel.build(box, source, where.fragments, arch).folder)
    programs = binaries.build(box, source, suite.label(), arch=arch)
    return Lab(box, source, picture, programs)


def new_folder(runs: Path, host_name: str) -> Path:
    """A fresh folder for a run, named by time and host."""
    runs.mkdir(parents=True, exist_ok=True)
    base = f"{time.strftime('%Y%m%dT%H%M%S')}-{host_name}"
    for suffix in ("", *(f"-{number}" for number in range(2, 1000))):
        folder = runs / (base + suffix)
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise LabError(f"{runs}: too many runs in this second")


def only_needed(programs: binaries.Binaries, tests: Sequence[catalogue.Test]) -> binaries.Binaries:
    """Those that hold `tests`: an emulated machine takes seconds to unpack all of them, at each boot."""
    needed = {test.binary for test in tests}
    return dataclasses.replace(programs, suites={name: path for name, path in programs.suites.items() if name in needed})


def _unfit(where: host.Host, test: catalogue.Test) -> Skip | None:
    """Why a test is not run on this host; None if it is."""
    if test.faults and where.faults != "contained":
        allowed = 'faults = "contained" in a description (--host FILE.toml) allows them'
        return Skip(plan.NO_FAULTS, f"it provokes IOMMU faults, which can reset a machine; {allowed}")
    for known in where.misemulated:
        if plan.matches(test, known.tests):
            return Skip(plan.MISEMULATED, known.why)
    return None


def unpacked(raw: bytes) -> bytes:
    """What is in a kernel's /proc/config.gz. LabError if it is damaged."""
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise LabError(f"the target's /proc/config.gz can't be read: {error}") from error


def _keep_config(session: Session, lab: Lab, folder: Path) -> None:
    """The configuration of the kernel that runs: from the kernel itself, else from beside its image."""
    raw = session.read_file("/proc/config.gz")
    if raw is not None:
        (folder / "kernel.config").write_bytes(unpacked(raw))
    elif lab.image is None and (text := session.read_file(f"/boot/config-{session.release}")) is not None:
        (folder / "kernel.config").write_bytes(text)
    elif lab.image is not None and lab.image.config is not None:
        shutil.copy(lab.image.config, folder / "kernel.config")


def environment_of(inventory: Inventory) -> dict[str, Any]:
    facts = {key: value for key, value in inventory.hello.items() if key not in ("ev", "monotonic_ns")}
    devices = [{key: value for key, value in device.items() if key != "ev"} for device in inventory.devices]
    return {"target": facts, "devices": devices}


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM and SIGHUP end a run as Ctrl-C does. A second one does not wait for the end: the virtual hosts die with this process,
    and on a real one cts-exec gives back what it took."""
    signals = [number for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is not signal.SIG_IGN]
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        if stopping:
            os.write(2, b"iommu-cts: interrupted again; the journal is kept, `iommu-cts report` judges it\n")
            os._exit(130)
        stopping = True
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def selected(options: Options, tests: Sequence[catalogue.Test]) -> tuple[list[catalogue.Test], list[catalogue.Test]]:
    """The tests that are to be run, in their order, and the others."""
    if options.select:
        chosen, others = plan.selected(tests, options.select)
    elif options.profile:
        chosen, others = plan.naming(tests, profiles.find(options.profile, catalogue.requirements()))
    else:
        others, chosen = plan.selected(tests, MEASURED)
    return sorted(chosen, key=lambda test: not set(test.requirements) & set(options.first)), others


def planned(
    options: Options, where: host.Host, chosen: Sequence[catalogue.Test], inventory: Inventory, bdfs: Sequence[str],
    programs: Mapping[str, str],
) -> list[plan.Item]:  # fmt: skip
    """What is run of the chosen tests for the devices `bdfs` of this inventory; `programs` says where each is on the target."""
    only = choose.selections(where, options.device, inventory)
    return plan.make(chosen, bdfs, catalogue.need_scopes(), programs, functools.partial(_unfit, where), only)


def _execute(
    options: Options, where: host.Host, lab: Lab, tests: Sequence[catalogue.Test], folder: Path, journal: Writer, kept: Seen
) -> str:
    """Runs what `kept`, the run so far, does not have; returns why it ended, as in docs/results.md."""
    chosen, others = selected(options, tests)
    stop, boots = threading.Event(), itertools.count(kept.boots + 1)
    with scratch.folder() as work, Step(f"host {where.name}") as step:
        if where.target != "local":
            image = lab.image and lab.image.copied(work / "kernel")
            lab = dataclasses.replace(lab, image=image, programs=only_needed(lab.programs, chosen))
        targets, notes = make.targets(where, lab, options, folder, work, len(chosen), stop, kept.environment)
        scale = options.timeout_scale * where.slower * (FAIL_NTH_SLOWER if options.fail_nth else 1)
        env = {name: "1" for name, on in switches(options) if on} | media.environment(where.scratch)
        sessions = [Session(target, journal, scale, number, stop, boots, env, where.real) for number, target in enumerate(targets, 1)]
        first = sessions[0]
        try:
            step.note("booting")
            inventory = first.boot()
            devices = choose.devices(where, options.device, inventory, first.read_file)
            bdfs = choose.tested(where, options.device, devices)
            if kept.plan:
                items = plan.again(kept.plan, tests, make.programs(targets[0], lab))
            else:
                items = planned(options, where, chosen, inventory, bdfs, make.programs(targets[0], lab))
                journal.write("plan", tests=[item.planned for item in items], unselected=plan.left_out(others))
            gone = {item.planned.device for item in items} - {None, *bdfs}
            if gone:
                raise LabError(f"the plan is for {', '.join(sorted(map(str, gone)))}, which the host does not have any more")
            journal.write("environment", environment={**targets[0].environment(), **notes, **environment_of(inventory)})

            def look() -> None:
                _keep_config(first, lab, folder)
                journal.write("environment", environment=environment_of(first.inventory()))

            first.ready(devices, look)
            over = {test for test, attempts in kept.attempts.items() if any(attempt.over for attempt in attempts)}
            todo = [item for item in items if item.planned.skip is None and item.planned.id not in over]
            for session in sessions:
                session.known = known_failures(options, where, inventory, items)
                session.env["CTS_NAMED"] = " ".join(bdfs)
            crew = Crew(
                sessions, todo, devices, journal, stop,
                lambda number, item: step.note(f"{number}/{len(todo)} {item.planned.id}"), options.max_failures,
            )  # fmt: skip
            if crew.run():
                return "finished"
            return "failures" if crew.has_enough else "lab"
        finally:
            for session in sessions:
                session.kill()


def switches(options: Options) -> list[tuple[str, bool]]:
    """What tests find set in their environment, and whether it is: of lib/fail_nth.h, lib/measure.h and suites/bench/range.h."""
    return [
        ("CTS_FAIL_NTH", options.fail_nth), ("CTS_INSTRUCTIONS", options.accel == qemu.ICOUNT), ("CTS_BENCH_ALL", options.all_sizes),
    ]  # fmt: skip


def known_failures(options: Options, where: host.Host, inventory: Inventory, items: Sequence[plan.Item]) -> dict[str, bool]:
    """The tests that are known to fail, and whether that does no harm, as the waivers say; what is wrong with these the verdicts tell."""
    path = existing(options.waivers)
    release = inventory.hello.get("uname", {}).get("release")
    if path is None:
        return {}
    return waivers.known(
        waivers.load(path), where.name, release, [item.planned for item in items], waivers.device_ids(inventory.devices)
    )


def identity_of(where: host.Host, lab: Lab) -> dict[str, str]:
    """Everything that must be the same when a run is gone on with, each under the name that a refusal gives it."""
    found = {
        "the host's description": cache.digest(dataclasses.asdict(where)),
        "the toolbox": lab.box.key,
        "cts-exec": cache.file_digest(lab.programs.cts_exec),
        "the guest's first process": cache.file_digest(lab.programs.init),
    }
    if where.target == "ssh":
        found["cts-relay"] = cache.file_digest(lab.programs.cts_relay)
    if lab.image is None and where.target == "local":
        found["the kernel"] = f"{platform.release()} {platform.version()}"
    elif lab.image is not None:
        found["the kernel"] = cache.file_digest(lab.image.path)
        modules = sorted(lab.image.modules.rglob("*.ko*")) if lab.image.modules else []
        found["the kernel's modules"] = cache.digest([[path.name, cache.file_digest(path)] for path in modules])
    if where.endpoints:
        found["the endpoint"] = cache.file_digest(endpoint.build(lab.box))
    if where.scratch and where.target == "qemu":
        found |= {f"fio's {name}": cache.file_digest(path) for name, path in media.fio().items()}
    return found | {f"test program {name}": cache.file_digest(path) for name, path in lab.programs.suites.items()}


def _check_real(where: host.Host, options: Options) -> None:
    """UsageError for what a real host has not, or must not have done to it."""
    choose.tested(where, options.device, [])
    if (options.kernel or options.modules) and not (where.ssh and where.ssh.boots_others):
        raise UsageError(
            f"--kernel and --modules are for virtual hosts; {where.name} runs the kernel that it runs, unless kernel = or [kexec] in the "
            "description of a host that ssh reaches says how another gets there"
        )
    if options.accel != Options.accel:
        raise UsageError(f"--accel is for virtual hosts; host {where.name} emulates nothing")
    if options.jobs not in (None, 1):
        raise UsageError(f"--jobs is for virtual hosts; there is one {where.name} host")
    if options.survive_reboots:
        if where.target != "local":
            raise UsageError("--survive-reboots is for the local host: the runner outlives any other")
        reboot.check()
    if options.fail_nth:
        raise UsageError("--fail-nth is for virtual hosts: it takes settings in /sys/kernel/debug that a host in use should keep")


def ready(options: Options) -> tuple[host.Host, Lab, list[catalogue.Test]]:
    """Checks what can be checked before anything is built, and builds."""
    if options.profile and options.select:
        raise UsageError("--profile says what is run: with less, by --select, the claim would stay incomplete")
    profiles.find(options.profile, catalogue.requirements())
    where = host.find(options.host)
    if where.real:
        _check_real(where, options)
    elif options.survive_reboots:
        raise UsageError("--survive-reboots is for the local host: the runner outlives any other")
    if where.lava and options.accel != Options.accel:
        raise UsageError("--accel is for virtual hosts here; what LAVA's devices are, their dictionaries say")
    lab = prepare(where, options.kernel, options.modules)
    tests = catalogue.load(lab.programs.suites, lab.programs.emulator)
    if not plan.selected(tests, options.select)[0]:
        raise UsageError(f"--select {' '.join(options.select)}: no test has such a path (`iommu-cts list` shows them)")
    for pattern in (pattern for known in where.misemulated for pattern in known.tests):
        if not plan.selected(tests, [pattern])[0]:
            raise UsageError(f"host {where.name}: misemulated: no test has such a path as {pattern!r} (`iommu-cts list` shows them)")
    return where, lab, tests


def run(options: Options) -> tuple[Path, Run]:
    """Runs and judges; returns the run's folder and the verdicts. LabError if nothing could be run at all.

    Once the journal is open every fault is in it, and the verdicts are written in any case: KeyboardInterrupt ends the run
    and keeps what there is.
    """
    if host.find(options.host).lava:
        raise UsageError(f"--host {options.host} is LAVA's: it is for `iommu-cts run`, alone, and for `iommu-cts lava`")
    return record(options, *ready(options))


def resume(name: str, options: Options) -> tuple[Path, Run]:
    """Goes on with a run that was stopped, as its journal says; of `options` only what is not in there counts. UsageError if
    there is nothing to go on with, or if this is not what it was begun with."""
    folder = find_folder(name)
    kept = collect(read(folder / "journal.jsonl"))
    if kept.run is None or not kept.run.identity:
        raise UsageError(f"{folder.name}: the journal does not say what was to be run; start a new run")
    if kept.end is not None and kept.end.why == "finished":
        raise UsageError(f"{folder.name} came to its end: there is nothing left to run")
    unknown = set(kept.run.options) - set(options.kept())
    if unknown:
        raise UsageError(f"{folder.name}: another version of iommu-cts began it, with {', '.join(sorted(unknown))}; start a new run")
    options = dataclasses.replace(options, **kept.run.options)
    if host.find(options.host).lava:
        raise UsageError(f"{folder.name} is LAVA's: go on with it by `iommu-cts lava wait {folder.name}`")
    return go_on(folder, options, *ready(options))


def record(options: Options, where: host.Host, lab: Lab, tests: Sequence[catalogue.Test]) -> tuple[Path, Run]:
    """Runs the selected ones of `tests` with what `prepare` made, and judges."""
    folder = new_folder(options.runs, where.name)
    if options.survive_reboots:
        reboot.survive(folder)
    with Writer(folder / "journal.jsonl") as journal:
        journal.write(
            "run", journal=1, id=folder.name, host=where.name, command=sys.argv, suite=suite.version(),
            environment={"runner": {"python": platform.python_version(), "host_kernel": platform.release()}},
            options=options.kept(), identity=identity_of(where, lab),
        )  # fmt: skip
        _to_the_end(options, where, lab, tests, folder, journal, Seen())
    return folder, report.write_all(folder, existing(options.waivers), date.today())


def go_on(folder: Path, options: Options, where: host.Host, lab: Lab, tests: Sequence[catalogue.Test]) -> tuple[Path, Run]:
    """Runs what is left of the run in `folder`, and judges all of it."""
    with Writer(folder / "journal.jsonl", existing=True) as journal:
        kept = collect(read(folder / "journal.jsonl"))
        assert kept.run is not None
        now = identity_of(where, lab)
        changed = [name for name in sorted({*now, *kept.run.identity}) if now.get(name) != kept.run.identity.get(name)]
        if changed:
            more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
            raise UsageError(
                f"{folder.name} can't go on: {', '.join(changed[:3])}{more}: not what it was begun with; start a new run"
            )
        cut = journal.resume(command=sys.argv)
        if cut:
            say(f"the last line of the journal was torn: {cut} bytes were cut off")
        if where.target == "local" and reboot.note(journal, kept):
            ran = f" while {kept.running} ran, which is not tried again" if kept.running else ""
            say(f"{reboot.WENT_DOWN}{ran}; going on with the rest")
            kept = collect(read(folder / "journal.jsonl"))
        _to_the_end(options, where, lab, tests, folder, journal, kept)
    return folder, report.write_all(folder, existing(options.waivers), date.today())


def _to_the_end(
    options: Options, where: host.Host, lab: Lab, tests: Sequence[catalogue.Test], folder: Path, journal: Writer, kept: Seen
) -> None:
    why = "lab"
    try:
        with interruptible():
            why = _execute(options, where, lab, tests, folder, journal, kept)
    except KeyboardInterrupt:
        why = "interrupted"
    except FAULTS:
        raise
    except Exception as error:
        text = str(error) if isinstance(error, (LabError, *entry.SYSTEM)) else entry.unexpected(error)
        say(f"iommu-cts: {text}")
        journal.write("lab_error", error=text)
    journal.write("end", why=why)
    reboot.forget(folder)
    if why == "failures":
        say(f"{options.max_failures} failures were enough")
    if why != "finished" and not lab.programs.libraries:  # `iommu-cts run` has no programs with sanitizers to go on with
        say(f"`iommu-cts run --resume {folder.name}` goes on with it")


def existing(path: Path) -> Path | None:
    """The waiver file, if there is one: without the default file there are no waivers, but a named one has to exist."""
    if path == WAIVERS and not path.exists():
        return None
    return path


def find_folder(name: str) -> Path:
    """The folder of a kept run: a path, a name in results/runs/, or "last"."""
    if name == "last":
        runs = sorted(path for path in RUNS.glob("*") if (path / "journal.jsonl").exists())
        if not runs:
            raise UsageError(f"{RUNS} has no runs yet")
        return runs[-1]
    for path in (Path(name), RUNS / name):
        if (path / "journal.jsonl").is_file():
            return path
    raise UsageError(f"{name}: no run of that name in {RUNS}, and no folder with a journal.jsonl")
