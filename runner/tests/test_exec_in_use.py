# SPDX-License-Identifier: GPL-2.0-only
"""What uses a PCI function, on machines that are folders: each test puts one thing to use, and nothing else may be free by accident."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.tests.conftest import CC, EXEC, PROGRAMS, STRICT

BDF = "0000:03:00.0"
OTHER = "0000:03:00.1"


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("in_use") / "in_use_tree"
    sources = [PROGRAMS / "in_use_tree.c", EXEC / "in_use.c", *sorted(EXEC.glob("use*.c"))]
    flags = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g"]
    subprocess.run([CC, *STRICT, *flags, "-o", str(out), *map(str, sources)], check=True)
    return out


class Machine:
    """A machine with a network card, its second function, and a bridge in the same group."""

    def __init__(self, root: Path, program: Path) -> None:
        self.root = root
        self._program = program
        self.bus = "sys/devices/pci0000:00/0000:00:1c.0"
        self.file("proc/1/comm", "init")
        self.file("proc/1/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw")
        self.file("proc/swaps", "Filename Type Size Used Priority")
        self.file("proc/devices", "Character devices:\n  1 mem\n195 nvidia-frontend\n\nBlock devices:\n  8 sd")
        self.file("sys/class/tty/console/active", "tty0 ttyS0")
        for bdf, kind in ((BDF, "0x020000"), (OTHER, "0x020000"), ("0000:00:1c.0", "0x060400")):
            self.function(bdf, kind)

    def file(self, path: str, text: str = "") -> Path:
        where = self.root / path
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_text(text + "\n")
        return where

    def link(self, path: str, target: str | Path) -> None:
        where = self.root / path
        where.parent.mkdir(parents=True, exist_ok=True)
        where.symlink_to(target)

    def place(self, bdf: str) -> str:
        return self.bus if bdf in self.bus else f"{self.bus}/{bdf}"

    def function(self, bdf: str, kind: str) -> None:
        self.file(f"{self.place(bdf)}/class", kind)
        self.link(f"sys/bus/pci/devices/{bdf}", self.root / self.place(bdf))
        self.link(f"{self.place(bdf)}/iommu_group", "../../../../kernel/iommu_groups/12")
        self.link(f"sys/kernel/iommu_groups/12/devices/{bdf}", self.root / self.place(bdf))

    def kind(self, kind: str, bdf: str = BDF) -> None:
        self.file(f"{self.place(bdf)}/class", kind)

    def part(self, path: str, subsystem: str, number: str | None = None, bdf: str = BDF) -> str:
        """Something that the kernel made of a function; returns its folder."""
        where = f"{self.place(bdf)}/{path}"
        self.link(f"{where}/subsystem", f"/sys/class/{subsystem}")
        if number:
            self.file(f"{where}/dev", number)
        return where

    def disk(self, number: str = "259:0", bdf: str = BDF) -> str:
        self.kind("0x010802", bdf)
        return self.part("nvme/nvme0/nvme0n1", "block", number, bdf)

    def opened(self, node: str | Path, pid: int = 812) -> None:
        self.file(f"proc/{pid}/comm", "qemu-system-x86")
        self.link(f"proc/{pid}/fd/7", node)

    def asked(self, bdf: str = BDF) -> str:
        done = subprocess.run([self._program, self.root, bdf], capture_output=True, text=True, check=True)
        return done.stdout.strip()


@pytest.fixture
def machine(tmp_path: Path, program: Path) -> Machine:
    return Machine(tmp_path, program)


def test_what_nobody_uses_is_free(machine: Machine) -> None:
    disk = machine.disk()
    machine.part("nvme/nvme0/nvme0n1/nvme0n1p1", "block", "259:1")
    (machine.root / disk / "holders").mkdir()
    machine.part("nvme/nvme0", "nvme", "242:0")
    interface = machine.part("net/eth1", "net")
    machine.file(f"{interface}/flags", "0x1002")
    machine.file("sys/kernel/iommu_groups/12/reserved_regions", "0xfee00000 0xfeefffff msi\n0x1000 0x1fff direct-relaxable")
    assert machine.asked() == "free"


def test_one_that_is_not_there(machine: Machine) -> None:
    assert machine.asked("0000:09:00.0") == "no such PCI function"


@pytest.mark.parametrize(("kind", "why"), [("0x060400", "it is a bridge"), ("0x060100", "it is a bridge"), ("0x050210", "it is memory")])
def test_what_no_run_may_touch(machine: Machine, kind: str, why: str) -> None:
    machine.kind(kind)
    assert machine.asked() == why


Use = Callable[[Machine], object]


def mounted(machine: Machine) -> None:
    machine.disk()
    machine.part("nvme/nvme0/nvme0n1/nvme0n1p2", "block", "259:2")
    machine.file("proc/1/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n23 22 259:2 / /srv rw - xfs /dev/x rw")


def mounted_elsewhere(machine: Machine) -> None:
    machine.disk()
    machine.file("proc/700/mountinfo", "30 1 259:0 / /data rw - ext4 /dev/nvme0n1 rw")


def held(machine: Machine) -> None:
    machine.file(f"{machine.disk()}/holders/md0")


def of_several_controllers(machine: Machine) -> None:
    machine.kind("0x010802")
    machine.part("nvme/nvme0", "nvme", "242:0")
    shared = "sys/devices/virtual/nvme-subsystem/nvme-subsys0"
    machine.link("sys/class/nvme-subsystem/nvme-subsys0", machine.root / shared)
    machine.link(f"{shared}/nvme0", machine.root / machine.place(BDF) / "nvme/nvme0")
    machine.link(f"{shared}/nvme0n1/subsystem", "/sys/class/block")
    machine.file(f"{shared}/nvme0n1/dev", "259:0")
    machine.file(f"{shared}/nvme0n1/holders/dm-0")


def btrfs(machine: Machine) -> None:
    machine.disk()
    machine.file("sys/fs/btrfs/5d1c/devices/nvme0n1/size")


def swap(machine: Machine) -> None:
    machine.disk()
    machine.link("dev/mapper/swap", "../nvme0n1")
    machine.file("proc/swaps", "Filename Type Size Used Priority\n/dev/mapper/swap partition 1 0 -2")


def loop(machine: Machine) -> None:
    machine.disk()
    machine.link("dev/nvme0n1", "/dev/nvme0n1")
    machine.file("sys/block/loop3/loop/backing_file", "/dev/nvme0n1")


def exported(machine: Machine) -> None:
    machine.disk()
    machine.link("dev/disk/by-id/nvme-x", "../../nvme0n1")
    where = "sys/kernel/config/nvmet/subsystems/testnqn/namespaces/1"
    machine.file(f"{where}/enable", "1")
    machine.file(f"{where}/device_path", "/dev/disk/by-id/nvme-x")


def hibernation(machine: Machine) -> None:
    machine.disk()
    machine.file("sys/power/resume", "259:0")


def dump(machine: Machine) -> None:
    machine.disk()
    machine.link("dev/disk/by-uuid/77aa", "../../nvme0n1")
    machine.file("etc/kdump.conf", "# where\npath /var/crash\next4 UUID=77aa")


def up(machine: Machine) -> None:
    machine.file(machine.part("net/eth1", "net") + "/flags", "0x1003")


def bonded(machine: Machine) -> None:
    interface = machine.part("net/eth1", "net")
    machine.file(f"{interface}/flags", "0x1002")
    machine.link(f"{interface}/master", "../../../../virtual/net/bond0")


def with_vlan(machine: Machine) -> None:
    interface = machine.part("net/eth1", "net")
    machine.file(f"{interface}/flags", "0x1002")
    machine.link(f"{interface}/upper_eth1.7", "../x")


def in_a_container(machine: Machine) -> None:
    machine.link(f"{machine.place(BDF)}/driver", "/sys/bus/pci/drivers/igb")
    (machine.root / machine.place(BDF) / "net").mkdir()


def rdma(machine: Machine) -> None:
    machine.part("infiniband/mlx5_0", "infiniband")
    machine.file("sys/module/nvme_rdma/refcnt", "1")


def boot_display(machine: Machine) -> None:
    machine.file(f"{machine.place(BDF)}/boot_vga", "1")


def display(machine: Machine) -> None:
    machine.file(machine.part("drm/card0/card0-DP-1", "drm") + "/enabled", "enabled")


def framebuffer(machine: Machine) -> None:
    machine.part("graphics/fb0", "graphics", "29:0")


def serial_console(machine: Machine) -> None:
    machine.part("tty/ttyS0", "tty", "4:64")


def usb(machine: Machine) -> None:
    machine.part("usb1", "usb", "189:0")
    machine.file(machine.part("usb1/1-4", "usb", "189:3") + "/product", "Keyboard")


def dma_engine(machine: Machine) -> None:
    machine.file(machine.part("dma/dma0chan0", "dma") + "/in_use", "1")


def mediated(machine: Machine) -> None:
    machine.part("c757d317-0000-4000-8000-000000000001", "mdev")


def tpm(machine: Machine) -> None:
    machine.part("tpm/tpm0", "tpm", "10:224")


def functions_in_use(machine: Machine) -> None:
    machine.link(f"{machine.place(BDF)}/virtfn0", "../0000:03:10.0")
    machine.function("0000:03:10.0", "0x020000")
    machine.link(f"{machine.place('0000:03:10.0')}/driver", "/sys/bus/pci/drivers/vfio-pci")


def functions_that_would_be_lost(machine: Machine) -> None:
    machine.link(f"{machine.place(BDF)}/driver", "/sys/bus/pci/drivers/igb")
    machine.link(f"{machine.place(BDF)}/virtfn0", "../0000:03:10.0")
    machine.function("0000:03:10.0", "0x020000")


def opened(machine: Machine) -> None:
    machine.part("vfio-dev/vfio3", "vfio-dev", "1:3")  # the number of /dev/null, which can be opened here
    machine.opened("/dev/null")


def group_opened(machine: Machine) -> None:
    machine.link("sys/class/vfio/12", machine.root / "sys/devices/virtual/vfio/12")
    machine.file("sys/devices/virtual/vfio/12/dev", "1:3")
    machine.opened("/dev/null")


def registers_opened(machine: Machine) -> None:
    machine.opened(machine.file(f"{machine.place(BDF)}/resource0"))


def registers_mapped(machine: Machine) -> None:
    machine.file("proc/90/comm", "dpdk-testpmd")
    machine.file("proc/90/maps", f"7f00-7f01 rw-s 0 00:13 4711    {machine.root / machine.place(BDF)}/resource2")


def driver_opened(machine: Machine) -> None:
    machine.link(f"{machine.place(BDF)}/driver", "/sys/bus/pci/drivers/mem")
    machine.kind("0x030200")
    machine.opened("/dev/zero")


def direct_region(machine: Machine) -> None:
    machine.file("sys/kernel/iommu_groups/12/reserved_regions", "0x7f000000 0x7fffffff direct")


def neighbour(machine: Machine) -> None:
    machine.file(machine.part("net/eth2", "net", bdf=OTHER) + "/flags", "0x1003")


@pytest.mark.parametrize(("use", "why"), [
    (mounted, "its disk nvme0n1p2 is mounted on /srv"),
    (mounted_elsewhere, "its disk nvme0n1 is mounted on /data"),
    (held, "its disk nvme0n1 belongs to md0"),
    (of_several_controllers, "its disk nvme0n1 belongs to dm-0"),
    (btrfs, "its disk nvme0n1 belongs to the btrfs file system 5d1c, which is mounted"),
    (swap, "its disk nvme0n1 is swap"),
    (loop, "its disk nvme0n1 is below loop3"),
    (exported, "its disk nvme0n1 is exported by the NVMe target testnqn"),
    (hibernation, "its disk nvme0n1 is where the machine hibernates to"),
    (dump, "its disk nvme0n1 is where kdump writes"),
    (up, "its interface eth1 is up; `ip link set eth1 down` if nobody needs it"),
    (bonded, "its interface eth1 belongs to bond0"),
    (with_vlan, "its interface eth1 is below eth1.7"),
    (in_a_container, "driver igb has it and no interface is to be seen: is that in another network namespace?"),
    (rdma, "its RDMA device mlx5_0 may have a user in the kernel: the module nvme_rdma"),
    (boot_display, "the console is on it: it is the display that the firmware started with"),
    (display, "a display is driven by its output card0-DP-1"),
    (framebuffer, "the console is on its framebuffer fb0"),
    (serial_console, "the kernel's console is on its ttyS0"),
    (usb, "the USB device 1-4, Keyboard is plugged into it"),
    (dma_engine, "the kernel uses its DMA channel dma0chan0"),
    (mediated, "mdev c757d317-0000-4000-8000-000000000001 was made of it"),
    (tpm, "it is the machine's tpm0"),
    (functions_in_use, "its virtual function 0000:03:10.0 is used by driver vfio-pci"),
    (functions_that_would_be_lost, "it has virtual functions, such as 0000:03:10.0; write 0 to its sriov_numvfs if nobody needs them"),
    (opened, "process 812 (qemu-system-x86) has /dev/null open"),
    (group_opened, "process 812 (qemu-system-x86) has /dev/null open"),
    (registers_opened, "process 812 (qemu-system-x86) has {}/resource0 open"),
    (registers_mapped, "process 90 (dpdk-testpmd) has {}/resource2 mapped"),
    (driver_opened, "process 812 (qemu-system-x86) has /dev/zero open"),
    (direct_region, "the firmware wants the memory at 0x7f000000 mapped for it at all times"),
    (neighbour, "its IOMMU group has 0000:03:00.1, and of that: its interface eth2 is up; `ip link set eth2 down` if nobody needs it"),
])
def test_what_is_in_use(machine: Machine, use: Use, why: str) -> None:
    assert machine.asked() == "free"
    use(machine)
    assert machine.asked() == why.format(machine.root / machine.place(BDF))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root reads what other processes have open")
def test_this_machine_is_looked_at_without_harm(program: Path) -> None:
    """The real /sys and /proc: whatever is there, the answer is one line."""
    for path in Path("/sys/bus/pci/devices").glob("*"):
        said = subprocess.run([program, "", path.name], capture_output=True, text=True, check=True).stdout
        assert said.count("\n") == 1, path.name
