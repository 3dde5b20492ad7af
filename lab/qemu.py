# SPDX-License-Identifier: GPL-2.0-only
"""A virtual host: QEMU in the toolbox, booting a kernel and a ramdisk, with a byte stream to the program inside."""

import gzip
import itertools
import lzma
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab import device_tree, endpoint, firmware, image, media, ramdisk
from lab.binaries import Binaries
from lab.console import Console, end_of, size
from lab.errors import LabError
from lab.host import Host
from lab.image import Image
from lab.toolbox import Toolbox

STREAM_MODULES = ("virtio_pci", "virtio_console")
KERNEL_WORDS = ("loglevel=7", "panic=-1", "printk.devkmsg=on")
FIRMWARE = "firmware"  # in a machine's folder, where its host boots by one
PORT = "org.iommu-cts"  # lab/guest/init.c looks for it
START_S = 60.0  # for the toolbox to come up
END_S = 10.0  # from the end of the stream to the end of QEMU
COMPLAINT_BYTES = 4096
# Runs QEMU once whoever started this has answered. By then bubblewrap has asked the kernel to be killed together with him: had he
# been killed before, nobody would ever end it. For bash: dash has no descriptors of two digits.
WAIT_FOR_US = 'echo >&"$1"; read -r go <&"$1" || exit 1; shift; exec "$@"'
ICOUNT = "icount"
# Each boot is to be like the last: addresses, and the lists of free pages that a processor keeps, which otherwise change their length with
# what was ever allocated and with the time that goes by.
COUNTING_WORDS = ("norandmaps", "nokaslr", "sysctl.vm.percpu_pagelist_high_fraction=8", "sysctl.vm.stat_interval=1000000")
# By icount the guest's clocks advance by a nanosecond for each instruction of its one processor, and by nothing else: a guest that sleeps
# finds the time gone by at once.
_ACCELERATORS = {
    "tcg": ["-accel", "tcg,thread=multi"],
    "kvm": ["-accel", "kvm"],
    ICOUNT: ["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off"],
}
_OF_SEVERAL = ("-smp", "-numa")  # options of a host with several processors
SUITES = "suites"  # the folder of the test programs in the ramdisk
# What shells in a host's ramdisk have.
APPLETS = ("sh", "ls", "cat", "dmesg", "lspci", "grep", "head", "tail", "less", "ps", "kill", "mount", "echo", "find")
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


