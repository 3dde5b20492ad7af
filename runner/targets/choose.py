# SPDX-License-Identifier: GPL-2.0-only
"""Which devices of a target are tested, and what has to be done to get them."""

from collections.abc import Mapping, Sequence
from typing import Any

from lab.errors import LabError
from lab.host import Host
from runner.session import Inventory, Make, Needed, Take

DRIVER = "vfio-pci"


def devices(host: Host, named: Sequence[str], inventory: Inventory) -> list[Needed]:
    """The devices under test in order.

    On a virtual host they are those of its description, or the named ones, and may be taken from any driver: nobody uses
    them. Mediated devices are made where the kernel has their type. On a real host only named devices are touched, and only
    if nobody uses them.
    """
    chosen = []
    made = [Make(mdev.uuid, mdev.parent, mdev.type) for mdev in host.mdevs if (mdev.parent, mdev.type) in inventory.mdev_types]
    if named:
        made = [mdev for mdev in made if mdev.uuid in named]
        for bdf in (name for name in named if name not in {mdev.uuid for mdev in made}):
            found = inventory.find(bdf)
            if found is None:
                have = ", ".join(device["bdf"] for device in inventory.devices)
                raise LabError(f"--device {bdf}: no such device on host {host.name}; it has {have or 'none'}")
            drivers = [device.driver for device in host.devices if device.id == _id(found)]
            chosen.append((bdf, drivers[0] if drivers else DRIVER))
    else:
        for device in host.devices:
            chosen += [(found["bdf"], device.driver) for found in inventory.devices if _id(found) == device.id]
    if host.real:
        return _of_real_host([bdf for bdf, _ in chosen], inventory)
    return [*(Take(bdf, driver, "any") for bdf, driver in chosen), *made]


def _of_real_host(bdfs: Sequence[str], inventory: Inventory) -> list[Needed]:
    """Only root can take a device; to anybody else it has to be given before: that it has a vfio driver, he may open its node. What a
    vfio driver has keeps that one, but nobody else may be using it."""
    wanted: list[Needed] = []
    for bdf in bdfs:
        found = inventory.find(bdf)
        assert found is not None
        _check_group(found, bdfs, inventory)
        ready = found.get("cdev") is not None
        if inventory.hello.get("uid") == 0:
            wanted.append(Take(bdf, str(found["driver"]) if ready else DRIVER, "idle"))
        elif not ready:
            driver = found.get("driver")
            now = f"driver {driver} has it" if driver else "it has no driver"
            raise LabError(
                f"--device {bdf}: {now}, and only root can give it to {DRIVER}; root can also give it to a user: bind it to {DRIVER} and "
                f"let him open its node in /dev/vfio/devices"
            )
    return wanted


def _check_group(found: Mapping[str, Any], bdfs: Sequence[str], inventory: Inventory) -> None:
    """Nothing of a group can be bound while a driver of the host's has another device of it (include/linux/iommu.h, DMA ownership)."""
    for other in inventory.devices:
        driver = other.get("driver")
        bridge = str(other.get("class") or "").startswith("06")
        if other["bdf"] in bdfs or bridge or other.get("group") is None or other["group"] != found.get("group") or not driver:
            continue
        if "vfio" not in driver and driver != "pci-stub":
            raise LabError(
                f"--device {found['bdf']}: its IOMMU group {found['group']} has {other['bdf']} too, which driver {driver} has: name it as "
                f"well, or unbind it"
            )


def selections(host: Host, named: Sequence[str], inventory: Inventory) -> Mapping[str, Sequence[str]]:
    """The devices that are for some tests alone, as the host's description says, and patterns of these. A named device is for all."""
    if named:
        return {}
    only = {device.id: device.select for device in host.devices if device.select}
    mdevs = {mdev.uuid: mdev.select for mdev in host.mdevs if mdev.select}
    return mdevs | {found["bdf"]: only[_id(found)] for found in inventory.devices if _id(found) in only}


def _id(device: dict[str, object]) -> str:
    return f"{device.get('vendor')}:{device.get('device')}"

