# SPDX-License-Identifier: GPL-2.0-only
"""cts-exec takes functions from their drivers and gives them back, on a PCI bus in memory (fake_sysfs.c)."""

import signal
from pathlib import Path

import pytest

from runner.tests.exec_driver import Event, Exec, of, run

DEVICES = "/sys/bus/pci/devices"
DRIVERS = "/sys/bus/pci/drivers"


UUID = "c757d317-0000-4000-8000-000000000001"
TYPES = "/sys/class/mdev_bus/cts_mdev/mdev_supported_types"
MADE = "/sys/bus/mdev/devices"


def make(uuid: str = UUID, parent: str = "cts_mdev", kind: str = "cts_mdev-dma") -> Event:
    return {"op": "make", "device": uuid, "parent": parent, "type": kind}


def take(device: str, origin: str = "any", driver: str = "vfio-pci") -> Event:
    return {"op": "take", "device": device, "driver": driver, "from": origin}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "writes"


def play(binary: Path, log: Path, *lines: Event) -> list[Event]:
    return run(binary, *lines, env={"FAKE_SYSFS_LOG": str(log)})


def drivers(events: list[Event]) -> dict[str, str | None]:
    return {event["bdf"]: event["driver"] for event in of(events, "device")}


def test_inventory(fake_sysfs_exec: Path, log: Path) -> None:
    events = play(fake_sysfs_exec, log, {"op": "inventory"})
    devices = of(events, "device")
    assert devices[0] == {
        "ev": "device",
        "bdf": "0000:01:00.0",
        "vendor": "8086",
        "device": None,
        "class": None,
        "driver": "igb",
        "group": 10,
        "cdev": None,
        "aliases": [],
        "serial": None,
        "numa_node": 1,
    }
    assert devices[1]["driver"] is None and devices[1]["group"] is None
    assert devices[4]["cdev"] == "vfio4"
    assert of(events, "inventory_end") == [{"ev": "inventory_end", "devices": 8}]


def test_aliases(fake_sysfs_exec: Path, log: Path) -> None:
    events = play(fake_sysfs_exec, log, {"op": "inventory"})
    aliases = {event["bdf"]: event["aliases"] for event in of(events, "device")}
    # Below a PCIe-to-PCI bridge, which uses the number of the bus below it, and a conventional bridge, which uses its own address.
    assert aliases["0000:05:00.0"] == ["0000:04:01.0", "0000:04:00.0"]
    assert aliases["0000:06:00.0"] is None  # the bridge above it can't be read
    assert aliases["10000:e1:00.0"] == ["0000:00:0e.0"]  # the owner of its root bus does the DMA


def test_take_and_give_back(fake_sysfs_exec: Path, log: Path) -> None:
    inventory: Event = {"op": "inventory"}
    events = play(
        fake_sysfs_exec, log, take("0000:01:00.0"), take("0000:03:00.0"), {"op": "give_back"}, inventory
    )
    assert of(events, "taken") == [
        {
            "ev": "taken",
            "device": "0000:01:00.0",
            "previous": "igb",
            "driver": "vfio-pci",
            "group": 10,
            "cdev": "vfio0",
        },
        {
            "ev": "taken",
            "device": "0000:03:00.0",
            "previous": "nvme",
            "driver": "vfio-pci",
            "group": 12,
            "cdev": "vfio2",
        },
    ]
    assert of(events, "given_back") == [
        {"ev": "given_back", "device": "0000:03:00.0", "driver": "nvme"},
        {"ev": "given_back", "device": "0000:01:00.0", "driver": "igb"},
    ]
    assert drivers(events)["0000:01:00.0"] == "igb"
    assert log.read_text().splitlines() == [
        f"{DEVICES}/0000:01:00.0/driver_override vfio-pci",
        f"{DEVICES}/0000:01:00.0/driver/unbind 0000:01:00.0",
        f"{DRIVERS}/vfio-pci/bind 0000:01:00.0",
        f"{DEVICES}/0000:03:00.0/driver_override vfio-pci",
        f"{DEVICES}/0000:03:00.0/driver/unbind 0000:03:00.0",
        f"{DRIVERS}/vfio-pci/bind 0000:03:00.0",
        f"{DEVICES}/0000:03:00.0/driver/unbind 0000:03:00.0",
        f"{DEVICES}/0000:03:00.0/driver_override nvme",
        f"{DRIVERS}/nvme/bind 0000:03:00.0",
        f"{DEVICES}/0000:01:00.0/driver/unbind 0000:01:00.0",
        f"{DEVICES}/0000:01:00.0/driver_override ",
        f"{DRIVERS}/igb/bind 0000:01:00.0",
    ]


