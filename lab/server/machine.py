# SPDX-License-Identifier: GPL-2.0-only
"""The server as a machine in a folder: its disks, its keys, its console, its power switch.

It goes on when who started it has ended, until it is switched off.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lab import host, image, kernel, ksrc, toolbox
from lab.arch import NATIVE
from lab.errors import LabError
from lab.progress import Step
from lab.server import image as disk

TOP = Path(__file__).parent.parent.parent
FLAVOUR = kernel.FRAGMENTS / "server.config"
LIKE = "vtd"  # the virtual host whose processor, IOMMU and first device it has
NAME = "iommu-cts-server"  # what ssh calls it by the configuration in its folder
IDLE_SERIAL, USED_SERIAL = "cts-idle", "cts-used"
MEMORY_MIB = 2048
LAST_WORDS = 0x60000000  # where in memory the kernel's last words are kept, which a reset does not touch
LAST_WORDS_BYTES = 0x100000
KERNEL_WORDS = (
    "root=/dev/vda", "rw", "devtmpfs.mount=1", f"console={NATIVE.console}", "loglevel=7", "panic=5", "printk.devkmsg=on",
    "systemd.show_status=false", f"memmap={LAST_WORDS_BYTES:#x}${LAST_WORDS:#x}", f"ramoops.mem_address={LAST_WORDS:#x}",
    f"ramoops.mem_size={LAST_WORDS_BYTES:#x}", "ramoops.record_size=0x20000", "ramoops.ecc=1",
)  # fmt: skip
DEVICES = (
    "-device", "pcie-root-port,id=port2,slot=2", "-device", "igb,bus=port2",
    "-device", "pcie-root-port,id=port3,slot=3", "-drive", "file=/mnt/out/used.img,format=raw,if=none,id=used",
    "-device", f"nvme,bus=port3,serial={USED_SERIAL},drive=used",
    "-device", "pcie-root-port,id=port4,slot=4", "-drive", "file=/mnt/out/idle.img,format=raw,if=none,id=idle",
    "-device", f"nvme,bus=port4,serial={IDLE_SERIAL},drive=idle",
    "-device", "pcie-root-port,id=port5,slot=5", "-device", "pcie-pci-bridge,id=bridge,bus=port5",
    "-device", "edu,bus=bridge,addr=1", "-device", "e1000,bus=bridge,addr=2",
)  # fmt: skip
UP_S = 300.0  # from power on to an answer by ssh
OFF_S = 20.0
SSH_S = 10.0
POLL_S = 0.5

SSH_CONFIG = """Host {name}
    HostName 127.0.0.1
    Port {port}
    User root
    IdentityFile {folder}/key
    IdentitiesOnly yes
    UserKnownHostsFile {folder}/known_hosts
    GlobalKnownHostsFile none
    StrictHostKeyChecking yes
"""
HOST = """title = "Debian in QEMU, with an sshd"
target = "ssh"
address = "{name}"
ssh_config = "ssh_config"
power_cycle = [{switch}, "power", "{folder}", "reset"]
console = ["tail", "-n", "0", "-F", "{folder}/console.log"]
kernel = [{switch}, "kernel", "{folder}"]
faults = "contained"
slower = 2

[[allow]]
name = "igb"
bdf = "0000:01:00.0"
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _keygen(path: Path) -> None:
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", NAME, "-f", str(path)]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, capture_output=True)


