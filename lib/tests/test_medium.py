# SPDX-License-Identifier: GPL-2.0-only
"""Which disk counts as a scratch medium, on machines that are folders: only the one that was declared, and only if it is free.

A disk that is let through is opened, and then refused since it is no block device: that says that nothing else stood in the way.
"""

import subprocess
from pathlib import Path

import pytest

from runner.tests.conftest import CC, EXEC, STRICT
from runner.tests.test_exec_in_use import BDF, Machine

LIB = Path(__file__).parent.parent
OPENED = "no-scratch: {root}/dev/nvme0n1 has become another disk"
UNKNOWN = "no-scratch: no NVMe disk of this host has a declared serial number"


@pytest.fixture(scope="session", name="program")
def program_fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("medium") / "medium_tree"
    own = [LIB / "tests/medium_tree.c", *(LIB / f"{name}.c" for name in ("medium", "check", "record"))]
    flags = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", f"-I{LIB}"]
    sources = [*own, EXEC / "in_use.c", *sorted(EXEC.glob("use*.c"))]
    subprocess.run([CC, *STRICT, *flags, "-o", str(out), *map(str, sources)], check=True)
    return out


@pytest.fixture(name="machine")
def machine_fixture(tmp_path: Path, program: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """One with a disk nvme0n1 whose serial number is CTS-1, which is declared, and that nobody uses."""
    found = Machine(tmp_path, program)
    disk = found.disk()
    found.file(f"{found.place(BDF)}/nvme/nvme0/serial", "CTS-1               ")
    found.link(f"{disk}/device", "..")
    found.link("sys/block/nvme0n1", tmp_path / disk)
    found.file("dev/nvme0n1", "what is on it")
    monkeypatch.setenv("CTS_SCRATCH_SERIALS", "CTS-1")
    return found


def test_the_one_that_was_declared_is_opened(machine: Machine) -> None:
    assert machine.asked() == OPENED.format(root=machine.root)


@pytest.mark.parametrize("declared", [
    "CTS-2", "CTS-", "CTS-10", "XCTS-1", "cts-1", " CTS-1", "CTS-1 ", "", "CTS-2\nCTS-3", "\n", "CTS-1               ",
])
def test_no_other_is(machine: Machine, monkeypatch: pytest.MonkeyPatch, declared: str) -> None:
    monkeypatch.setenv("CTS_SCRATCH_SERIALS", declared)
    assert machine.asked() == UNKNOWN


@pytest.mark.parametrize("declared", ["CTS-2\nCTS-1", "CTS-1\nCTS-2", "CTS-10\nCTS-1\n"])
def test_one_of_several_is(machine: Machine, monkeypatch: pytest.MonkeyPatch, declared: str) -> None:
    monkeypatch.setenv("CTS_SCRATCH_SERIALS", declared)
    assert machine.asked() == OPENED.format(root=machine.root)


def test_without_a_declaration_none_is(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CTS_SCRATCH_SERIALS")
    assert machine.asked() == UNKNOWN


def test_a_disk_without_a_serial_number_is_none(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CTS_SCRATCH_SERIALS", "CTS-1\n\nCTS-2")
    machine.file(f"{machine.place(BDF)}/nvme/nvme0/serial", " " * 20)
    assert machine.asked() == UNKNOWN


def test_one_that_is_in_use_is_left_alone(machine: Machine) -> None:
    machine.file("proc/1/mountinfo", "23 22 259:0 / /srv rw - xfs /dev/nvme0n1 rw")
    assert machine.asked() == f"scratch-in-use: nvme0n1 ({BDF}): its disk nvme0n1 is mounted on /srv"


def test_one_whose_partition_is_held_is_left_alone(machine: Machine) -> None:
    part = machine.part("nvme/nvme0/nvme0n1/nvme0n1p1", "block", "259:1")
    machine.file(f"{part}/holders/dm-0")
    assert machine.asked() == f"scratch-in-use: nvme0n1 ({BDF}): its disk nvme0n1p1 belongs to dm-0"


def test_a_path_of_a_disk_of_several_is_none(machine: Machine) -> None:
    (machine.root / "sys/block/nvme0n1").rename(machine.root / "sys/block/nvme0c0n1")
    assert machine.asked() == UNKNOWN
