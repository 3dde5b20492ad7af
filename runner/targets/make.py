# SPDX-License-Identifier: GPL-2.0-only
"""The targets of a run: how many, of which kind, and where its programs are on them."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab import qemu
from lab.host import Host
from lab.progress import Step, say
from runner.targets import Target, choose
from runner.targets.local import LocalTarget
from runner.targets.qemu import QemuTarget
from runner.targets.ssh import FOLDER, SshTarget

if TYPE_CHECKING:
    from runner.run import Lab, Options

KVM_PROBE_S = 30.0
# A guest seldom works on both of its processors, and often waits for its device: with one host for each processor here three quarters of
# the time goes by unused. What more than so many on a processor gain is less than what their boots cost.
JOBS_ON_A_PROCESSOR = 3
JOBS_DEFAULT = 8  # of more nobody has seen what they gain
TESTS_WORTH_A_BOOT = 25
MEMORY_TAKEN = 3 / 4  # of what is free


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


def _jobs(where: Host, tests: int) -> int:
    """How many of these hosts share so many tests where nobody says."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    free_mib = next(int(line.split()[1]) >> 10 for line in lines if line.startswith("MemAvailable:"))
    fit = int(free_mib * MEMORY_TAKEN) // where.memory_mib
    useful = -(-tests // TESTS_WORTH_A_BOOT)
    return max(1, min(len(os.sched_getaffinity(0)) * JOBS_ON_A_PROCESSOR, fit, useful, JOBS_DEFAULT))


def targets(
    where: Host, lab: Lab, options: Options, folder: Path, work: Path, tests: int, stop: threading.Event, kept: Mapping[str, Any]
) -> tuple[list[Target], dict[str, Any]]:
    """The targets of a run of so many tests, and what is to be noted of them. `folder` gets their consoles, `work` the rest; `stop` ends
    it. `kept` is what was noted so far, of a run that goes on."""
    if where.target == "ssh":
        devices = choose.tested(where, options.device, [])
        console, left = folder / "console-1.log", kept.get(FOLDER)
        return [SshTarget(where, lab.programs, lab.image, work, console, stop, devices, left)], {}
    if lab.image is None:
        return [LocalTarget(lab.programs.cts_exec, work)], {}
    _, missing = qemu.make_ramdisk(lab.box, where, lab.image, lab.programs, work)
    if missing:
        say(f"the kernel has no {', '.join(missing)}; what needs it will be skipped")
    machines = [
        qemu.Machine(lab.box, where, lab.image, work, folder / f"console-{number}.log", options.accel)
        for number in range(1, (options.jobs or _jobs(where, tests)) + 1)
    ]
    notes: dict[str, Any] = {"modules_missing": missing}
    if options.accel == "kvm" and not _kvm_boots(machines[0]):
        say("KVM did not boot a guest here; going on with software emulation (TCG)")
        for machine in machines:
            machine.accel = "tcg"
        notes["accelerator_note"] = "KVM was asked for and did not boot a guest"
    return [QemuTarget(machine) for machine in machines], notes


def programs(target: Target, lab: Lab) -> dict[str, str]:
    """Where each test program is on the target, which has been on."""
    if isinstance(target, LocalTarget):
        return {name: str(path) for name, path in lab.programs.suites.items()}
    folder = target.suites if isinstance(target, SshTarget) else f"/{qemu.SUITES}"
    return {name: f"{folder}/{name}" for name in lab.programs.suites}
