# SPDX-License-Identifier: GPL-2.0-only
"""Which devices of a target are tested, and what has to be done to get them."""

from collections.abc import Mapping, Sequence

from lab.errors import LabError
from lab.host import Host
from runner.session import Inventory, Make, Needed, Take
from runner.targets import real

DRIVER = "vfio-pci"


def devices(host: Host, named: Sequence[str], inventory: Inventory, read: real.Read = lambda _: None) -> list[Needed]:
    """The devices under test in order; `read` reads a file of the host, if anything may be asked for.

    On a virtual host they are those of its description, or the named ones, and may be taken from any driver: nobody uses
    them. Mediated devices are made where the kernel has their type. On a real host only named devices are touched, and only
    if nobody uses them.
    """
    if host.real:
        return real.devices(host, named, inventory, read)
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
    return [*(Take(bdf, driver, "any") for bdf, driver in chosen), *made]


def tested(host: Host, named: Sequence[str], needed: Sequence[Needed]) -> list[str]:
    """The devices under test by name: what has to be done for them is `needed`, if anything has."""
    if host.real:
        return [entry.bdf for entry in real.chosen(host, named)]
    return list(named) or [device.device for device in needed]


def selections(host: Host, named: Sequence[str], inventory: Inventory) -> Mapping[str, Sequence[str]]:
    """The devices that are for some tests alone, as the host's description says, and patterns of these. A named device is for all."""
    if named:
        return {}
    only = {device.id: device.select for device in host.devices if device.select}
    mdevs = {mdev.uuid: mdev.select for mdev in host.mdevs if mdev.select}
    return mdevs | {found["bdf"]: only[_id(found)] for found in inventory.devices if _id(found) in only}


def _id(device: dict[str, object]) -> str:
    return f"{device.get('vendor')}:{device.get('device')}"
