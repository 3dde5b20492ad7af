# SPDX-License-Identifier: GPL-2.0-only
"""Host descriptions: lab/hosts/*.toml, and what several of them have in common: lab/hosts/parts/*.toml."""

import dataclasses
import re
import tomllib
from pathlib import Path
from typing import Any

from lab import media, realhost
from lab.arch import ARCHES, NATIVE, Arch
from lab.errors import UsageError
from lab.lava import place
from lab.media import Scratch
from lab.realhost import Access, Allowed

FOLDER = Path(__file__).parent / "hosts"
PARTS = FOLDER / "parts"
FLAVOURS = FOLDER.parent / "kernel"


@dataclasses.dataclass(frozen=True)
class Device:
    """A device under test: found on the host by its PCI id (vendor:device), taken by `driver`.

    `select` are patterns of the only tests that are run for it, as --select takes them; none: all.
    """

    name: str
    id: str
    driver: str
    select: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """A device of a virtual host that fixtures/endpoint is, on QEMU's PCI bus `bus`; `options` are those of its command line."""

    bus: str
    options: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Mdev:
    """A mediated device under test: made by writing `uuid` to the file `create` of `type` in the mdev_supported_types of `parent`. `select`
    as a device's."""

    uuid: str
    parent: str
    type: str
    select: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Misemulated:
    """Tests that a virtual host can't judge, as patterns that --select takes, and what its emulator does wrongly."""

    tests: tuple[str, ...]
    why: str


