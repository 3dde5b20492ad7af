# SPDX-License-Identifier: GPL-2.0-only
"""`python3 -m lab.server`: a server in QEMU to try on it what is for real hosts."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from lab import entry
from lab.errors import UsageError
from lab.server.machine import NAME, Server


def _made(folder: Path) -> Server:
    server = Server(folder)
    if not server.is_made:
        raise UsageError(f"{folder} holds no server; make one: python3 -m lab.server boot {folder}")
    return server


def _boot(arguments: argparse.Namespace) -> int:
    server = Server(arguments.folder)
    if not server.is_made:
        server.make()
    server.power_on(arguments.share)
    server.wait()
    print(f"host file  {server.host_file}")
    print(f"ssh        ssh -F {server.ssh_config} {NAME}")
    print(f"key        {server.folder / 'key'}")
    print(f"console    {server.console}")
    return 0


def _power(arguments: argparse.Namespace) -> int:
    server = _made(arguments.folder)
    actions: dict[str, Callable[[], None]] = {"on": server.power_on, "off": server.power_off, "reset": server.reset}
    actions[arguments.action]()
    return 0


def _kernel(arguments: argparse.Namespace) -> int:
    named = os.environ.get("CTS_IMAGE")
    if not named:
        raise UsageError("CTS_IMAGE names no kernel image; `iommu-cts run --kernel` sets it")
    _made(arguments.folder).use_kernel(Path(named))
    return 0


def _parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python3 -m lab.server", description="A machine that Debian runs on, in QEMU, with an sshd.")
    actions = top.add_subparsers(required=True, metavar="ACTION")
    boot = actions.add_parser("boot", help="make it if it is not there, switch it on, wait until it answers, say how to reach it")
    boot.add_argument("--share", type=Path, metavar="DIR", help="a folder that it may read: mount -t 9p -o trans=virtio host /mnt/src")
    boot.set_defaults(call=_boot)
    power = actions.add_parser("power", help="its power switch and its reset button")
    power.set_defaults(call=_power)
    kernel = actions.add_parser("kernel", help="boot the kernel that $CTS_IMAGE names from now on")
    kernel.set_defaults(call=_kernel)
    for action in (boot, power, kernel):
        action.add_argument("folder", type=Path, metavar="DIR", help="where it is kept: disks, keys, console, host.toml")
    power.add_argument("action", choices=("on", "off", "reset"))
    return top


def _main() -> int:
    arguments = _parser().parse_args()
    return int(arguments.call(arguments))


if __name__ == "__main__":
    sys.exit(entry.ending("lab.server", _main))