class Server:
    """A server in `folder`, which `make` has filled or fills. One process at a time may use it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.host_file = self.folder / "host.toml"
        self.ssh_config = self.folder / "ssh_config"
        self.console = self.folder / "console.log"

    @property
    def is_made(self) -> bool:
        return self.host_file.exists()

    def make(self) -> None:
        """Fills the folder: disks, keys, kernel and the description for `iommu-cts run --host`. It takes what the cache has."""
        self.folder.mkdir(parents=True, exist_ok=True)
        tree = toolbox.obtain("server")
        box, source = ksrc.with_toolbox(None)
        built = image.of_folder(kernel.build(box, source, [FLAVOUR]).folder)
        with Step("a server"):
            shutil.copy(built.path, self.folder / "kernel")
            root = disk.obtain(tree)
            subprocess.run(["cp", "--reflink=auto", "--sparse=always", str(root), str(self.folder / disk.DISK)], check=True)
            disk.file_system(tree, self.folder / "used.img", "64M", disk.LABEL)
            with (self.folder / "idle.img").open("wb") as idle:
                idle.truncate(64 << 20)
            self._make_keys(tree)
            self._describe()

    def _make_keys(self, tree: toolbox.Toolbox) -> None:
        for name in ("key", "host_key"):
            _keygen(self.folder / name)
        public = (self.folder / "key.pub").read_text()
        homes = ("/root", f"/home/{disk.USER}")
        files = {f"{home}/.ssh/authorized_keys": public for home in homes}
        files["/etc/ssh/ssh_host_ed25519_key"] = (self.folder / "host_key").read_text()
        files["/etc/ssh/ssh_host_ed25519_key.pub"] = (self.folder / "host_key.pub").read_text()
        owners = [
            f"set_inode_field /home/{disk.USER}{path} {field} 1000"
            for path in ("", "/.ssh", "/.ssh/authorized_keys")
            for field in ("uid", "gid")
        ]
        disk.put(tree, self.folder / disk.DISK, files, {"/etc/ssh/ssh_host_ed25519_key": 0o100600}, owners)

    def _describe(self) -> None:
        port = _free_port()
        key_type, key, *_ = (self.folder / "host_key.pub").read_text().split()
        (self.folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {key_type} {key}\n")
        self.ssh_config.write_text(SSH_CONFIG.format(name=NAME, port=port, folder=self.folder))
        (self.folder / "port").write_text(f"{port}\n")
        words = ["env", "-C", str(TOP), sys.executable, "-m", "lab.server"]
        switch = ", ".join(json.dumps(word) for word in words)
        self.host_file.write_text(HOST.format(name=NAME, switch=switch, folder=self.folder))

    def _command(self, share: Path | None) -> list[str]:
        like = host.find(LIKE)
        port = int((self.folder / "port").read_text())
        line = " ".join([*KERNEL_WORDS, *NATIVE.words, *(word for word in like.kernel if not word.startswith("cts."))])
        shared = [] if share is None else [
            "-virtfs", "local,path=/mnt/src,mount_tag=host,security_model=none,readonly=on,multidevs=remap",
        ]  # fmt: skip
        return [
            f"qemu-system-{NATIVE.name}", "-nodefaults", "-no-user-config", "-display", "none", "-accel", "tcg,thread=multi",
            "-m", str(MEMORY_MIB), "-smp", "2", *NATIVE.options, *like.qemu, *DEVICES, *shared,
            "-drive", f"file=/mnt/out/{disk.DISK},format=raw,if=none,id=root,cache=unsafe",
            "-device", "virtio-blk-pci,drive=root,bus=pcie.0",
            "-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{port}-:22", "-device", "virtio-net-pci,netdev=net,bus=pcie.0",
            "-chardev", "file,id=console,path=/mnt/out/console.log,append=on", "-serial", "chardev:console",
            "-qmp", "unix:/mnt/out/qmp,server=on,wait=off",
            "-kernel", "/mnt/out/kernel", "-append", line,
        ]  # fmt: skip

    def power_on(self, share: Path | None = None) -> None:
        """Starts it; harmless if it is on. The guest can mount the folder `share` read-only: mount -t 9p -o trans=virtio host DIR."""
        if self._alive():
            return
        box = toolbox.obtain()
        readonly = {"src": share} if share is not None else {}
        argv = box.command(self._command(share), binds={"out": self.folder}, readonly=readonly, daemon=True)
        with (self.folder / "qemu.log").open("wb") as log:
            process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
            )
        (self.folder / "pid").write_text(f"{process.pid} {_born(process.pid)}\n")

    def power_off(self) -> None:
        """Pulls the plug; harmless if it is off."""
        with contextlib.suppress(OSError):
            self._monitor("quit")
        pid = self._alive()
        deadline = time.monotonic() + OFF_S
        while pid and self._alive():
            if time.monotonic() > deadline:
                os.killpg(pid, signal.SIGKILL)
                deadline += OFF_S
            _reap(pid)
            time.sleep(POLL_S / 10)
        (self.folder / "pid").unlink(missing_ok=True)

    def reset(self) -> None:
        """The reset button, or the power button if it is off."""
        if self._alive():
            self._monitor("system_reset")
            self._monitor("cont")  # also if it was stalled
        else:
            self.power_on()

    def cut(self, cut: bool) -> None:
        """Pulls the network cable, or plugs it in."""
        self._monitor("set_link", name="net", up=not cut)

    def stall(self, stall: bool) -> None:
        """Stops the processors, or lets them go on: a machine that hangs."""
        self._monitor("stop" if stall else "cont")

    def use_kernel(self, path: Path) -> None:
        """Boots another kernel from now on."""
        self.power_off()
        shutil.copy(path, self.folder / "kernel")
        self.power_on()

    def ssh(self, *words: str, user: str = "root", **how: Any) -> "subprocess.CompletedProcess[bytes]":
        """Runs a command on it by the user's own ssh."""
        options = ["-F", str(self.ssh_config), "-o", "BatchMode=yes", "-o", f"ConnectTimeout={SSH_S:.0f}", "-l", user]
        return subprocess.run(["ssh", *options, NAME, *words], stdin=subprocess.DEVNULL, capture_output=True, **how)

    def wait(self) -> None:
        """Returns when it answers by ssh; LabError, with the end of its console, if it doesn't."""
        deadline = time.monotonic() + UP_S
        with Step("waiting for the server"):
            while True:
                done = self.ssh("true")
                if not done.returncode:
                    return
                if time.monotonic() > deadline or not self._alive():
                    tail = self.console.read_text(errors="replace").splitlines()[-15:] if self.console.exists() else []
                    said = (self.folder / "qemu.log").read_text(errors="replace").splitlines()[-5:]
                    raise LabError("\n".join(["the server does not answer:", done.stderr.decode(errors="replace"), *tail, *said]))
                time.sleep(POLL_S)

    def _alive(self) -> int:
        """The process of its QEMU, 0 if it is off."""
        try:
            pid, born = (self.folder / "pid").read_text().split()
            return int(pid) if _born(int(pid)) == born else 0
        except (OSError, ValueError):
            return 0

    def _monitor(self, command: str, **arguments: Any) -> None:
        """One command of QEMU's monitor (QMP); OSError if there is none to tell."""
        folder = os.open(self.folder, os.O_PATH | os.O_DIRECTORY)  # a socket's path has 107 bytes at most
        try:
            with socket.socket(socket.AF_UNIX) as qmp:
                qmp.settimeout(OFF_S)
                qmp.connect(f"/proc/self/fd/{folder}/qmp")
                with qmp.makefile("rw") as lines:
                    for wanted in ({"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments}):
                        print(json.dumps(wanted), file=lines, flush=True)
                        answers = (json.loads(line) for line in lines)
                        answer: dict[str, Any] = next((one for one in answers if "return" in one or "error" in one), {})
                        if "error" in answer:
                            raise LabError(f"QEMU refused {command}: {answer['error'].get('desc')}")
        finally:
            os.close(folder)


def _born(pid: int) -> str:
    """When a process was started, in the kernel's ticks: another one of its number has another. OSError if there is none."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    if fields[0] == "Z":
        raise ProcessLookupError(pid)
    return fields[19]


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


@contextlib.contextmanager
def booted(folder: Path) -> Iterator[Server]:
    """A server that answers, as long as the context lasts."""
    server = Server(folder)
    if not server.is_made:
        server.make()
    server.power_on()
    try:
        server.wait()
        yield server
    finally:
        server.power_off()
