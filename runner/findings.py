# SPDX-License-Identifier: GPL-2.0-only
"""What a host offers to the suites and what it lacks, from the facts of cts-survey. Pure: the same facts give the same findings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from runner import klog
from runner.facts import Facts, Pool

CAP_IPC_LOCK = 14
MEMLOCK_WANTED = 1 << 30  # bytes that the largest mappings of the suites pin
MEMORY_WANTED_KIB = 1 << 20
_RESERVED_KIB = 64 << 10  # of huge pages of each size, where none are


class Status(StrEnum):
    """LACK: no test can run. WARNING: some tests are skipped, or say less. UNKNOWN: it could not be seen."""

    OK = "ok"
    LACK = "lack"
    WARNING = "warning"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """One thing of the host, or of the function `device`. `why` it matters and the `way_out` are there unless it is well."""

    id: str
    status: Status
    what: str
    why: str = ""
    way_out: str = ""
    device: str | None = None


def ok(what_id: str, what: str, device: str | None = None) -> Finding:
    return Finding(what_id, Status.OK, what, device=device)


def lack(what_id: str, what: str, why: str, way_out: str, device: str | None = None) -> Finding:
    return Finding(what_id, Status.LACK, what, why, way_out, device)


def warning(what_id: str, what: str, why: str, way_out: str, device: str | None = None) -> Finding:
    return Finding(what_id, Status.WARNING, what, why, way_out, device)


def unknown(what_id: str, what: str, why: str, way_out: str, device: str | None = None) -> Finding:
    return Finding(what_id, Status.UNKNOWN, what, why, way_out, device)


# Options of the kernel without which nothing runs, and those without which some tests are skipped: what each is for.
_NEEDED_OPTIONS = {
    "IOMMU_SUPPORT": "IOMMU drivers",
    "IOMMUFD": "/dev/iommu",
    "VFIO": "vfio",
    "VFIO_DEVICE_CDEV": "the character device of each vfio device",
    "VFIO_PCI": "the driver that gives PCI functions to user space",
}
_USEFUL_OPTIONS = {
    "VFIO_GROUP": "tests of group and cdev beside each other",
    "IRQ_REMAP": "isolated interrupts on x86",
    "PCI_ATS": "address translation services",
    "PCI_PRI": "page requests",
    "PCI_PASID": "PASIDs",
    "HUGETLBFS": "tests with huge pages",
    "IO_URING": "access through io_uring",
}
_X86_ONLY = {"IRQ_REMAP"}


def examine(facts: Facts, options: Mapping[str, str] | None, virtual: bool) -> list[Finding]:
    """The findings on the host itself. `options` is the kernel's configuration ("y", "m"), None where it can't be had."""
    return [
        _iommu(facts),
        *_vtd_features(facts),
        *_mode(facts),
        _remapping(facts),
        _iommufd(facts, options),
        _cdev(facts, options),
        _vfio_pci(facts, options),
        _options(facts, options),
        _user(facts, virtual),
        _memlock(facts),
        _huge(facts),
        _memory(facts),
        _kernel_log(facts),
        _lockdown(facts),
        _errors(facts, options),
        _taint(facts),
        _kvm(facts, options),
    ]


# How the names in /sys/class/iommu begin, the longer of two first. virtio-iommu bears that of its PCI function.
_KINDS = {"dmar": "Intel VT-d", "ivhd": "AMD-Vi", "smmu3": "Arm SMMUv3", "smmu": "Arm SMMU", r"[0-9a-f]{4}:|virtio": "virtio-iommu"}
_MOCK = "iommufd_selftest_iommu"  # of CONFIG_IOMMUFD_TEST: it has no device that does DMA


def _kind(name: str) -> str:
    for start, kind in _KINDS.items():
        if re.match(start, name):
            return kind
    return "an IOMMU"


def _iommus(facts: Facts) -> list[dict[str, Any]]:
    return [one for one in facts.iommus if not one["name"].startswith(_MOCK)]


def _iommu(facts: Facts) -> Finding:
    if _iommus(facts) and facts.groups:
        names: dict[str, list[str]] = {}
        for one in _iommus(facts):
            names.setdefault(_kind(one["name"]), []).append(one["name"])
        kinds = ", ".join(f"{kind} ({' '.join(members)})" for kind, members in names.items())
        return ok("iommu", f"{kinds}; {facts.groups} groups")
    why = "without an IOMMU no device can be bound: vfio has no group to isolate it in"
    switch = "switch VT-d or AMD-Vi on in the firmware's set-up; `iommu-cts run --host vtd` brings a virtual host with one"
    cmdline = facts.kernel.cmdline or ""
    off = re.search(r"\b(?:intel_iommu|amd_iommu|iommu)=off\b", cmdline)
    if off:
        return lack("iommu", f"switched off by {off[0]}", why, f"boot without {off[0]}")
    if _iommus(facts):
        return lack("iommu", f"{_iommus(facts)[0]['name']} is there, but no device is in a group", why,
                    "boot with the IOMMU translating: intel_iommu=on, or without iommu=off")  # fmt: skip
    if any("DMAR" in line for line in facts.log.lines):
        return lack("iommu", "the firmware describes a VT-d that the kernel does not use", why,
                    "boot with intel_iommu=on; if that is so already, build the kernel with CONFIG_INTEL_IOMMU")  # fmt: skip
    if facts.hypervisor:
        switch = "this is a virtual machine: have its emulator give it an IOMMU; `iommu-cts run --host vtd` brings a virtual host with one"
    elif facts.kernel.machine not in ("x86_64", "i686"):
        switch = "have the firmware describe it (IORT, device tree); a virtual machine needs one given by its emulator"
    return lack("iommu", "none: /sys/class/iommu is empty", why, switch)


# Bits of VT-d's extended capability register (Intel VT-d specification, 11.4.3), and what tests they carry.
_ECAP = {"scalable mode": 43, "first stage": 47, "second stage": 46, "PASID": 40, "nesting": 26, "page requests": 29,
         "dirty tracking": 45, "device TLB": 2, "snoop control": 7}  # fmt: skip
_SUPER_PAGES = {0: "2 MiB", 1: "1 GiB"}


def _vtd_features(facts: Facts) -> list[Finding]:
    """What the registers of VT-d say; the other drivers show none in sysfs."""
    units = [one for one in _iommus(facts) if one.get("intel-iommu/ecap")]
    if not units:
        return []
    cap, ecap = -1, -1
    for one in units:  # what all of them have
        cap &= int(one.get("intel-iommu/cap") or "0", 16)
        ecap &= int(one["intel-iommu/ecap"], 16)
    have = [name for name, bit in _ECAP.items() if ecap >> bit & 1]
    have += [f"{size} pages" for bit, size in _SUPER_PAGES.items() if cap >> (34 + bit) & 1]
    width = (cap >> 16 & 0x3F) + 1
    lacking = [name for name in _ECAP if name not in have]
    text = f"{width}-bit IOVA; {', '.join(have) or 'nothing optional'}"
    if not lacking:
        return [ok("iommu-features", text)]
    why = f"tests of {', '.join(lacking)} are skipped"
    return [warning("iommu-features", text, why, "another machine, or firmware that offers more; the mock covers part")]


def _mode(facts: Facts) -> list[Finding]:
    """How the kernel's own DMA is translated: of the named groups, else as the log says."""
    if not _iommus(facts):
        return []
    words = {"DMA": "strict", "DMA-FQ": "lazy", "identity": "passthrough", "blocked": "blocked"}
    modes = sorted({words.get(group.type, group.type) for group in facts.group_list if group.type})
    if not modes:
        modes = [found[1].lower() for line in facts.log.lines
                 if (found := re.search(r"Default domain type: (\w+)|TLB invalidation policy: (\w+)", line)) and found[1]]  # fmt: skip
    if not modes:
        return [unknown("iommu-mode", "the kernel's default domains can't be seen",
                        "it tells what a device can do before it is bound", "name a device, or run as root")]  # fmt: skip
    return [ok("iommu-mode", f"the kernel's own DMA: {', '.join(modes)}")]


