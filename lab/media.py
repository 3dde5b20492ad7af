# SPDX-License-Identifier: GPL-2.0-only
"""Scratch media: NVMe disks whose content is nobody's, which a host's description declares by their serial numbers.

A test loads them by fio, under the kernel's own driver. What is not declared is never written to; that a disk is the declared one and
free is looked at on the target itself (lib/medium.h).
"""

import dataclasses
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab import toolbox
from lab.errors import UsageError

CONFIG = Path(__file__).parent / "kernel" / "scratch.config"  # what a kernel needs for them
VARIABLE = "CTS_SCRATCH_SERIALS"  # by which tests are told, one serial number a line
SERIAL_MAX = 20  # bytes, NVM Express Base Specification, Identify Controller
SIZE = 64 << 20  # of a virtual host's, bytes; what was not written takes no room


@dataclasses.dataclass(frozen=True)
class Scratch:
    """A medium with this serial number. A virtual host has it on QEMU's PCI bus `bus`; on a real one it is there."""

    serial: str
    bus: str | None = None


def _one(where: str, table: Any, virtual: bool) -> Scratch:
    keys = {"serial", "bus"} if virtual else {"serial"}
    if not isinstance(table, dict) or set(table) != keys or not all(isinstance(value, str) for value in table.values()):
        raise UsageError(f"{where}: needs exactly {' and '.join(f'a string {key}' for key in sorted(keys))}")
    serial = table["serial"]
    if not (0 < len(serial) <= SERIAL_MAX and serial.isascii() and serial.isprintable() and serial == serial.strip()):
        raise UsageError(f"{where}: serial = {serial!r} is no serial number of an NVMe, as its file serial in /sys/class/nvme/nvme0 has it")
    return Scratch(**table)


def read(path: Path, entries: Sequence[Any], virtual: bool) -> tuple[Scratch, ...]:
    """All of [[scratch]], each serial number once; UsageError names what is wrong."""
    found = tuple(_one(f"{path}: [[scratch]] number {number}", entry, virtual) for number, entry in enumerate(entries, 1))
    for number, entry in enumerate(found, 1):
        if entry.serial in [other.serial for other in found[: number - 1]]:
            raise UsageError(f"{path}: [[scratch]] number {number}: {entry.serial} is there already")
    return found


def environment(media: Sequence[Scratch]) -> dict[str, str]:
    """What the tests of a host with these find in their environment."""
    return {VARIABLE: "\n".join(medium.serial for medium in media)} if media else {}


def devices(media: Sequence[Scratch], files: Sequence[str]) -> list[str]:
    """QEMU's options for these media, whose content is in `files`, paths where QEMU runs."""
    words = []
    for number, (medium, file) in enumerate(zip(media, files, strict=True), 1):
        node = f"scratch{number}"
        disk = {"driver": "raw", "node-name": node, "file": {"driver": "file", "filename": file}}
        nvme = {"driver": "nvme", "bus": medium.bus, "serial": medium.serial, "drive": node}
        words += ["-blockdev", json.dumps(disk), "-device", json.dumps(nvme)]
    return words


def make(file: Path) -> None:
    """An empty medium, whatever it was before."""
    with file.open("wb") as stream:
        stream.truncate(SIZE)


def fio() -> dict[str, Path]:
    """fio and the shared libraries that it needs, as a ramdisk has them. LabError if it can't be had."""
    box = toolbox.obtain("fio")
    said = box.run("listing the libraries of fio", ["ldd", "/usr/bin/fio"]).stdout
    paths = re.findall(r"(/\S+) \(0x", said)
    return {"bin/fio": box.tree / "usr/bin/fio"} | {path.removeprefix("/"): box.tree / path.removeprefix("/") for path in paths}
