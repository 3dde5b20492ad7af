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
class Kexec:
    """How the kernel that runs on a host starts another: with the initial ramdisk of this path on the host, None: with none, and with
    these words behind those of the command line that the host was booted with."""

    initrd: str | None = None
    append: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Access:
    """How a host is reached by ssh. `config` stands for the user's ~/.ssh/config; `folder` is where programs are put on the host, None:
    where they can be. `power_cycle`, `console` and `kernel` are commands for the runner's machine, as lists of words, empty where there
    is none: the first gives the host a fresh kernel, the second writes its console, the third makes it boot another kernel. `kexec` is
    another way to do that, for which there is no command."""

    address: str
    port: int | None = None
    config: str | None = None
    folder: str | None = None
    power_cycle: tuple[str, ...] = ()
    console: tuple[str, ...] = ()
    kernel: tuple[str, ...] = ()
    kexec: Kexec | None = None

    @property
    def boots_others(self) -> bool:
        """Is there a way to get another kernel in?"""
        return bool(self.kernel or self.kexec)


KEYS: dict[str, type[str] | type[int] | type[list[Any]] | type[dict[Any, Any]]] = {
    "address": str, "port": int, "ssh_config": str, "folder": str, "power_cycle": list, "console": list, "kernel": list,
    "kexec": dict, "arch": str,
}  # fmt: skip
OF_BOTH = ("title", "target", "faults", "slower", "allow", "scratch")  # of a host that is real, wherever it is
_COMMANDS = ("power_cycle", "console", "kernel")
_KEXEC = ("initrd", "append")


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
    if "kernel" in table and "kexec" in table:
        raise UsageError(f"{path}: kernel and [kexec] are two ways to boot another kernel; one of them has to go")
    commands = {key: tuple(table.get(key, ())) for key in _COMMANDS}
    kexec = _kexec(path, table["kexec"]) if "kexec" in table else None
    return Access(address, table.get("port"), config, table.get("folder"), kexec=kexec, **commands)


def _kexec(path: Path, table: dict[str, Any]) -> Kexec:
    """[kexec]; UsageError names what is wrong with it."""
    for key in table:
        if key not in _KEXEC:
            raise UsageError(f"{path}: [kexec] {key} is not known; there may be {' and '.join(_KEXEC)}")
    initrd, append = table.get("initrd"), table.get("append", [])
    if initrd is not None and not (isinstance(initrd, str) and re.fullmatch(_PATH, initrd)):
        raise UsageError(f"{path}: [kexec] initrd = {initrd!r} is no absolute path of letters, digits and ._-/")
    if not isinstance(append, list) or not all(isinstance(word, str) and word.isascii() and word.isprintable() for word in append):
        raise UsageError(f"{path}: [kexec] append must be a list of words of the kernel's command line")
    return Kexec(initrd, tuple(append))