def make_ramdisk(
    toolbox: Toolbox, host: Host, kernel: Image, binaries: Binaries, folder: Path, applets: Sequence[str] = APPLETS,
) -> tuple[Path, list[str]]:  # fmt: skip
    """Writes folder/initrd with the suites, cts-exec, cts-survey, a busybox of `applets` and the modules that the host needs; beside it,
    what else the host is made of.

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
    if host.firmware:
        # Beside the ramdisk, where QEMU finds it.
        shutil.copyfile(firmware.image(host.machine), folder / FIRMWARE)
        table = folder / "iort"
        table.write_bytes(firmware.iort())
        files[firmware.IORT_NAME] = table
    if host.scratch:
        files |= media.fio()
    if host.endpoints:
        shutil.copy(endpoint.build(toolbox), folder / endpoint.PROGRAM)
    ramdisk.write(folder / "initrd", files, {f"bin/{name}": "busybox" for name in applets})
    return folder / "initrd", missing


class Machine:
    """One virtual machine, to be switched on and off any number of times.

    `folder` holds initrd, what QEMU says in its last boot, and scratch media, which are empty in each; each boot appends to the file
    `console`, and what endpoints say to files beside it.
    """

    def __init__(self, toolbox: Toolbox, host: Host, kernel: Image, folder: Path, console: Path, accel: str) -> None:
        self.toolbox = toolbox
        self.host = host
        self.kernel = kernel
        self.folder = folder
        self.accel = accel
        self.console = console
        self._log = folder / f"{console.stem}-qemu.log"
        self._tree = f"{console.stem}.dtb"
        self._screen = Console(console)
        self._endpoint_logs = [console.with_name(f"{console.stem}-endpoint-{n}.log") for n, _ in enumerate(host.endpoints, 1)]
        self._media = [f"{console.stem}-scratch-{number}" for number, _ in enumerate(host.scratch, 1)]
        self._endpoint_starts = [0 for _ in host.endpoints]
        self._process: subprocess.Popen[bytes] | None = None

    def command(self, extra: Sequence[str], words: Sequence[str] = ()) -> list[str]:
        """What starts QEMU and the host's endpoints, to be run in the toolbox."""
        arch = self.host.machine
        counting = (*COUNTING_WORDS, *arch.counting) if self.accel == ICOUNT else ()
        line = " ".join([f"console={arch.console}", *KERNEL_WORDS, *arch.words, *counting, *self.host.kernel, *words])
        bios = ["-bios", f"/mnt/work/{FIRMWARE}"] if self.host.firmware else []
        tree = ["-dtb", f"/mnt/work/{self._tree}"] if self.host.noncoherent else []
        qemu = [
            *self._hardware(), *bios, *tree, *endpoint.devices(self.host.endpoints),
            *media.devices(self.host.scratch, [f"/mnt/work/{name}" for name in self._media]),
            "-kernel", f"/mnt/ksrc/{self.kernel.path.name}", "-initrd", "/mnt/work/initrd", "-append", line, *extra,
        ]  # fmt: skip
        logs = [f"/mnt/out/{log.name}" for log in self._endpoint_logs]
        return endpoint.together(self.host.endpoints, f"/mnt/work/{endpoint.PROGRAM}", logs, qemu)

    def _hardware(self) -> list[str]:
        """QEMU, and what its machine is made of."""
        arch = self.host.machine
        return [
            f"qemu-system-{arch.name}", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            *_ACCELERATORS[self.accel], "-m", str(self.host.memory_mib), *self._processors(), *arch.options,
            *(arch.counting_options if self.accel == ICOUNT else ()),
        ]  # fmt: skip

    def _make_tree(self) -> None:
        """The device tree of a machine that isn't coherent: QEMU's own, but for that."""
        tree = self.folder / self._tree
        argv = [*self._hardware(), "-machine", f"dumpdtb=/mnt/work/{tree.name}"]
        self.toolbox.run("writing the machine's device tree", argv, binds={"work": self.folder})
        tree.write_bytes(device_tree.without(tree.read_bytes(), "dma-coherent"))

    def _prepare(self) -> None:
        """Makes what a boot of this host takes."""
        for name in self._media:
            media.make(self.folder / name)
        if self.host.noncoherent:
            self._make_tree()

    def _processors(self) -> list[str]:
        """How many there are, and what the host's description has of QEMU's options."""
        options = list(self.host.qemu)
        if self.accel != ICOUNT:
            return ["-smp", str(self.host.cpus), *options]
        words = itertools.pairwise(["", *options])
        return ["-smp", "1", *(word for before, word in words if word not in _OF_SEVERAL and before not in _OF_SEVERAL)]

    def _wrap(self, argv: list[str]) -> list[str]:
        mounts: Mapping[str, Path] = {"ksrc": self.kernel.path.parent}
        devices = ["/dev/kvm"] if self.accel == "kvm" else []
        binds = {"work": self.folder, "out": self.console.parent}
        return self.toolbox.command(argv, binds=binds, readonly=mounts, devices=devices)

    def power_on(self) -> socket.socket:
        """Starts QEMU and returns the host's end of the stream. If QEMU ends at once, the stream does.

        QEMU dies with the thread that calls this. Ctrl-C at the terminal does not reach it.
        """
        self._prepare()
        self._screen.begin()
        self._endpoint_starts = [size(log) for log in self._endpoint_logs]
        ours, theirs = socket.socketpair()
        # On the first host bridge, by name: without one QEMU takes the bus that was made last.
        extra = [
            "-chardev", f"file,id=console,path=/mnt/out/{self.console.name},append=on", "-serial", "chardev:console",
            "-chardev", f"socket,id=stream,fd={theirs.fileno()}", "-device", "virtio-serial-pci,bus=pcie.0",
            "-device", f"virtserialport,chardev=stream,name={PORT}",
        ]  # fmt: skip
        with theirs, self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._wrap(["bash", "-c", WAIT_FOR_US, "bash", str(theirs.fileno()), *self.command(extra)]),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        ours.settimeout(START_S)
        try:
            if ours.recv(1):
                ours.sendall(b"go\n")
        except OSError:
            pass  # it has ended, or will be: that shows when the stream is read
        ours.settimeout(None)
        return ours

    def console_of_boot(self, limit: int) -> str:
        """The last `limit` bytes that this boot, or the last, wrote on its console."""
        return self._screen.tail(limit)

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
        self._screen.trim()

    def complaint(self) -> str:
        """The end of what QEMU and the endpoints said on their standard errors in this boot, or the last, if anything."""
        said = [end_of(self._log, 0, COMPLAINT_BYTES)]
        said += [end_of(log, start, COMPLAINT_BYTES) for log, start in zip(self._endpoint_logs, self._endpoint_starts, strict=True)]
        return "\n".join(text.strip() for text in said if text.strip())

    def interactive(self, words: Sequence[str]) -> int:
        """Boots with the console on this terminal and returns QEMU's exit code."""
        self._prepare()
        argv = self.command(["-chardev", "stdio,id=console,mux=on,signal=off", "-serial", "chardev:console"], words)
        return subprocess.run(self._wrap(argv)).returncode
