# SPDX-License-Identifier: GPL-2.0-only
"""The devices of a real host: the ones that are named or that its description allows, if they are still the ones that were meant.

A card that was moved to another slot has another address, and another one may have its. So an entry may name a serial number: that of the
PCI Express capability, or that of the vital product data, which is only read where it is asked for: some devices take seconds to answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lab.errors import LabError, UsageError
from lab.host import Host
from lab.realhost import Allowed
from runner.dma_owner import keeps_group
from runner.session import Inventory, Needed, Take

# Vital product data: PCI Local Bus Specification 3.0, appendix I.
_READ_ONLY, _END = 0x90, 0x78
_LARGE = 0x80

Read = Callable[[str], bytes | None]
"""Reads a file of the host; None if it can't be read."""


def vpd_serial(data: bytes) -> str | None:
    """The serial number in vital product data, None if there is none or the data is broken."""
    at = 0
    while at < len(data) and data[at] != _END:
        if not data[at] & _LARGE:
            at += 1 + (data[at] & 7)
            continue
        size = int.from_bytes(data[at + 1 : at + 3], "little")
        if data[at] == _READ_ONLY:
            return _field(data[at + 3 : at + 3 + size], b"SN")
        at += 3 + size
    return None


def _field(data: bytes, name: bytes) -> str | None:
    at = 0
    while at + 3 <= len(data):
        size = data[at + 2]
        if data[at : at + 2] == name:
            return data[at + 3 : at + 3 + size].decode("ascii", "replace").strip("\0 ")
        at += 3 + size
    return None


def chosen(host: Host, named: Sequence[str]) -> list[Allowed]:
    """What is to be tested: the named ones, which have to be allowed if the description says what is, or else all that it allows.
    UsageError."""
    if not host.allowed:
        if not named:
            raise UsageError(f"on host {host.name} nothing is touched unless it is named: --device <BDF> (see `lspci -D`), or [[allow]]")
        return [Allowed(bdf) for bdf in named]
    by_bdf = {entry.bdf: entry for entry in host.allowed}
    for bdf in named:
        if bdf not in by_bdf:
            raise UsageError(f"--device {bdf}: the description of host {host.name} allows only {', '.join(by_bdf)}")
    return [by_bdf[bdf] for bdf in named or by_bdf]


def devices(host: Host, named: Sequence[str], inventory: Inventory, read: Read) -> list[Needed]:
    """What has to be done for them, in order.

    Only root can take a device; to anybody else it has to be given before: that it has a vfio driver, he may open its node. What a
    vfio driver has keeps that one, but nobody else may be using it. LabError for what is not there, is another one than was meant, or
    can't be had.
    """
    wanted: list[Needed] = []
    entries = chosen(host, named)
    bdfs = [entry.bdf for entry in entries]
    for entry in entries:
        found = inventory.find(entry.bdf)
        if found is None:
            have = ", ".join(device["bdf"] for device in inventory.devices)
            raise LabError(f"{entry.bdf}: no such device on host {host.name}; it has {have or 'none'}")
        _check_serial(entry, found, read)
        _check_group(found, bdfs, inventory)
        ready = found.get("cdev") is not None
        if inventory.hello.get("uid") == 0:
            wanted.append(Take(entry.bdf, str(found["driver"]) if ready else entry.driver, "idle"))
        elif not ready:
            driver = found.get("driver")
            now = f"driver {driver} has it" if driver else "it has no driver"
            raise LabError(
                f"{entry.bdf}: {now}, and only root can give it to {entry.driver}; root can also give it to a user: bind it to "
                f"{entry.driver} and let him open its node in /dev/vfio/devices"
            )
    return wanted


def _check_group(found: Mapping[str, Any], bdfs: Sequence[str], inventory: Inventory) -> None:
    """Nothing of a group can be bound while a driver of the host's has another function of it, be that a bridge."""
    for other in inventory.devices:
        driver = other.get("driver")
        if other["bdf"] in bdfs or other.get("group") is None or other["group"] != found.get("group") or not driver:
            continue
        if keeps_group(driver):
            raise LabError(
                f"{found['bdf']}: its IOMMU group {found['group']} has {other['bdf']} too, which driver {driver} has: name it as well, or "
                f"unbind it"
            )


def _check_serial(entry: Allowed, found: dict[str, Any], read: Read) -> None:
    """LabError if the device is not the one that was meant."""
    if entry.serial is None or found.get("serial") == entry.serial:
        return
    data = read(f"/sys/bus/pci/devices/{entry.bdf}/vpd")
    vital = vpd_serial(data) if data is not None else None
    if vital != entry.serial:
        have = " and ".join(str(one) for one in (found.get("serial"), vital) if one) or "none that can be read"
        raise LabError(f"{entry.bdf} is not touched: its serial number has to be {entry.serial}, and it is {have}")
