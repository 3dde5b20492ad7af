# SPDX-License-Identifier: GPL-2.0-only
"""`iommu-cts run`: from a host's name to a judged run on disk."""

import dataclasses
import gzip
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from lab import binaries, host, image, kernel, ksrc, qemu, toolbox
from lab.errors import LabError, UsageError
from lab.progress import Step, say
from results import report
from results.journal import Writer
from results.model import Run
from runner import catalogue, plan, suite
from runner.session import Inventory, Lost, Session
from runner.targets import Target, choose
from runner.targets.local import LocalTarget
from runner.targets.qemu import QemuTarget

RUNS = suite.TOP / "results" / "runs"
WAIVERS = suite.TOP / "waivers.toml"
KVM_PROBE_S = 30.0


@dataclasses.dataclass(frozen=True)
class Options:
    """What the command line says."""

    host: str
    select: Sequence[str] = ()
    device: Sequence[str] = ()
    kernel: Sequence[str] = ()
    modules: str | None = None
    accel: str = "tcg"
    timeout_scale: float = 1.0
    waivers: Path = WAIVERS
    runs: Path = RUNS


@dataclasses.dataclass(frozen=True)
class Lab:
    """Everything that was built or found for a run, before anything is started."""

    box: toolbox.Toolbox
    source: ksrc.Source
    image: image.Image | None
    programs: binaries.Binaries


def prepare(where: host.Host, kernels: Sequence[str], modules: str | None) -> Lab:
    """Makes or finds toolbox, kernel and programs; what is in the cache is not made again. LabError says what is missing."""
    box, source = ksrc.with_toolbox(None)
    picture = None
    if kernels:
        picture = image.find(box, kernels, modules)
        source = kernel.source_of(picture.path.parent) or source
    elif where.target == "qemu":
        picture = image.of_folder(kernel.build(box, source).folder)
    programs = binaries.build(box, source, suite.label())
    return Lab(box, source, picture, programs)


def _new_folder(runs: Path, host_name: str) -> Path:
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


def _kvm_boots(machine: qemu.Machine) -> bool:
    """/dev/kvm can exist and still not run a guest: believe it only after one has booted and said hello."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    target = QemuTarget(machine)
    with Step("trying KVM"):
        try:
            target.power_on()
            return bool(target.receive(KVM_PROBE_S))
        finally:
            target.power_off()


def _target(where: host.Host, lab: Lab, accel: str, folder: Path, scratch: Path) -> tuple[Target, dict[str, Any]]:
    if lab.image is None:
        return LocalTarget(lab.programs.cts_exec), {}
    _, missing = qemu.make_ramdisk(lab.box, where, lab.image, lab.programs, scratch)
    if missing:
        say(f"the kernel has no {', '.join(missing)}; what needs it will be skipped")
    machine = qemu.Machine(lab.box, where, lab.image, scratch, folder / "console.log", accel)
    notes: dict[str, Any] = {"modules_missing": missing}
    if accel == "kvm" and not _kvm_boots(machine):
        say("KVM did not boot a guest here; going on with software emulation (TCG)")
        machine.accel = "tcg"
        notes["accelerator_note"] = "KVM was asked for and did not boot a guest"
    return QemuTarget(machine), notes


def _programs(where: host.Host, lab: Lab) -> dict[str, str]:
    """Where each test program is on the target."""
    if where.target == "local":
        return {name: str(path) for name, path in lab.programs.suites.items()}
    return {name: f"/{qemu.SUITES}/{name}" for name in lab.programs.suites}


def _keep_config(session: Session, lab: Lab, folder: Path) -> None:
    """The configuration of the kernel that runs: from the kernel itself, else from beside its image."""
    raw = session.read_file("/proc/config.gz")
    if raw is not None:
        (folder / "kernel.config").write_bytes(gzip.decompress(raw))
    elif lab.image is not None and lab.image.config is not None:
        shutil.copy(lab.image.config, folder / "kernel.config")


def _environment(inventory: Inventory) -> dict[str, Any]:
    facts = {key: value for key, value in inventory.hello.items() if key not in ("ev", "monotonic_ns")}
    devices = [{key: value for key, value in device.items() if key != "ev"} for device in inventory.devices]
    return {"target": facts, "devices": devices}


def _execute(options: Options, where: host.Host, lab: Lab, tests: Sequence[catalogue.Test], folder: Path, journal: Writer) -> None:
    chosen, others = plan.selected(tests, options.select)
    with tempfile.TemporaryDirectory(prefix="iommu-cts-") as scratch, Step(f"host {where.name}") as step:
        target, notes = _target(where, lab, options.accel, folder, Path(scratch))
        session = Session(target, journal, options.timeout_scale)
        try:
            step.note("booting")
            inventory = session.boot()
            devices = choose.devices(where, options.device, inventory)
            bdfs = list(options.device) or [device.bdf for device in devices]
            items = plan.make(chosen, bdfs, catalogue.need_scopes(), _programs(where, lab))
            journal.write("plan", tests=[item.planned for item in items], unselected=plan.left_out(others))
            journal.write("environment", environment={**target.environment(), **notes, **_environment(inventory)})
            _keep_config(session, lab, folder)
            session.take(devices)
            journal.write("environment", environment=_environment(session.inventory()))
            session.run(items, devices, lambda number, item: step.note(f"{number + 1}/{len(items)} {item.planned.id}"))
            session.end()
        except Lost as lost:
            raise LabError(f"the target was lost outside a test ({lost})\n{target.console()}".rstrip()) from lost
        finally:
            target.power_off()


def run(options: Options) -> tuple[Path, Run]:
    """Runs and judges; returns the run's folder and the verdicts. LabError if nothing could be run at all.

    Once the journal is open every fault is in it, and the verdicts are written in any case: KeyboardInterrupt ends the run
    and keeps what there is.
    """
    where = host.find(options.host)
    if where.target == "local" and not options.device:
        raise UsageError("on the local host nothing is touched unless it is named: --device <BDF> (see `lspci -D`)")
    if where.target == "local" and options.kernel:
        raise UsageError("--kernel is for virtual hosts; the local host runs the kernel that it runs")
    lab = prepare(where, options.kernel, options.modules)
    tests = catalogue.load(lab.programs.suites)
    if not plan.selected(tests, options.select)[0]:
        raise UsageError(f"--select {' '.join(options.select)}: no test has such a path (`iommu-cts list` shows them)")
    return record(options, where, lab, tests)


def record(options: Options, where: host.Host, lab: Lab, tests: Sequence[catalogue.Test]) -> tuple[Path, Run]:
    """Runs the selected ones of `tests` with what `prepare` made, and judges."""
    folder = _new_folder(options.runs, where.name)
    with Writer(folder / "journal.jsonl") as journal:
        journal.write(
            "run", journal=1, id=folder.name, host=where.name, command=sys.argv, suite=suite.version(),
            environment={"runner": {"python": platform.python_version(), "host_kernel": platform.release()}},
        )  # fmt: skip
        try:
            _execute(options, where, lab, tests, folder, journal)
            journal.write("end", why="finished")
        except KeyboardInterrupt:
            journal.write("end", why="interrupted")
        except LabError as error:
            say(f"iommu-cts: {error}")
            journal.write("lab_error", error=str(error))
            journal.write("end", why="finished")
    return folder, report.write_all(folder, existing(options.waivers), date.today())


def existing(waivers: Path) -> Path | None:
    """The waiver file, if there is one: without the default file there are no waivers, but a named one has to exist."""
    if waivers == WAIVERS and not waivers.exists():
        return None
    return waivers


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
