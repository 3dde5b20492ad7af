# SPDX-License-Identifier: GPL-2.0-only
"""What cts-survey says of a host (docs/doctor.md), typed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from results.typed import ShapeError, decode

VERSION = 1


@dataclass(frozen=True)
class Kernel:
    release: str
    version: str
    machine: str
    cmdline: str | None = None
    taint: str | None = None
    dmesg_restrict: str | None = None


@dataclass(frozen=True)
class Limit:
    """Bytes; None: no limit."""

    soft: int | None
    hard: int | None


@dataclass(frozen=True)
class Pool:
    """Huge pages of one size; -1 where a number can't be read."""

    kib: int
    total: int
    free: int


@dataclass(frozen=True)
class Node:
    node: int
    memory_kib: int
    cpus: str | None = None
    huge: list[Pool] = field(default_factory=list)


@dataclass(frozen=True)
class File:
    exists: bool
    usable: bool


@dataclass(frozen=True)
class Interrupts:
    """`remapped`: one goes through an IOMMU; `its`: one goes through an Arm ITS."""

    readable: bool
    remapped: bool
    its: bool


@dataclass(frozen=True)
class Log:
    """Lines of the kernel's log. `begins`: the boot is still in it."""

    readable: bool
    begins: bool
    cut: bool
    lines: list[str]


@dataclass(frozen=True)
class Net:
    name: str
    state: str | None = None


@dataclass(frozen=True)
class Block:
    name: str
    holders: list[str]
    mounted: str | None = None


@dataclass(frozen=True)
class Function:
    """A PCI function. What comes from its capabilities is None or empty where they may not be read."""

    bdf: str
    vendor: str
    device: str
    class_code: str
    numa_node: int
    bridge: bool
    multifunction: bool
    driver: str | None = None
    group: int | None = None
    cdev: str | None = None
    capabilities: list[str] | None = None
    express: int | None = None
    acs_able: int = 0
    acs_on: int = 0
    vfs: int = 0
    bridges: list[str] = field(default_factory=list)
    aliases: list[str] | None = None
    net: list[Net] = field(default_factory=list)
    block: list[Block] = field(default_factory=list)

    @property
    def id(self) -> str:
        return f"{self.vendor}:{self.device}"


@dataclass(frozen=True)
class Region:
    start: str
    end: str
    type: str


@dataclass(frozen=True)
class Group:
    group: int
    reserved: list[Region]
    members: list[str]
    type: str | None = None


@dataclass(frozen=True)
class Facts:
    """A host. `raw` is the object as it came."""

    survey: int
    kernel: Kernel
    uid: int
    capabilities: int
    memlock: Limit
    cpus: int
    hypervisor: bool
    page_size: int
    memory_kib: int
    available_kib: int
    huge: list[Pool]
    nodes: list[Node]
    iommus: list[dict[str, Any]]
    groups: int
    parameters: dict[str, Any]
    files: dict[str, Any]
    modules: dict[str, Any]
    services: dict[str, Any]
    interrupts: Interrupts
    log: Log
    named: list[str]
    functions: list[Function]
    group_list: list[Group]
    lockdown: str | None = None
    secure_boot: bool | None = None
    raw: dict[str, Any] = field(default_factory=dict)

    def file(self, path: str) -> File:
        return decode(File, self.files[path])

    def function(self, bdf: str) -> Function | None:
        return next((one for one in self.functions if one.bdf == bdf), None)

    def group_of(self, function: Function) -> Group | None:
        return next((one for one in self.group_list if one.group == function.group), None)

    def has(self, capability: int) -> bool:
        """May the survey's process do this (capability numbers of linux/capability.h)?"""
        return bool(self.capabilities >> capability & 1)


def read(text: str) -> Facts:
    """What cts-survey printed. ShapeError says what is wrong with it."""
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise ShapeError(f"no JSON: {error}") from None
    if not isinstance(raw, dict) or raw.get("survey") != VERSION:
        raise ShapeError(f"no survey of version {VERSION}: {text[:80]!r}")
    return decode(Facts, {**raw, "raw": raw})
