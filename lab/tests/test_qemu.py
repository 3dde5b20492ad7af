# SPDX-License-Identifier: GPL-2.0-only
"""A machine's life, with a program that stands for QEMU."""

import dataclasses
import socket
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from lab import console, device_tree, host, qemu
from lab.image import Image
from lab.toolbox import Toolbox


class Outside:
    """A toolbox that is no tree of its own: its programs are in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def command(self, argv: Sequence[str], binds: dict[str, Path], **_: Any) -> list[str]:
        return ["env", f"PATH={self._folder}:/usr/bin:/bin", f"OUT={binds['out']}", *argv]


@pytest.fixture(name="make")
def make_fixture(tmp_path: Path) -> Callable[[str], qemu.Machine]:
    def make(script: str) -> qemu.Machine:
        program = tmp_path / "qemu-system-x86_64"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        where = dataclasses.replace(host.find("vtd"), arch="x86_64")
        image = Image(tmp_path / "bzImage", None, None, None)
        return qemu.Machine(cast(Toolbox, Outside(tmp_path)), where, image, tmp_path, tmp_path / "console-1.log", "tcg")

    return make


Make = Callable[[str], qemu.Machine]


def read_all(stream: socket.socket) -> bytes:
    with stream:
        return b"".join(iter(lambda: stream.recv(4096), b""))


def test_the_end_of_qemu_is_the_end_of_the_stream(make: Make) -> None:
    machine = make("echo 'no such device' >&2; exit 1")
    assert read_all(machine.power_on()) == b""
    assert machine.exit_code() == 1 and machine.complaint() == "no such device"
    machine.power_off()
    machine.power_off()


def test_what_is_said_is_of_this_boot(make: Make) -> None:
    machine = make('echo "boot $$" >>$OUT/console-1.log; echo "complaint $$" >&2')
    seen = set()
    for _ in range(2):
        read_all(machine.power_on())
        machine.power_off()
        assert machine.console_of_boot(100).count("boot") == 1 and machine.complaint().count("complaint") == 1
        seen |= {machine.console_of_boot(100), machine.complaint()}
    assert len(seen) == 4 and machine.console.read_text().count("boot") == 2


def test_what_an_endpoint_says_is_of_this_boot_too(make: Make) -> None:
    machine = make("exit 1")
    where = dataclasses.replace(machine.host, endpoints=(host.Endpoint("port1"),))
    machine = qemu.Machine(machine.toolbox, where, machine.kernel, machine.folder, machine.console, "tcg")
    log = machine.console.with_name("console-1-endpoint-1.log")
    log.write_text("the boot before\n")
    # There is no such program here, and that is the end of it.
    assert read_all(machine.power_on()) == b"" and machine.exit_code() == 1
    machine.power_off()
    with log.open("a") as stream:
        stream.write("endpoint: the last words\n")
    assert "endpoint: the last words" in machine.complaint() and "the boot before" not in machine.complaint()


def test_a_flooded_console_keeps_its_beginning_and_its_end(make: Make) -> None:
    machine = make("{ echo first; head -c 9000000 /dev/zero; echo last; } >>$OUT/console-1.log")
    machine.console.write_text("the boot before\n")
    read_all(machine.power_on())
    machine.power_off()
    text = machine.console.read_bytes()
    assert text.startswith(b"the boot before\nfirst\n") and text.endswith(b"last\n")
    assert len(text) < 2 * console.KEPT + 100
    assert b"bytes are not kept" in text and machine.console_of_boot(6) == "\0last\n"


@pytest.mark.parametrize(
    ("name", "program", "console"),
    [("vtd", "qemu-system-x86_64", "ttyS0"), ("smmuv3", "qemu-system-aarch64", "ttyAMA0")],
)
def test_the_command_is_of_the_architecture(tmp_path: Path, name: str, program: str, console: str) -> None:
    image = Image(tmp_path / "image", None, None, None)
    machine = qemu.Machine(cast(Toolbox, Outside(tmp_path)), host.find(name), image, tmp_path, tmp_path / "console-1.log", "tcg")
    command = machine.command([])
    line = command[command.index("-append") + 1].split()
    assert command[0] == program and f"console={console}" in line and set(machine.host.kernel) <= set(line)
    assert ("pit=off" in command) == ("no_timer_check" in line) == (name == "vtd")


def test_a_machine_that_is_not_coherent_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """QEMU's own tree is asked of a machine like the one that boots, and is what that boots with but for the property."""
    asked: list[list[str]] = []

    class Writes(Outside):
        def run(self, title: str, argv: Sequence[str], binds: dict[str, Path]) -> None:
            asked.append(list(argv))
            (binds["work"] / argv[-1].removeprefix("dumpdtb=/mnt/work/")).write_bytes(b"a tree")

    (tmp_path / "qemu-system-aarch64").write_text("#!/bin/sh\nexit 1\n")
    monkeypatch.setattr(device_tree, "without", lambda tree, name: tree + b" without " + name.encode())
    image = Image(tmp_path / "image", None, None, None)
    where = host.find("smmuv3-noncoherent")
    machine = qemu.Machine(cast(Toolbox, Writes(tmp_path)), where, image, tmp_path, tmp_path / "console-1.log", "tcg")
    read_all(machine.power_on())
    machine.power_off()
    command = machine.command([])
    tree = tmp_path / command[command.index("-dtb") + 1].removeprefix("/mnt/work/")
    assert tree.read_bytes() == b"a tree without dma-coherent"
    assert asked == [[*command[: len(asked[0]) - 2], "-machine", f"dumpdtb=/mnt/work/{tree.name}"]]


def test_nothing_is_started_for_a_runner_that_is_gone(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        argv = ["bash", "-c", qemu.WAIT_FOR_US, "bash", str(theirs.fileno()), "touch", str(tmp_path / "started")]
        process = subprocess.Popen(argv, pass_fds=[theirs.fileno()])
    assert ours.recv(1) == b"\n" and process.poll() is None
    ours.close()
    assert process.wait() == 1 and not (tmp_path / "started").exists()


def test_instructions_are_counted_on_one_processor_of_one_node(make: Make) -> None:
    machine = make("")
    machine.host = host.find("vtd-ss")
    several = machine.command([])
    machine.accel = qemu.ICOUNT
    counting = machine.command([])
    assert "-numa" in several and "-numa" not in counting
    assert counting.count("-smp") == 1 and counting[counting.index("-smp") + 1] == "1"
    assert counting[counting.index("-icount") + 1] == "shift=0,sleep=off"
    assert [word for word in several if "intel-iommu" in word] == [word for word in counting if "intel-iommu" in word] != []
