# SPDX-License-Identifier: GPL-2.0-only
"""Host descriptions: lab/hosts/*.toml."""

import dataclasses
import re
import tomllib
from pathlib import Path
from typing import Any

from lab.errors import UsageError

FOLDER = Path(__file__).parent / "hosts"


@dataclasses.dataclass(frozen=True)
class Device:
    """A device under test: found on the host by its PCI id (vendor:device), taken by `driver`."""

    name: str
    id: str
    driver: str


@dataclasses.dataclass(frozen=True)
class Host:
    """Where tests run. `target` is "local" or "qemu"; `faults` is "contained" where tests may provoke IOMMU faults, else "none": the
    firmware of a real machine may answer them by a reset. The rest below `title` describes a virtual host."""

    name: str
    title: str
    target: str
    arch: str = ""
    memory_mib: int = 0
    cpus: int = 0
    qemu: tuple[str, ...] = ()
    kernel: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    devices: tuple[Device, ...] = ()
    faults: str = "contained"


LOCAL = Host("local", "this machine, as an example of a real host", "local", faults="none")

_KEYS: dict[str, type[str] | type[int] | type[list[Any]]] = {
    "title": str, "target": str, "arch": str, "memory_mib": int, "cpus": int, "qemu": list, "kernel": list,
    "modules": list, "device": list, "faults": str,
}  # fmt: skip
_LISTS = ("qemu", "kernel", "modules")
_FAULTS = ("none", "contained")
_OF_LOCAL = ("title", "target", "faults")
_REQUIRED = ("title", "target", "arch", "memory_mib", "cpus", "qemu", "device")


def _device(path: Path, number: int, table: Any) -> Device:
    where = f"{path}: [[device]] number {number}"
    fields = {"name", "id", "driver"}
    if not isinstance(table, dict) or set(table) != fields or not all(isinstance(v, str) for v in table.values()):
        raise UsageError(f"{where}: needs exactly the strings {', '.join(sorted(fields))}")
    if not re.fullmatch(r"[0-9a-f]{4}:[0-9a-f]{4}", table["id"]):
        raise UsageError(f"{where}: id = {table['id']!r} is no vendor:device in hexadecimal, such as 8086:10c9")
    return Device(**table)


def _local(path: Path, table: dict[str, Any]) -> Host:
    """This machine, with a description of its own."""
    for key in table:
        if key not in _OF_LOCAL:
            raise UsageError(f"{path}: {key} is for virtual hosts; with target = 'local' there may be {', '.join(_OF_LOCAL)}")
    return Host(path.stem, table.get("title", LOCAL.title), "local", faults=table.get("faults", LOCAL.faults))


def read(path: Path) -> Host:
    """Reads one description; UsageError names the file and the key at fault."""
    try:
        table = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: {error}") from error
    for key, value in table.items():
        if key not in _KEYS:
            raise UsageError(f"{path}: unknown key {key!r} (known: {', '.join(_KEYS)})")
        if not isinstance(value, _KEYS[key]):
            raise UsageError(f"{path}: {key} must be a {_KEYS[key].__name__}")
        if _KEYS[key] is int and (value is True or value < 1):
            raise UsageError(f"{path}: {key} must be 1 or more")
        if key in _LISTS and not all(isinstance(word, str) for word in table[key]):
            raise UsageError(f"{path}: {key} must be a list of strings")
    if table.get("faults", "none") not in _FAULTS:
        raise UsageError(f"{path}: faults = {table['faults']!r} is none of {', '.join(_FAULTS)}")
    if table.get("target") == LOCAL.target:
        return _local(path, table)
    missing: list[str] = [key for key in _REQUIRED if key not in table]
    if missing:
        raise UsageError(f"{path}: missing {', '.join(missing)}")
    if table["target"] != "qemu":
        raise UsageError(f"{path}: target = {table['target']!r} is not known (known: local, qemu)")
    devices = tuple(_device(path, number, entry) for number, entry in enumerate(table.pop("device"), 1))
    table |= {key: tuple(table[key]) for key in _LISTS if key in table}
    return Host(path.stem, devices=devices, **table)


def names() -> list[str]:
    """Every host that `find` knows."""
    return ["local", *sorted(path.stem for path in FOLDER.glob("*.toml"))]


def find(name: str) -> Host:
    """The host of this name, or of this path to a .toml file."""
    if name == LOCAL.name:
        return LOCAL
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not path.is_file():
        raise UsageError(f"no host {name!r}; known: {', '.join(names())} (or a path to a .toml file)")
    return read(path)
