# SPDX-License-Identifier: GPL-2.0-only
"""Another kernel by kexec. `make check-ssh` starts one; here is what is decided before."""

import threading
from pathlib import Path
from typing import Any

import pytest

from lab import host
from lab.binaries import Binaries
from lab.errors import LabError
from lab.image import Image
from lab.realhost import Access, Kexec
from runner.targets import kexec, ssh
from runner.tests.test_ssh import BOOTS, Box, box  # noqa: F401


@pytest.mark.parametrize(
    ("now", "append", "line"),
    [
        ("BOOT_IMAGE=/vmlinuz root=/dev/vda ro\n", (), "root=/dev/vda ro"),
        ("root=/dev/vda BOOT_IMAGE=(hd0,gpt2)/vmlinuz initrd=\\i.img quiet", ("iommu.strict=1",), "root=/dev/vda quiet iommu.strict=1"),
        ('initrd="/a b" dyndbg="file x +p" x.initrd=1', ("y",), 'dyndbg="file x +p" x.initrd=1 y'),
    ],
)
def test_the_next_kernels_command_line(now: str, append: tuple[str, ...], line: str) -> None:
    assert kexec.command_line(now, append) == line


class Machine:
    """One that can start another kernel once it is clean."""

    def __init__(self, box: Box, tmp: Path, monkeypatch: pytest.MonkeyPatch, unclean: int, **access: Any) -> None:  # noqa: F811
        where = host.Host("box", "t", "ssh", ssh=Access("box", folder=str(box.folder / "tmp"), kexec=Kexec(), **access))
        self._image = Image(Path("/bin/true"), None, None, None)
        self.target = ssh.SshTarget(where, Binaries(tmp, {}), self._image, tmp, tmp / "console", threading.Event(), ["0000:01:00.0"])
        self.box = box
        self.started: list[str] = []
        self._unclean = unclean
        monkeypatch.setattr(kexec, "start", self._start)

    def _start(self, remote: Any, how: Kexec, kernel: Image, cts_exec: Path, devices: list[str], undo: str) -> None:
        assert devices == ["0000:01:00.0"]
        self.started.append((self.box.folder / "boot_id").read_text().strip())
        if len(self.started) <= self._unclean:
            raise kexec.Unclean("box: not clean: an oops")
        self.box.write("boot_id", BOOTS[3] + "\n")

    def boot(self) -> None:
        self.target._boot_kernel(self._image, BOOTS[0])


def cycles(box: Box) -> dict[str, Any]:  # noqa: F811
    """Switched off and on it is another boot."""
    return {"power_cycle": ("sh", "-c", f"echo {BOOTS[1]} >{box.folder}/boot_id")}


def test_a_clean_machine_is_not_switched_off(box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    machine = Machine(box, tmp_path, monkeypatch, 0, **cycles(box))
    machine.boot()
    assert machine.started == [BOOTS[0]]


def test_one_that_is_not_clean_starts_cold_first(box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    machine = Machine(box, tmp_path, monkeypatch, 1, **cycles(box))
    machine.boot()
    assert machine.started == [BOOTS[0], BOOTS[1]]


def test_one_that_stays_so_is_given_up(box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    machine = Machine(box, tmp_path, monkeypatch, 2, **cycles(box))
    with pytest.raises(LabError, match="an oops; kexec is not safe: it was switched off and on already"):
        machine.boot()
    assert machine.started == [BOOTS[0], BOOTS[1]]


def test_one_without_a_switch_is_left_alone(box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    machine = Machine(box, tmp_path, monkeypatch, 1)
    with pytest.raises(LabError, match="kexec is not safe: switch it off and on, or let power_cycle = do that"):
        machine.boot()
    assert machine.started == [BOOTS[0]]