def _remapping(facts: Facts) -> Finding:
    why = "iommufd refuses to bind a device whose interrupts are not isolated (EPERM)"
    if facts.interrupts.remapped:
        return ok("interrupt-remapping", "on")
    if facts.interrupts.its:
        return ok("interrupt-remapping", "interrupts go through an ITS, which isolates them")
    if str(facts.parameters.get("iommufd/parameters/allow_unsafe_interrupts")) in ("Y", "1"):
        return warning("interrupt-remapping", "off, and iommufd.allow_unsafe_interrupts is set",
                       "tests of MSI isolation are skipped: a device can raise any interrupt",
                       "switch it on in the firmware's set-up")  # fmt: skip
    if not _iommus(facts):
        return lack("interrupt-remapping", "none without an IOMMU", why, "see iommu")
    if not facts.interrupts.readable:
        return unknown("interrupt-remapping", "/proc/interrupts can't be read", why, "run as root")
    return lack(
        "interrupt-remapping", "off", why,
        "switch it on in the firmware's set-up (x2APIC, interrupt remapping) and boot without intremap=off; where the platform has "
        "none and every device is trusted: modprobe iommufd allow_unsafe_interrupts=1",
    )  # fmt: skip


def _load(facts: Facts, module: str, option: str, options: Mapping[str, str] | None) -> str:
    """How to get a module into the kernel."""
    if facts.modules.get(module) == "available" or (options and options.get(option) == "m"):
        return f"modprobe {module}"
    if options is not None and option not in options:
        return f"boot a kernel with CONFIG_{option}; `iommu-cts lab build` makes one for virtual hosts"
    return f"modprobe {module}; if there is no such module, boot a kernel with CONFIG_{option}"


