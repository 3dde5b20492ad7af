# SPDX-License-Identifier: GPL-2.0-only
"""`iommu-cts lab boot|shell|clean|lock`."""

import argparse
import sys
from pathlib import Path

from lab import cache, host, places, qemu, scratch, toolbox
from lab.errors import UsageError
from lab.progress import Step
from results.journal import Writer
from runner import run as running
from runner.session import Session
from runner.targets.qemu import QemuTarget


def machine(arguments: argparse.Namespace, folder: Path) -> qemu.Machine:
    """The virtual host that the command line names, ready to be switched on; `folder` is its own."""
    where = host.find(arguments.host)
    if where.target != "qemu":
        raise UsageError(f"host {where.name} is no virtual host")
    lab = running.prepare(where, arguments.kernel, arguments.modules)
    assert lab.image is not None
    qemu.make_ramdisk(lab.box, where, lab.image, lab.programs, folder)
    return qemu.Machine(lab.box, where, lab.image, folder, folder / "console.log", arguments.accel)


def boot(arguments: argparse.Namespace) -> int:
    """Boots a virtual host and prints what it says of itself."""
    with scratch.folder() as folder:
        target = QemuTarget(machine(arguments, folder))
        with Writer(folder / "journal.jsonl") as journal:
            session = Session(target, journal)
            try:
                with Step(f"booting {arguments.host}"):
                    inventory = session.boot()
            finally:
                target.power_off()
    hello = inventory.hello
    print(f"{hello['uname']['release']} {hello['uname']['version']}, {hello['cpus']} CPUs, {hello['memory_kib'] >> 10} MiB")
    print(f"IOMMUs: {', '.join(hello['iommu']) or 'none'}; /dev/iommu: {'yes' if hello['iommufd'] else 'no'}")
    for device in inventory.devices:
        group = "no group" if device["group"] is None else f"group {device['group']}"
        print(f"{device['bdf']} {device['vendor']}:{device['device']} class {device['class']} {group} {device['driver'] or '-'}")
    return 0


def shell(arguments: argparse.Namespace) -> int:
    """Boots a virtual host with a shell on this terminal."""
    if not sys.stdin.isatty():
        raise UsageError("lab shell needs a terminal")
    with scratch.folder() as folder:
        found = machine(arguments, folder)
        print("Ctrl-A X ends the machine.", flush=True)
        return found.interactive(["cts.shell"])


def _size(path: Path) -> int:
    """Bytes on the disk; a file with several names (patched sources share what is not patched) counts once."""
    seen = {(info.st_dev, info.st_ino): info.st_blocks * 512 for info in (file.lstat() for file in path.rglob("*"))}
    return sum(seen.values())


def clean(arguments: argparse.Namespace) -> int:
    """Shows the kinds of things in the cache with their sizes; removes them with --yes."""
    root = cache.root()
    kinds = sorted(path for path in root.glob("*") if path.is_dir() and path.name != scratch.KIND)  # which looks after itself
    unknown = set(arguments.kind) - {path.name for path in kinds}
    if unknown:
        raise UsageError(f"nothing of kind {', '.join(sorted(unknown))} in {root}")
    for path in kinds:
        if arguments.kind and path.name not in arguments.kind:
            continue
        print(f"{_size(path) >> 20:7d} MiB  {path}")
        if arguments.yes:
            cache.remove(path)
    print("removed" if arguments.yes else "nothing was removed; --yes does it")
    return 0


def lock(_: argparse.Namespace) -> int:
    """Renews lab/toolbox.lock."""
    places.in_a_checkout("`lab lock`")
    toolbox.write_lock()
    print(toolbox.LOCK)
    return 0
