# SPDX-License-Identifier: GPL-2.0-only
"""Which devices a run is for: the ones that a host's description names, as far as they are there."""

import dataclasses
from collections.abc import Sequence

import pytest

from lab.errors import LabError, UsageError
from lab.host import Device, Host, Mdev
from lab.realhost import Allowed
from runner.session import Inventory, Make, Needed, Take
from runner.targets import choose, real

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


def test_a_bridge_counts_if_its_driver_keeps_the_dma() -> None:
    """A port's driver leaves it to others; that of a bridge to ISA does not."""
    isa = BRIDGE | {"bdf": "0000:00:1f.0", "class": "060100", "driver": "lpc_ich"}
    with pytest.raises(LabError, match="has 0000:00:1f.0 too, which driver lpc_ich has"):
        choose.devices(REAL, ["0000:01:00.0"], Inventory(ROOT, [BRIDGE, isa, FREE]))


def test_a_group_is_taken_whole_or_not_at_all() -> None:
    inventory = Inventory(ROOT, [FREE, NEIGHBOUR])
    with pytest.raises(LabError, match="its IOMMU group 7 has 0000:01:00.1 too, which driver igb has"):
        choose.devices(REAL, ["0000:01:00.0"], inventory)
    assert len(choose.devices(REAL, ["0000:01:00.0", "0000:01:00.1"], inventory)) == 2


SERIAL = "00-1b-21-ff-ff-00-11-22"
# An identifier string, then the read-only part with a part number and the serial number, then the writable one and the end.
VPD = b"\x82\x03\x00NIC\x90\x0f\x00PN\x04X550SN\x05AB-12\x91\x04\x00RW\x01\x00\x78"


def test_a_description_says_what_may_be_touched() -> None:
    inventory = Inventory(ROOT, [FREE | {"serial": SERIAL}, GIVEN])
    box = dataclasses.replace(REAL, allowed=(Allowed("0000:02:00.0"), Allowed("0000:01:00.0", SERIAL, "my-vfio-pci")))
    assert choose.devices(box, [], inventory) == [
        Take("0000:02:00.0", "mlx5-vfio-pci", "idle"), Take("0000:01:00.0", "my-vfio-pci", "idle"),
    ]  # fmt: skip
    assert choose.tested(box, [], []) == ["0000:02:00.0", "0000:01:00.0"]
    assert len(choose.devices(box, ["0000:02:00.0"], inventory)) == 1
    with pytest.raises(UsageError, match="host box allows only 0000:02:00.0, 0000:01:00.0"):
        choose.devices(box, ["0000:05:00.0"], inventory)
    with pytest.raises(UsageError, match="nothing is touched unless it is named"):
        choose.devices(REAL, [], inventory)


@pytest.mark.parametrize(("express", "vital", "error"), [
    (SERIAL, None, None),
    ("00-00-00-00-00-00-00-01", VPD.replace(b"AB-12", b"other"), "it is 00-00-00-00-00-00-00-01 and other"),
    (None, None, "it is none that can be read"),
])
def test_another_device_in_the_same_slot_is_not_touched(express: str | None, vital: bytes | None, error: str | None) -> None:
    inventory = Inventory(ROOT, [FREE | {"serial": express}])
    box = dataclasses.replace(REAL, allowed=(Allowed("0000:01:00.0", SERIAL),))
    if error is None:
        assert choose.devices(box, [], inventory, lambda _: vital)
        return
    with pytest.raises(LabError, match=f"its serial number has to be {SERIAL}, and {error}"):
        choose.devices(box, [], inventory, lambda _: vital)


def test_the_serial_number_of_the_vital_product_data_counts_too() -> None:
    box = dataclasses.replace(REAL, allowed=(Allowed("0000:01:00.0", "AB-12"),))
    files = {"/sys/bus/pci/devices/0000:01:00.0/vpd": VPD}
    assert choose.devices(box, [], Inventory(ROOT, [FREE | {"serial": SERIAL}]), files.get)


def test_broken_vital_product_data_is_read_to_its_end() -> None:
    assert real.vpd_serial(VPD) == "AB-12"
    for cut in range(len(VPD)):
        real.vpd_serial(VPD[:cut])
        real.vpd_serial(VPD[:cut] + b"\xff" * 8)