def _iommufd(facts: Facts, options: Mapping[str, str] | None) -> Finding:
    why = "every test goes through /dev/iommu"
    node = facts.file("/dev/iommu")
    if not node.exists:
        return lack("iommufd", "there is no /dev/iommu", why, _load(facts, "iommufd", "IOMMUFD", options))
    if not node.usable:
        return lack("iommufd", "/dev/iommu may not be opened by this user", why, "run as root, or give access by a udev rule")
    return ok("iommufd", "/dev/iommu")


def _cdev(facts: Facts, options: Mapping[str, str] | None) -> Finding:
    why = "the suites open devices by their own character device, /dev/vfio/devices/vfioN"
    if facts.file("/dev/vfio/devices").exists:
        return ok("cdev", "/dev/vfio/devices")
    if options is not None:
        if "VFIO_DEVICE_CDEV" in options:
            return ok("cdev", "CONFIG_VFIO_DEVICE_CDEV; no device is with a vfio driver yet")
        return lack("cdev", "CONFIG_VFIO_DEVICE_CDEV is off", why, "boot a kernel with CONFIG_VFIO_DEVICE_CDEV (needs IOMMUFD)")
    return unknown("cdev", "no device is with a vfio driver, and the kernel's configuration can't be read", why,
                   "give a device to vfio-pci, or see kernel-options")  # fmt: skip


def _vfio_pci(facts: Facts, options: Mapping[str, str] | None) -> Finding:
    if facts.modules.get("vfio-pci") == "loaded":
        return ok("vfio-pci", "loaded")
    return lack("vfio-pci", "the kernel has no driver vfio-pci now", "devices are given to it for the tests",
                _load(facts, "vfio-pci", "VFIO_PCI", options))  # fmt: skip