def test_the_end_gives_back(fake_sysfs_exec: Path, log: Path) -> None:
    events = play(fake_sysfs_exec, log, take("0000:02:00.0"), {"op": "end"})
    assert of(events, "taken")[0]["previous"] is None
    assert of(events, "given_back") == [{"ev": "given_back", "device": "0000:02:00.0", "driver": None}]
    assert log.read_text().splitlines()[-1] == f"{DEVICES}/0000:02:00.0/driver_override "


def test_a_signal_gives_back(fake_sysfs_exec: Path, log: Path) -> None:
    with Exec(fake_sysfs_exec, env={"FAKE_SYSFS_LOG": str(log)}) as target:
        target.send(take("0000:01:00.0"))
        target.wait_for("taken")
        events = target.stop(signal.SIGHUP)
    assert of(events, "given_back") == [{"ev": "given_back", "device": "0000:01:00.0", "driver": "igb"}]
    assert events[-1] == {"ev": "end", "tests": 0, "signal": signal.SIGHUP}


def test_the_end_of_the_stream_gives_back(fake_sysfs_exec: Path, log: Path) -> None:
    with Exec(fake_sysfs_exec, env={"FAKE_SYSFS_LOG": str(log)}) as target:
        target.send(take("0000:01:00.0"))
        target.wait_for("taken")
        assert target.process.stdout
        target.process.stdout.close()
        assert target.process.wait() == 1
    assert log.read_text().splitlines()[-1] == f"{DRIVERS}/igb/bind 0000:01:00.0"


def test_a_domain_of_more_than_four_digits(fake_sysfs_exec: Path, log: Path) -> None:
    events = play(fake_sysfs_exec, log, take("10000:e1:00.0"))
    assert of(events, "taken")[0]["device"] == "10000:e1:00.0"


def test_a_function_that_the_driver_has_already(fake_sysfs_exec: Path, log: Path) -> None:
    events = play(
        fake_sysfs_exec, log, take("0000:05:00.0"), {"op": "give_back"}, {"op": "inventory"}
    )
    assert of(events, "taken")[0]["previous"] == "vfio-pci"
    assert of(events, "given_back") == [{"ev": "given_back", "device": "0000:05:00.0", "driver": "vfio-pci"}]
    assert not [line for line in log.read_text().splitlines() if "bind" in line]


@pytest.mark.parametrize(
    ("op", "error", "driver"),
    [
        (take("0000:99:00.0"), "no such PCI function", None),
        (
            take("0000:01:00.0", driver="nope"),
            "the kernel has no PCI driver nope; is its module loaded?",
            "igb",
        ),
        (take("0000:04:00.0"), "unbinding: Device or resource busy", "igb"),
        (take("0000:06:00.0"), "binding: Invalid argument", "igb"),
    ],
)
def test_refused_leaves_all_as_it_was(
    fake_sysfs_exec: Path, log: Path, op: Event, error: str, driver: str | None
) -> None:
    events = play(fake_sysfs_exec, log, op, {"op": "inventory"})
    assert of(events, "refused") == [{"ev": "refused", "op": "take", "device": op["device"], "error": error}]
    assert not of(events, "given_back")
    assert drivers(events).get(op["device"]) == driver
    writes = log.read_text().splitlines() if log.exists() else []
    assert [line.split(" ", 1)[1] for line in writes if "override" in line] in ([], ["vfio-pci", ""])


def test_taken_twice(fake_sysfs_exec: Path, log: Path) -> None:
    events = play(fake_sysfs_exec, log, take("0000:01:00.0"), take("0000:01:00.0"))
    assert [event["error"] for event in of(events, "refused")] == ["already taken"]
    assert len(of(events, "given_back")) == 1