@dataclasses.dataclass(frozen=True)
class Host:
    """Where tests run. `target` is "local", "ssh", "qemu" or, with `lava`, "lava"; `faults` is "contained" where tests may provoke IOMMU
    faults, else "none": the firmware of a real machine may answer them by a reset; `slower`: how many times as long as usual its tests may
    take. `allowed` are the only functions of a real host that may be touched, if there are any, and `ssh` says how a host is reached by
    that. `scratch` are disks that tests may write to. The rest describes a virtual host: `flavour` names the lines in
    lab/kernel/<flavour>.config that its kernel has on top of those of its architecture, and `ksrc` the version of its source, if that is
    not the default one; `firmware`: it boots by that (lab/firmware.py); `noncoherent`: its device tree calls no DMA coherent."""

    name: str
    title: str
    target: str
    arch: str = ""
    memory_mib: int = 0
    cpus: int = 0
    flavour: str | None = None
    ksrc: str | None = None
    qemu: tuple[str, ...] = ()
    kernel: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    devices: tuple[Device, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    mdevs: tuple[Mdev, ...] = ()
    faults: str = "contained"
    misemulated: tuple[Misemulated, ...] = ()
    firmware: bool = False
    noncoherent: bool = False
    slower: int = 1
    allowed: tuple[Allowed, ...] = ()
    ssh: Access | None = None
    scratch: tuple[Scratch, ...] = ()
    lava: place.Place | None = None

    @property
    def real(self) -> bool:
        """Is it a machine that others use too, which has to be left as it was?"""
        return self.target not in ("qemu", "lava")

    @property
    def machine(self) -> Arch:
        """Its architecture."""
        return ARCHES.get(self.arch, NATIVE)

    @property
    def fragments(self) -> list[Path]:
        """What its kernel's configuration has on top of that of the architecture."""
        return [*([FLAVOURS / f"{self.flavour}.config"] if self.flavour else []), *([media.CONFIG] if self.scratch else [])]


LOCAL = Host("local", "this machine, as an example of a real host", "local", faults="none")

_KEYS: dict[str, type[str] | type[int] | type[bool] | type[list[Any]] | type[dict[Any, Any]]] = {
    "title": str, "target": str, "arch": str, "memory_mib": int, "cpus": int, "qemu": list, "kernel": list,
    "modules": list, "device": list, "parts": list, "flavour": str, "ksrc": str, "faults": str, "misemulated": list, "firmware": bool,
    "slower": int, "noncoherent": bool, "endpoint": list, "mdev": list, "scratch": list, "allow": list, "like": str, "lava": dict,
    **realhost.KEYS,
}  # fmt: skip
_LISTS = ("qemu", "kernel", "modules", "parts")
_STRINGS = (*_LISTS, "power_cycle", "console")
_FAULTS = ("none", "contained")
REAL = ("local", "ssh")
_OF_QEMU = {*_KEYS} - {"allow", "like", "lava", *(set(realhost.KEYS) - {"kernel", "arch"})}
_OF_LAVA = ("title", "target", "lava", "arch", "flavour", "ksrc", "kernel", "modules", "device", "faults", "misemulated", "slower")
_REQUIRED = ("title", "target", "arch", "memory_mib", "cpus", "qemu")


def _selecting(where: str, table: Any, fields: set[str]) -> tuple[str, ...]:
    """Checks that a table has the strings `fields` and nothing else but perhaps a list `select`, which is taken out and returned."""
    select = table.pop("select", []) if isinstance(table, dict) else []
    if not isinstance(table, dict) or set(table) != fields or not all(isinstance(v, str) for v in table.values()):
        raise UsageError(f"{where}: needs exactly the strings {', '.join(sorted(fields))}, and may have a list select")
    if not isinstance(select, list) or not all(isinstance(pattern, str) for pattern in select):
        raise UsageError(f"{where}: select must be a list of strings")
    return tuple(select)


def _device(path: Path, number: int, table: Any) -> Device:
    where = f"{path}: [[device]] number {number}"
    select = _selecting(where, table, {"name", "id", "driver"})
    if not re.fullmatch(r"[0-9a-f]{4}:[0-9a-f]{4}", table["id"]):
        raise UsageError(f"{where}: id = {table['id']!r} is no vendor:device in hexadecimal, such as 8086:10c9")
    return Device(**table, select=select)


def _mdev(path: Path, number: int, table: Any) -> Mdev:
    where = f"{path}: [[mdev]] number {number}"
    select = _selecting(where, table, {"uuid", "parent", "type"})
    if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", table["uuid"]):
        raise UsageError(f"{where}: uuid = {table['uuid']!r} is no UUID in lower case")
    return Mdev(**table, select=select)


def _endpoint(path: Path, number: int, table: Any) -> Endpoint:
    match table:
        case {"bus": str(bus), **more} if set(more) <= {"options"}:
            options = more.get("options", [])
            if isinstance(options, list) and all(isinstance(word, str) for word in options):
                return Endpoint(bus, tuple(options))
    raise UsageError(f"{path}: [[endpoint]] number {number}: needs a string, bus, and may have a list of strings, options")


def _misemulated(path: Path, number: int, table: Any) -> Misemulated:
    match table:
        case {"tests": [_, *_] as tests, "why": str(why), **more} if not more and all(isinstance(test, str) for test in tests):
            return Misemulated(tuple(tests), why)
    raise UsageError(f"{path}: [[misemulated]] number {number}: needs exactly a list of strings, tests, and a string, why")


def _check_arch(path: Path, name: str) -> None:
    if name not in ARCHES:
        raise UsageError(f"{path}: arch = {name!r} is not known (known: {', '.join(ARCHES)})")


def _real(path: Path, table: dict[str, Any]) -> Host:
    """This machine, or one that is reached by ssh."""
    target = table["target"]
    known = (*realhost.OF_BOTH, *(realhost.KEYS if target == "ssh" else ()))
    for key in table:
        if key not in known:
            raise UsageError(f"{path}: {key} is not for target = {target!r}, where there may be {', '.join(known)}")
    _check_arch(path, table.get("arch", NATIVE.name))
    title = table.get("title", LOCAL.title if target == "local" else f"a real host, {table.get('address')}")
    return Host(
        path.stem, title, target, table.get("arch", ""), faults=table.get("faults", LOCAL.faults), slower=table.get("slower", 1),
        allowed=realhost.allow_list(path, table.get("allow", [])),
        ssh=realhost.access(path, table) if target == "ssh" else None,
        scratch=media.read(path, table.get("scratch", []), virtual=False),
    )  # fmt: skip


def _in_lava(path: Path, table: dict[str, Any]) -> Host:
    """A host of a LAVA laboratory: one that is `like` a virtual host, and judged under its name, or one that is described here."""
    where = place.read(path, table.get("lava"))
    name = table.get("like")
    allowed = ("title", "target", "lava", "like") if name else _OF_LAVA
    for key in table:
        if key not in allowed:
            raise UsageError(f"{path}: {key} has no meaning here; there may be {', '.join(allowed)}")
    if name:
        model = find(name)
        if model.target != "qemu" or model.endpoints or model.firmware or model.noncoherent or model.scratch:
            kinds = "endpoints, firmware, noncoherent, scratch"
            raise UsageError(f"{path}: like = {name!r}: no virtual host that LAVA's QEMU could be (no {kinds})")
        return dataclasses.replace(model, title=table.get("title", model.title), target="lava", lava=where)
    if table.get("arch") not in ARCHES:
        raise UsageError(f"{path}: arch = {table.get('arch')!r} is not known (known: {', '.join(ARCHES)})")
    if "device" not in table or "title" not in table:
        raise UsageError(f"{path}: missing title or device; or name a virtual host that it is like")
    given: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    return Host(path.stem, **{"faults": LOCAL.faults, **given, "devices": given.pop("device"), "lava": where})


def _table(path: Path) -> dict[str, Any]:
    """A file's keys, with the types that they must have; its devices are read."""
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
        if key in _STRINGS and not all(isinstance(word, str) for word in table[key]):
            raise UsageError(f"{path}: {key} must be a list of strings")
    if table.get("faults", "none") not in _FAULTS:
        raise UsageError(f"{path}: faults = {table['faults']!r} is none of {', '.join(_FAULTS)}")
    if "device" in table:
        table["device"] = [_device(path, number, entry) for number, entry in enumerate(table["device"], 1)]
    if "endpoint" in table:
        table["endpoint"] = [_endpoint(path, number, entry) for number, entry in enumerate(table["endpoint"], 1)]
    if "mdev" in table:
        table["mdev"] = [_mdev(path, number, entry) for number, entry in enumerate(table["mdev"], 1)]
    if "misemulated" in table:
        table["misemulated"] = [_misemulated(path, number, entry) for number, entry in enumerate(table["misemulated"], 1)]
    return table


def _with_parts(path: Path, table: dict[str, Any]) -> dict[str, Any]:
    """A description with the parts that it names: their lists behind its own, their other keys where it has none."""
    for name in table.pop("parts", []):
        file = PARTS / f"{name}.toml"
        if not file.is_file():
            known = ", ".join(sorted(part.stem for part in PARTS.glob("*.toml")))
            raise UsageError(f"{path}: parts: there is no {name!r} (known: {known})")
        part = _table(file)
        table = part | table | {key: table.get(key, []) + part[key] for key in part if isinstance(part[key], list)}
    return table


def read(path: Path) -> Host:
    """Reads one description; UsageError names the file and the key at fault."""
    table = _table(path)
    if table.get("target") in REAL:
        return _real(path, table)
    if table.get("target") == "lava":
        return _in_lava(path, table)
    table = _with_parts(path, table)
    missing: list[str] = [key for key in _REQUIRED if key not in table]
    if "device" not in table and "mdev" not in table:
        missing.append("device")
    if missing:
        raise UsageError(f"{path}: missing {', '.join(missing)}")
    if table["target"] != "qemu":
        raise UsageError(f"{path}: target = {table['target']!r} is not known (known: {', '.join((*REAL, 'qemu', 'lava'))})")
    for key in table:
        if key not in _OF_QEMU:
            raise UsageError(f"{path}: {key} is for real hosts; with target = 'qemu' there may be {', '.join(sorted(_OF_QEMU))}")
    _check_arch(path, table["arch"])
    devices, mdevs = tuple(table.pop("device", [])), tuple(table.pop("mdev", []))
    endpoints = tuple(table.pop("endpoint", ()))
    table["scratch"] = media.read(path, table.get("scratch", []), virtual=True)
    table |= {key: tuple(table[key]) for key in (*_LISTS, "misemulated") if key in table}
    found = Host(path.stem, devices=devices, endpoints=endpoints, mdevs=mdevs, **table)
    for fragment in found.fragments:
        if not fragment.is_file():
            raise UsageError(f"{path}: flavour = {found.flavour!r}: there is no {fragment}")
    if found.ksrc is not None and not re.fullmatch(r"\d+\.\d+", found.ksrc):
        raise UsageError(f"{path}: ksrc = {found.ksrc!r} is no version that the distribution packages, such as 6.12")
    if found.firmware and found.machine.firmware is None:
        raise UsageError(f"{path}: firmware: there is none for {found.arch} hosts")
    if found.scratch and found.machine is not NATIVE:
        raise UsageError(f"{path}: [[scratch]]: there is no fio for {found.arch} hosts")
    if found.noncoherent and (found.firmware or not found.machine.device_tree):
        raise UsageError(f"{path}: noncoherent: only a host that a device tree describes can be (arch = 'aarch64', no firmware)")
    return found


def names() -> list[str]:
    """Every host that `find` knows."""
    return ["local", *sorted(path.stem for path in FOLDER.glob("*.toml"))]


def virtual() -> list[str]:
    """The names of those in QEMU."""
    return [name for name in names() if find(name).target == "qemu"]


def find(name: str) -> Host:
    """The host of this name, or of this path to a .toml file."""
    if name == LOCAL.name:
        return LOCAL
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not path.is_file():
        raise UsageError(f"no host {name!r}; known: {', '.join(names())} (or a path to a .toml file)")
    return read(path)