def _options(facts: Facts, options: Mapping[str, str] | None) -> Finding:
    why = "it tells what the kernel can't do before a test has to"
    if options is None:
        return unknown("kernel-options", "the kernel's configuration can't be read", why,
                       f"put it into /boot/config-{facts.kernel.release}, or build the kernel with CONFIG_IKCONFIG_PROC")  # fmt: skip
    useful = {name: what for name, what in _USEFUL_OPTIONS.items() if name not in _X86_ONLY or facts.kernel.machine == "x86_64"}
    missing = [name for name in _NEEDED_OPTIONS if name not in options]
    if missing:
        for_what = "; ".join(f"{name}: {_NEEDED_OPTIONS[name]}" for name in missing)
        return lack("kernel-options", f"off: {' '.join(missing)}", for_what,
                    "boot a kernel with these; on virtual hosts `iommu-cts run` brings its own")  # fmt: skip
    missing = [name for name in useful if name not in options]
    if missing:
        for_what = "; ".join(f"{name}: {useful[name]}" for name in missing)
        return warning("kernel-options", f"off: {' '.join(missing)}", f"skipped for it: {for_what}", "build the kernel with them")
    return ok("kernel-options", "all that the suites ask for")


def _user(facts: Facts, virtual: bool) -> Finding:
    if virtual or facts.uid == 0:
        return ok("user", "root")
    return warning(
        "user", f"user {facts.uid}, not root",
        "capabilities of PCI functions (ATS, PASID, ACS, aliases) could not be seen; tests that prepare something as root are skipped, "
        "and devices can't be given to vfio-pci by the run",
        "run as root, or have a device with vfio-pci and give this user its node in /dev/vfio/devices",
    )  # fmt: skip


def _size(size: int) -> str:
    """A number of bytes in the largest unit that is whole."""
    for unit, shift in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if size and size % (1 << shift) == 0:
            return f"{size >> shift} {unit}"
    return f"{size} bytes"


def _memlock(facts: Facts) -> Finding:
    limit = facts.memlock.soft
    if limit is None:
        return ok("memlock", "no limit")
    if facts.has(CAP_IPC_LOCK):
        return ok("memlock", f"{_size(limit)}, which does not count for CAP_IPC_LOCK")
    if limit >= MEMLOCK_WANTED:
        return ok("memlock", _size(limit))
    return warning("memlock", f"at most {_size(limit)} may be pinned", "larger mappings fail with ENOMEM",
                   "ulimit -l unlimited, or `* - memlock unlimited` in /etc/security/limits.conf")  # fmt: skip


def _pools(pools: Iterable[Pool]) -> str:
    return ", ".join(f"{_size(pool.kib << 10)}: {pool.free} of {pool.total} free" for pool in sorted(pools, key=lambda pool: pool.kib))


def _huge(facts: Facts) -> Finding:
    if not facts.huge:
        return warning("huge-pages", "the kernel has none", "tests with huge pages are skipped", "build it with CONFIG_HUGETLBFS")
    empty = [pool for pool in facts.huge if pool.free <= 0]
    what = _pools(facts.huge)
    if len(facts.nodes) > 1:
        what += "".join(f"; node {node.node}: {_pools(pool for pool in node.huge if pool.total > 0) or 'none'}" for node in facts.nodes)
    if not empty:
        return ok("huge-pages", what)
    files = {pool.kib: f"/sys/kernel/mm/hugepages/hugepages-{pool.kib}kB/nr_hugepages" for pool in empty}
    commands = "; ".join(f"echo {max(1, _RESERVED_KIB // kib)} > {file}" for kib, file in files.items())
    return warning("huge-pages", what, "tests with huge pages of a size that has none free are skipped", f"as root: {commands}")


def _memory(facts: Facts) -> Finding:
    nodes = f", {len(facts.nodes)} NUMA nodes" if len(facts.nodes) > 1 else ""
    what = f"{facts.memory_kib >> 10} MiB, {facts.available_kib >> 10} MiB of it free; {facts.cpus} CPUs{nodes}"
    if facts.available_kib >= MEMORY_WANTED_KIB:
        return ok("memory", what)
    return warning("memory", what, "tests that fill more are skipped", "have at least 1 GiB free")


def _kernel_log(facts: Facts) -> Finding:
    if facts.log.readable:
        return ok("kernel-log", "readable" + ("" if facts.log.begins else "; its beginning has been overwritten"))
    way = "run as root, or sysctl kernel.dmesg_restrict=0"
    if facts.lockdown and "[confidentiality]" in facts.lockdown:
        way = "boot without lockdown=confidentiality"
    return warning("kernel-log", "it may not be read", "splats and IOMMU faults do not reach the verdicts", way)