def test_a_driver_that_does_not_take_it_back(fake_sysfs_exec: Path, log: Path) -> None:
    events = play(fake_sysfs_exec, log, take("0000:07:00.0"), take("0000:01:00.0"), {"op": "give_back"})
    assert of(events, "given_back") == [
        {"ev": "given_back", "device": "0000:01:00.0", "driver": "igb"},
        {
            "ev": "given_back",
            "device": "0000:07:00.0",
            "driver": None,
            "error": "binding: Input/output error",
        },
    ]


@pytest.mark.parametrize(
    "device",
    [
        "",
        "..",
        "../../../../tmp",
        "0000:01:00.0/..",
        "0000:01:00.0\n",
        "01:00.0",
        "0000:01:00.8",
        "0000:01:0g.0",
        "0000:01:00.0 ",
        "0000/01:00.0",
        "000:01:00.0",
        "123456789:01:00.0",
        "0000:01:00.",
        "0000:01:00.00",
        "0000:01:000.0",
    ],
)
def test_a_device_that_is_no_bdf(fake_sysfs_exec: Path, log: Path, device: str) -> None:
    events = play(fake_sysfs_exec, log, take(device))
    assert "not of the form dddd:bb:dd.f" in of(events, "bad_op")[0]["error"]
    assert not log.exists()


@pytest.mark.parametrize("driver", ["", ".", "..", "../../../tmp", "vfio-pci/..", "a b", "a\nb", "x" * 64])
def test_a_driver_that_is_no_name(fake_sysfs_exec: Path, log: Path, driver: str) -> None:
    events = play(fake_sysfs_exec, log, take("0000:01:00.0", driver=driver))
    assert "is no name of a driver" in of(events, "bad_op")[0]["error"]
    assert not log.exists()


def test_from_must_be_one_of_two(fake_sysfs_exec: Path, log: Path) -> None:
    events = play(fake_sysfs_exec, log, take("0000:01:00.0", "unbound"))
    assert of(events, "bad_op")[0]["error"] == 'from "unbound" is neither "idle" nor "any"'


def test_the_types_of_mediated_devices_are_told(fake_sysfs_exec: Path, log: Path) -> None:
    events = play(fake_sysfs_exec, log, {"op": "inventory"})
    assert of(events, "mdev_type") == [{"ev": "mdev_type", "parent": "cts_mdev", "type": "cts_mdev-dma"}]


def test_a_mediated_device_is_made_and_removed(fake_sysfs_exec: Path, log: Path) -> None:
    other = UUID.replace("1", "2")
    events = play(fake_sysfs_exec, log, take("0000:02:00.0"), make(), make(other), {"op": "end"})
    assert [event["device"] for event in of(events, "taken")] == ["0000:02:00.0", UUID, other]
    assert [event["device"] for event in of(events, "given_back")] == [other, UUID, "0000:02:00.0"]
    written = [line for line in log.read_text().splitlines() if "mdev" in line]
    assert written == [
        f"{TYPES}/cts_mdev-dma/create {UUID}",
        f"{TYPES}/cts_mdev-dma/create {other}",
        f"{MADE}/{other}/remove 1",
        f"{MADE}/{UUID}/remove 1",
    ]


@pytest.mark.parametrize(("op", "error"), [
    (make(kind="cts_mdev-fast"), "no such parent or type"),
    (make(parent="0000:00:02.0"), "no such parent or type"),
    (make(UUID.replace("1", "f")), "File exists"),
])
def test_one_that_is_not_made(fake_sysfs_exec: Path, log: Path, op: Event, error: str) -> None:
    events = play(fake_sysfs_exec, log, op)
    assert of(events, "refused") == [{"ev": "refused", "op": "make", "device": op["device"], "error": error}]
    assert not of(events, "given_back")


@pytest.mark.parametrize(("op", "words"), [
    (make(UUID.upper()), "is no UUID in lower case"),
    (make(UUID + "/.."), "is no UUID in lower case"),
    (make("0000:01:00.0"), "is no UUID in lower case"),
    (make(parent="../pci"), "is no name of a device"),
    (make(parent=""), "is no name of a device"),
    (make(kind="a/b"), "is no name of a type"),
    (make(kind="."), "is no name of a type"),
    (take(UUID), "is not of the form dddd:bb:dd.f"),
])
def test_a_name_that_leads_elsewhere(fake_sysfs_exec: Path, log: Path, op: Event, words: str) -> None:
    events = play(fake_sysfs_exec, log, op)
    assert words in of(events, "bad_op")[0]["error"]
    assert not log.exists()
