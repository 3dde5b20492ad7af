# SPDX-License-Identifier: GPL-2.0-only
"""A virtual host: QEMU in the toolbox, booting a kernel and a ramdisk, with a byte stream to the program inside."""

import gzip
import lzma
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab import image, ramdisk
from lab.binaries import Binaries
from lab.errors import LabError
from lab.host import Host
from lab.image import Image
from lab.toolbox import Toolbox

STREAM_MODULES = ("virtio_pci", "virtio_console")
# no_timer_check: an emulated processor on a busy machine can be too slow for the kernel's trial of the timer, which then panics.
KERNEL_WORDS = ("console=ttyS0", "loglevel=7", "panic=-1", "printk.devkmsg=on", "no_timer_check")
PORT = "org.iommu-cts"  # lab/guest/init.c looks for it
END_S = 10.0  # from the end of the stream to the end of QEMU
SUITES = "suites"  # the folder of the test programs in the ramdisk
SURVEY = "survey"  # the folder of cts-survey there, and in the folder of the programs


def _plain(toolbox: Toolbox, module: Path, folder: Path) -> Path:
    """The module without its compression: not every kernel can undo it."""
    if module.suffix == ".ko":
        return module
    raw = folder / module.stem
    if module.suffix == ".zst":
        argv = ["zstd", "-dqf", f"/mnt/src/{module.name}", "-o", f"/mnt/out/{raw.name}"]
        toolbox.run(f"unpacking {module}", argv, binds={"out": folder}, readonly={"src": module.parent})
    else:
        packed = module.read_bytes()
        raw.write_bytes(lzma.decompress(packed) if module.suffix == ".xz" else gzip.decompress(packed))
    return raw


def make_ramdisk(toolbox: Toolbox, host: Host, kernel: Image, binaries: Binaries, folder: Path) -> tuple[Path, list[str]]:
    """Writes folder/initrd with the suites, cts-exec, cts-survey, a busybox for shells and the modules that the host needs.

    Returns it and the names of modules that the kernel does not have in any form. LabError if the stream itself can't work.
    """
    modules, missing = image.module_files(toolbox, kernel, (*STREAM_MODULES, *host.modules))
    for name in STREAM_MODULES:
        if name in missing:
            raise LabError(f"{kernel.path}: no {name} built in or as a module, so the runner could not talk to the guest")
    files = {"init": binaries.init, "cts-exec": binaries.cts_exec, "bin/busybox": toolbox.tree / "usr/bin/busybox"}
    files |= {f"{SUITES}/{name}": path for name, path in binaries.suites.items()}
    files |= binaries.libraries
    for number, module in enumerate(modules):
        files[f"modules/{number:03d}-{module.name.split('.')[0]}.ko"] = _plain(toolbox, module, folder)
    files |= {f"{SURVEY}/{path.name}": path for path in (binaries.folder / SURVEY).iterdir()}
    applets = ("sh", "ls", "cat", "dmesg", "lspci", "grep", "head", "tail", "less", "ps", "kill", "mount", "echo", "find")
    ramdisk.write(folder / "initrd", files, {f"bin/{name}": "busybox" for name in applets})
    return folder / "initrd", missing


class Machine:
    """One virtual machine, to be switched on and off any number of times.

    `folder` holds initrd; each boot appends to the file `console`.
    """

    def __init__(self, toolbox: Toolbox, host: Host, kernel: Image, folder: Path, console: Path, accel: str) -> None:
        self.toolbox = toolbox
        self.host = host
        self.kernel = kernel
        self.folder = folder
        self.accel = accel
        self.console = console
        self._process: subprocess.Popen[bytes] | None = None

    def command(self, extra: Sequence[str], words: Sequence[str] = ()) -> list[str]:
        """QEMU's command line, to be run in the toolbox."""
        accel = "kvm" if self.accel == "kvm" else "tcg,thread=multi"
        line = " ".join([*KERNEL_WORDS, *self.host.kernel, *words])
        return [
            f"qemu-system-{self.host.arch}", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-accel", accel, "-m", str(self.host.memory_mib), "-smp", str(self.host.cpus), *self.host.qemu,
            "-kernel", f"/mnt/ksrc/{self.kernel.path.name}", "-initrd", "/mnt/work/initrd", "-append", line, *extra,
        ]  # fmt: skip

    def _wrap(self, argv: list[str]) -> list[str]:
        mounts: Mapping[str, Path] = {"ksrc": self.kernel.path.parent}
        devices = ["/dev/kvm"] if self.accel == "kvm" else []
        binds = {"work": self.folder, "out": self.console.parent}
        return self.toolbox.command(argv, binds=binds, readonly=mounts, devices=devices)

    def power_on(self) -> socket.socket:
        """Starts QEMU and returns the host's end of the stream; LabError if QEMU refuses its command line at once."""
        ours, theirs = socket.socketpair()
        extra = [
            "-chardev", f"file,id=console,path=/mnt/out/{self.console.name},append=on", "-serial", "chardev:console",
            "-chardev", f"socket,id=stream,fd={theirs.fileno()}", "-device", "virtio-serial-pci",
            "-device", f"virtserialport,chardev=stream,name={PORT}",
        ]  # fmt: skip
        with theirs:
            self._process = subprocess.Popen(
                self._wrap(self.command(extra)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=(self.folder / "qemu.log").open("ab"),
                pass_fds=[theirs.fileno()],
            )
        return ours

    def exit_code(self) -> int | None:
        """QEMU's exit code once its stream has closed (it may take a moment to end), None if it goes on."""
        if self._process is None:
            return None
        try:
            return self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            return None

    def power_off(self) -> None:
        """Ends QEMU, however it is; nothing is left running."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None

    def complaint(self) -> str:
        """What QEMU itself said on its standard error, if anything."""
        log = self.folder / "qemu.log"
        return log.read_text(errors="replace").strip() if log.exists() else ""

    def interactive(self, words: Sequence[str]) -> int:
        """Boots with the console on this terminal and returns QEMU's exit code."""
        argv = self.command(["-chardev", "stdio,id=console,mux=on,signal=off", "-serial", "chardev:console"], words)
        return subprocess.run(self._wrap(argv)).returncode
