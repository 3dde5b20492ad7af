# SPDX-License-Identifier: GPL-2.0-only
"""cts-exec on a real host: nothing in use is taken, what is taken is noted first, and what was killed is put back later (fake_sysfs.c)."""

import os
import signal
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from runner.tests.exec_driver import Event, Exec, of, run
from runner.tests.test_exec_take import DEVICES, DRIVERS, take

IGB = "0000:01:00.0"
NVME = "0000:03:00.0"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may take devices of a real host")


class Machine:
    """A machine's undo journal, and the writes to its sysfs."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self.binary = binary
        self.undo = folder / "undo"
        self.log = folder / "writes"

    def start(self, **env: str) -> Exec:
        return Exec(self.binary, "--undo", str(self.undo), env={"FAKE_SYSFS_LOG": str(self.log), "FAKE_BOOT": "one", **env})

    def play(self, *lines: Event, **env: str) -> list[Event]:
        with self.start(**env) as target:
            target.send_all(*lines)
            while target.read_some():
                pass
            return target.finish()

    def killed(self, *bdfs: str) -> None:
        """A cts-exec that has taken functions and is then killed outright."""
        with self.start() as target:
            for bdf in bdfs:
                target.send(take(bdf, "idle"))
                target.wait_for("taken")
            target.process.kill()
            target.process.wait()

    @property
    def entries(self) -> list[str]:
        return sorted(path.name for path in self.undo.glob("[!.]*"))

    @property
    def writes(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def machine(fake_sysfs_exec: Path, tmp_path: Path) -> Machine:
    return Machine(fake_sysfs_exec, tmp_path)


def test_an_idle_function_is_taken_from_its_driver_and_noted(machine: Machine) -> None:
    with machine.start() as target:
        target.send(take(IGB, "idle"), take(NVME, "idle"))
        assert [target.wait_for("taken")["previous"] for _ in range(2)] == ["igb", "nvme"]
        assert machine.entries == [IGB, NVME]
        assert (machine.undo / IGB).read_text() == "one vfio-pci igb -\n"
        assert (machine.undo / NVME).read_text() == "one vfio-pci nvme nvme\n"
        assert stat.S_IMODE(machine.undo.stat().st_mode) == 0o700
        assert len(of(target.finish(), "given_back")) == 2
    assert not machine.entries


def test_one_in_use_is_left_alone(machine: Machine) -> None:
    events = machine.play(take(IGB, "idle"), FAKE_USED=IGB)
    assert of(events, "refused")[0]["error"] == "in use: somebody has it open"
    assert not machine.writes and not machine.entries


def test_a_virtual_hosts_are_not_asked_for(machine: Machine) -> None:
    assert of(machine.play(take(IGB), FAKE_USED=IGB), "taken")
    assert not machine.undo.exists()


def test_without_a_journal_nothing_of_a_real_host_is_touched(fake_sysfs_exec: Path, machine: Machine) -> None:
    events = run(fake_sysfs_exec, take(IGB, "idle"), env={"FAKE_SYSFS_LOG": str(machine.log)})
    assert of(events, "refused")[0]["error"] == "cts-exec has no undo journal (--undo)"
    assert not machine.writes


def test_a_full_disk_keeps_it_from_being_touched(machine: Machine) -> None:
    machine.undo.symlink_to("/dev/full")
    events = machine.play(take(IGB, "idle"))
    assert "the undo journal" in of(events, "refused")[0]["error"]
    assert not machine.writes


def test_a_journal_that_others_can_write_is_not_believed(machine: Machine) -> None:
    machine.undo.mkdir()
    machine.undo.chmod(0o777)
    events = machine.play({"op": "restore"})
    assert "can be written by others" in of(events, "refused")[0]["error"]


def test_a_dry_run_says_every_write_and_makes_none(machine: Machine) -> None:
    events = machine.play(take(IGB, "idle") | {"dry": True}, take(NVME, "idle") | {"dry": True}, {"op": "restore", "dry": True})
    assert of(events, "would") == [
        {
            "ev": "would", "device": IGB, "previous": "igb", "module": None,
            "writes": [
                {"path": f"{DEVICES}/{IGB}/driver_override", "text": "vfio-pci\n"},
                {"path": f"{DEVICES}/{IGB}/driver/unbind", "text": IGB},
                {"path": f"{DRIVERS}/vfio-pci/bind", "text": IGB},
            ],
            "back": [
                {"path": f"{DEVICES}/{IGB}/driver/unbind", "text": IGB},
                {"path": f"{DEVICES}/{IGB}/driver_override", "text": "\n"},
                {"path": f"{DRIVERS}/igb/bind", "text": IGB},
            ],
        },
        {
            "ev": "would", "device": NVME, "previous": "nvme", "module": None,
            "writes": [
                {"path": f"{DEVICES}/{NVME}/driver_override", "text": "vfio-pci\n"},
                {"path": f"{DEVICES}/{NVME}/driver/unbind", "text": NVME},
                {"path": f"{DRIVERS}/vfio-pci/bind", "text": NVME},
            ],
            "back": [
                {"path": f"{DEVICES}/{NVME}/driver/unbind", "text": NVME},
                {"path": f"{DEVICES}/{NVME}/driver_override", "text": "nvme\n"},
                {"path": f"{DRIVERS}/nvme/bind", "text": NVME},
            ],
        },
    ]  # fmt: skip
    assert not machine.writes and not machine.undo.exists()
    # And what it says is what is done.
    machine.play(take(IGB, "idle"), {"op": "end"})
    said = [write for key in ("writes", "back") for write in of(events, "would")[0][key]]
    assert machine.writes == [f"{write['path']} {write['text']}".removesuffix("\n") for write in said]


def test_what_was_killed_is_put_back(machine: Machine) -> None:
    machine.killed(NVME, IGB)
    assert machine.entries == [IGB, NVME]
    machine.log.unlink()
    events = machine.play({"op": "restore"}, FAKE_DRIVERS=f"{IGB} vfio-pci")
    # The last first. The other function's driver is that of before in this bus in memory, which begins anew: only the override is written.
    assert of(events, "given_back") == [
        {"ev": "given_back", "device": IGB, "driver": "igb"}, {"ev": "given_back", "device": NVME, "driver": "nvme"},
    ]  # fmt: skip
    assert of(events, "restored") == [{"ev": "restored", "devices": 2}]
    assert machine.writes == [
        f"{DEVICES}/{IGB}/driver/unbind {IGB}", f"{DEVICES}/{IGB}/driver_override ", f"{DRIVERS}/igb/bind {IGB}",
        f"{DEVICES}/{NVME}/driver_override nvme",
    ]  # fmt: skip
    assert not machine.entries
    assert of(machine.play({"op": "restore"}), "restored") == [{"ev": "restored", "devices": 0}]


def test_what_somebody_still_holds_is_put_back_later(machine: Machine) -> None:
    machine.killed(IGB)
    events = machine.play({"op": "restore"}, FAKE_DRIVERS=f"{IGB} vfio-pci", FAKE_USED=IGB)
    assert of(events, "given_back")[0]["error"] == "in use: somebody has it open"
    assert machine.entries == [IGB]
    events = machine.play({"op": "restore"}, FAKE_DRIVERS=f"{IGB} vfio-pci")
    assert of(events, "given_back") == [{"ev": "given_back", "device": IGB, "driver": "igb"}]
    assert not machine.entries


@pytest.mark.parametrize("env", [{"FAKE_BOOT": "two"}, {"FAKE_DRIVERS": f"{IGB} uio"}])
def test_what_is_not_as_we_left_it_is_left_as_it_is(machine: Machine, env: Mapping[str, str]) -> None:
    """After another boot, and where somebody has given it to another driver meanwhile."""
    machine.killed(IGB)
    machine.log.unlink()
    events = machine.play({"op": "restore"}, **env)
    assert "error" not in of(events, "given_back")[0]
    assert not machine.writes and not machine.entries


def test_after_another_boot_nothing_would_be_put_back(machine: Machine) -> None:
    machine.killed(IGB)
    machine.log.unlink()
    events = machine.play({"op": "restore", "dry": True}, FAKE_BOOT="two")
    assert not of(events, "given_back") and of(events, "restored") == [{"ev": "restored", "devices": 0}]
    assert not machine.writes and machine.entries == [IGB]


def test_a_torn_entry_is_told_and_kept(machine: Machine) -> None:
    machine.killed(IGB)
    (machine.undo / IGB).write_text("one vfio-pci\n")
    events = machine.play({"op": "restore"})
    assert of(events, "given_back")[0]["error"] == "its entry of the undo journal can't be read"
    assert machine.entries == [IGB]


def test_two_runs_at_once(machine: Machine) -> None:
    with machine.start() as first:
        first.send(take(IGB, "idle"))
        first.wait_for("taken")
        error = f"another run is on this machine: process {first.process.pid}"
        events = machine.play({"op": "restore"}, take(NVME, "idle"))
        assert [event["error"] for event in of(events, "refused")] == [error, error]
        assert first.stop(signal.SIGTERM)
    assert of(machine.play(take(NVME, "idle")), "taken")


def test_a_module_that_is_not_there(machine: Machine) -> None:
    events = machine.play(take(IGB, "idle", "no_such_driver"))
    assert of(events, "refused")[0]["error"].startswith("the kernel has no PCI driver no_such_driver, and its module does not load: ")
    assert not machine.writes and not machine.entries
