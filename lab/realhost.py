# SPDX-License-Identifier: GPL-2.0-only
"""What the description of a real host says beside its title: which devices may be touched, and how the host is reached.

A description is as trusted as a Makefile: it names commands, which are run. Nothing else in it can do more than be refused.
"""

import dataclasses
import re
from pathlib import Path
from typing import Any

from lab.errors import UsageError

DRIVER = "vfio-pci"
_BDF = r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]"
_NAME = r"[A-Za-z0-9_-]{1,64}"
_PATH = r"/[A-Za-z0-9_./-]{0,200}"
_PORT_MAX = 65535
_ALLOW = {"bdf", "serial", "driver", "name"}


@dataclasses.dataclass(frozen=True)
class Allowed:
    """A PCI function that may be touched. `serial`, if it is given, is the serial number that it must have; `driver` is who takes it."""

    bdf: str
    serial: str | None = None
    driver: str = DRIVER
    name: str = ""


@dataclasses.dataclass(frozen=True)
class Access:
    """How a host is reached by ssh. `config` stands for the user's ~/.ssh/config; `folder` is where programs are put on the host, None:
    where they can be. The rest are commands for the runner's machine, as lists of words: `power_cycle` gives the host a fresh kernel,
    `console` writes its console, `kernel` makes it boot another kernel; empty where there is none."""

    address: str
    port: int | None = None
    config: str | None = None
    folder: str | None = None
    power_cycle: tuple[str, ...] = ()
    console: tuple[str, ...] = ()
    kernel: tuple[str, ...] = ()


KEYS: dict[str, type[str] | type[int] | type[list[Any]]] = {
    "address": str, "port": int, "ssh_config": str, "folder": str, "power_cycle": list, "console": list, "kernel": list,
    "arch": str,
}  # fmt: skip
OF_BOTH = ("title", "target", "faults", "slower", "allow")  # of a host that is real, wherever it is
_COMMANDS = ("power_cycle", "console", "kernel")


def allowed(path: Path, number: int, table: Any) -> Allowed:
    """One [[allow]]; UsageError names what is wrong with it."""
    where = f"{path}: [[allow]] number {number}"
    strings = isinstance(table, dict) and all(isinstance(value, str) for value in table.values())
    if not strings or not set(table) <= _ALLOW or "bdf" not in table:
        raise UsageError(f"{where}: needs the string bdf, may have the strings {', '.join(sorted(_ALLOW - {'bdf'}))}, and nothing else")
    found = Allowed(**table)
    if not re.fullmatch(_BDF, found.bdf):
        raise UsageError(f"{where}: bdf = {found.bdf!r} is no address of a PCI function such as 0000:01:00.0")
    if not re.fullmatch(_NAME, found.driver):
        raise UsageError(f"{where}: driver = {found.driver!r} is no name of a driver, such as {DRIVER}")
    if found.serial is not None and not (found.serial and found.serial.isascii() and found.serial.isprintable()):
        raise UsageError(f"{where}: serial = {found.serial!r} is no serial number")
    if not found.name.isprintable():
        raise UsageError(f"{where}: name = {found.name!r} can't be printed")
    return found


def allow_list(path: Path, entries: list[Any]) -> tuple[Allowed, ...]:
    """All of [[allow]]: each function once."""
    found = tuple(allowed(path, number, entry) for number, entry in enumerate(entries, 1))
    for number, entry in enumerate(found, 1):
        if entry.bdf in [other.bdf for other in found[: number - 1]]:
            raise UsageError(f"{path}: [[allow]] number {number}: {entry.bdf} is there already")
    return found


def access(path: Path, table: dict[str, Any]) -> Access:
    """The keys of KEYS, whose types have been looked at; UsageError names what is wrong."""
    address = table.get("address", "")
    if not address:
        raise UsageError(f"{path}: missing address: what ssh is to call, such as root@box or a Host of ~/.ssh/config")
    if address.startswith("-") or not address.isprintable() or " " in address:
        raise UsageError(f"{path}: address = {address!r} is nothing that ssh could call")
    if table.get("port", 1) > _PORT_MAX:
        raise UsageError(f"{path}: port = {table['port']} is beyond {_PORT_MAX}")
    if "folder" in table and not re.fullmatch(_PATH, table["folder"]):
        raise UsageError(f"{path}: folder = {table['folder']!r} is no absolute path of letters, digits and ._-/")
    for key in _COMMANDS:
        words = table.get(key, ["true"])
        if not words or not words[0] or any("\0" in word for word in words):
            raise UsageError(f'{path}: {key} must be a command, its words in a list, such as ["ipmitool", "power", "cycle"]')
    config = str(path.absolute().parent / table["ssh_config"]) if "ssh_config" in table else None
    if config is not None and not Path(config).is_file():
        raise UsageError(f"{path}: ssh_config: there is no file {config}")
    commands = {key: tuple(table.get(key, ())) for key in _COMMANDS}
    return Access(address, table.get("port"), config, table.get("folder"), **commands)
