# SPDX-License-Identifier: GPL-2.0-only
"""Which devices a run is for: the ones that a host's description names, as far as they are there."""

import dataclasses
from collections.abc import Sequence

import pytest

from lab.errors import LabError
from lab.host import Device, Host, Mdev
from runner.session import Inventory, Make, Needed, Take
from runner.targets import choose

FIRST, SECOND = "c757d317-0000-4000-8000-000000000001", "c757d317-0000-4000-8000-000000000002"
HOST = Host(
    "h", "t", "qemu",
    devices=(Device("igb", "8086:10c9", "vfio-pci"),),
    mdevs=(Mdev(FIRST, "cts_mdev", "cts_mdev-dma", ("emulated",)), Mdev(SECOND, "mtty", "mtty-1")),
)  # fmt: skip
IGB = {"bdf": "0000:01:00.0", "vendor": "8086", "device": "10c9"}
OTHER = {"bdf": "0000:02:00.0", "vendor": "1b36", "device": "0010"}
INVENTORY = Inventory({}, [IGB, OTHER], frozenset({("cts_mdev", "cts_mdev-dma"), ("cts_mdev", "cts_mdev-deaf"), ("mtty", "mtty-1")}))
IGB_TAKEN = Take("0000:01:00.0", "vfio-pci", "any")
MADE, OTHER_MADE = Make(FIRST, "cts_mdev", "cts_mdev-dma"), Make(SECOND, "mtty", "mtty-1")


@pytest.mark.parametrize(("named", "chosen"), [
    ([], [IGB_TAKEN, MADE, OTHER_MADE]),
    (["0000:01:00.0"], [IGB_TAKEN]),
    ([FIRST], [MADE]),
    ([SECOND, "0000:02:00.0"], [Take("0000:02:00.0", "vfio-pci", "any"), OTHER_MADE]),
])
def test_a_virtual_host(named: Sequence[str], chosen: Sequence[Needed]) -> None:
    assert choose.devices(HOST, named, INVENTORY) == chosen


def test_a_kernel_without_a_type_has_no_such_device() -> None:
    poor = dataclasses.replace(INVENTORY, mdev_types=frozenset({("mtty", "mtty-2"), ("cts_mdev", "cts_mdev-dma")}))
    assert choose.devices(HOST, [], poor) == [IGB_TAKEN, MADE]
    with pytest.raises(LabError, match=f"--device {SECOND}: no such device"):
        choose.devices(HOST, [SECOND], poor)


def test_some_are_for_some_tests() -> None:
    assert choose.selections(HOST, [], INVENTORY) == {FIRST: ("emulated",)}
    assert choose.selections(HOST, [FIRST], INVENTORY) == {}


REAL = Host("box", "a machine", "local", faults="none")
ROOT, USER = {"uid": 0}, {"uid": 1000}
FREE = {"bdf": "0000:01:00.0", "class": "020000", "driver": "igb", "group": 7, "cdev": None}
GIVEN = {"bdf": "0000:02:00.0", "class": "020000", "driver": "mlx5-vfio-pci", "group": 8, "cdev": "vfio0"}
NEIGHBOUR = {"bdf": "0000:01:00.1", "class": "020000", "driver": "igb", "group": 7, "cdev": None}
BRIDGE = {"bdf": "0000:00:1c.0", "class": "060400", "driver": "pcieport", "group": 7, "cdev": None}
STUBBED = {"bdf": "0000:01:00.2", "class": "020000", "driver": "pci-stub", "group": 7, "cdev": None}


def test_a_real_hosts_devices_are_taken_if_nobody_uses_them() -> None:
    inventory = Inventory(ROOT, [BRIDGE, FREE, STUBBED, GIVEN])
    assert choose.devices(REAL, ["0000:01:00.0", "0000:02:00.0"], inventory) == [
        Take("0000:01:00.0", "vfio-pci", "idle"), Take("0000:02:00.0", "mlx5-vfio-pci", "idle"),
    ]  # fmt: skip


def test_a_user_has_what_was_given_to_him() -> None:
    inventory = Inventory(USER, [FREE, GIVEN])
    assert choose.devices(REAL, ["0000:02:00.0"], inventory) == []
    with pytest.raises(LabError, match="0000:01:00.0: driver igb has it, and only root can give it to vfio-pci"):
        choose.devices(REAL, ["0000:01:00.0"], inventory)


def test_a_group_is_taken_whole_or_not_at_all() -> None:
    inventory = Inventory(ROOT, [FREE, NEIGHBOUR])
    with pytest.raises(LabError, match="its IOMMU group 7 has 0000:01:00.1 too, which driver igb has"):
        choose.devices(REAL, ["0000:01:00.0"], inventory)
    assert len(choose.devices(REAL, ["0000:01:00.0", "0000:01:00.1"], inventory)) == 2