def _lockdown(facts: Facts) -> Finding:
    boot = "; secure boot is on" if facts.secure_boot else ""
    why = "configuration space and BARs can't be written through sysfs, and some tests skip"
    way = "switch secure boot off in the firmware's set-up, or boot without lockdown="
    mode = re.search(r"\[(\w+)\]", facts.lockdown or "")
    if mode:
        if mode[1] == "none":
            return ok("lockdown", f"none{boot}")
        return warning("lockdown", f"{mode[1]}{boot}", why, way)
    if any("Kernel is locked down" in line for line in facts.log.lines):
        return warning("lockdown", f"the kernel is locked down{boot}", why, way)
    if facts.log.readable and facts.log.begins:
        return ok("lockdown", f"none{boot}")
    return unknown("lockdown", f"securityfs is not mounted, and the log does not say{boot}", why,
                   "mount -t securityfs none /sys/kernel/security")  # fmt: skip


def _errors(facts: Facts, options: Mapping[str, str] | None) -> Finding:
    """Who handles PCIe errors: a fault on purpose must not end in the firmware's hands."""
    said = " ".join(facts.log.lines)
    controls = re.search(r"_OSC: OS now controls \[([^]]*)\]", said)
    firmware_first = "HEST: Enabling Firmware First mode" in said
    aer, dpc = int(facts.services.get("aer", 0)), int(facts.services.get("dpc", 0))
    if aer and not firmware_first:
        ports = f"the kernel handles AER on {aer} port{'s' if aer > 1 else ''}"
        return ok("pcie-errors", ports + (f", DPC on {dpc}" if dpc else ", no DPC"))
    why = "a device's error can reset or halt the machine by the firmware's hand: tests that provoke faults stay off here"
    way = 'leave `faults = "none"` for this host; pcie_ports=native takes AER from the firmware, if the firmware bears it'
    if options is not None and "PCIEAER" not in options:
        return warning("pcie-errors", "CONFIG_PCIEAER is off", "an error that a device reports reaches nobody's log",
                       "build the kernel with it")  # fmt: skip
    if firmware_first:
        return warning("pcie-errors", "firmware first (HEST)", why, way)
    if "pcie_ports=compat" in (facts.kernel.cmdline or "") or "pci=noaer" in (facts.kernel.cmdline or ""):
        return warning("pcie-errors", "switched off on the kernel's command line", why, "boot without pcie_ports=compat, pci=noaer")
    if controls and "AER" not in controls[1]:
        return warning("pcie-errors", f"the firmware keeps AER; the kernel has {controls[1]}", why, way)
    if "platform retains control of PCIe features" in said:
        return warning("pcie-errors", "the firmware keeps all of PCIe's features", why, way)
    return unknown("pcie-errors", "no port's errors are handled by the kernel, and the log does not say why", why, way)


def _taint(facts: Facts) -> Finding:
    mask = int(facts.kernel.taint or "0")
    if not mask:
        return ok("taint", "none")
    names = ", ".join(klog.taint_names(mask))
    return warning("taint", names, "a splat sets its flag only once, and reports on such a kernel may be waved away", "reboot")


def _kvm(facts: Facts, options: Mapping[str, str] | None) -> Finding:
    node = facts.file("/dev/kvm")
    if node.usable:
        return ok("kvm", "/dev/kvm")
    why = "tests with a virtual machine are skipped"
    if node.exists:
        return warning("kvm", "/dev/kvm may not be opened by this user", why, "run as root, or put the user into the group kvm")
    if options is not None and "KVM" not in options:
        return warning("kvm", "CONFIG_KVM is off", why, "build the kernel with it, and with KVM_INTEL or KVM_AMD")
    return warning("kvm", "there is no /dev/kvm", why, "switch virtualisation on in the firmware's set-up, and load kvm_intel or kvm_amd")
