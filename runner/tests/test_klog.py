# SPDX-License-Identifier: GPL-2.0-only
"""What is a splat, a fault or taint in the kernel log, and what is none."""

from __future__ import annotations

import pytest

from runner import klog


@pytest.mark.parametrize("line", [
    "BUG: KASAN: slab-use-after-free in iommufd_object_remove+0x1/0x2",
    "BUG: kernel NULL pointer dereference, address: 0000000000000008",
    "BUG: sleeping function called from invalid context at kernel/locking/mutex.c:580",
    "watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [parked:123]",
    "BUG kmalloc-64 (Tainted: G        W         ): Poison overwritten",
    "BUG: KCSAN: data-race in a / b",
    "[ BUG: Invalid wait context ]",
    "kernel BUG at drivers/iommu/iommufd/io_pagetable.c:100!",
    "WARNING: CPU: 0 PID: 88 at drivers/iommu/iommufd/device.c:1280 iommufd_hw_info+0x1/0x2",
    "WARNING: drivers/iommu/iommufd/device.c:1280 at iommufd_hw_info+0x1/0x2, CPU#0: parked/88",
    "WARNING: possible circular locking dependency detected",
    "WARNING: possible recursive locking detected",
    "WARNING: suspicious RCU usage",
    "WARNING: inconsistent lock state",
    "WARNING: HARDIRQ-safe -> HARDIRQ-unsafe lock order detected",
    "WARNING: parked/88 still has locks held!",
    "UBSAN: array-index-out-of-bounds in drivers/iommu/a.c:1:2",
    "Oops: general protection fault, probably for non-canonical address 0xdead: 0000 [#1] SMP",
    "general protection fault: 0000 [#1] SMP",
    "Oops: 0002 [#1] PREEMPT SMP KASAN",
    "Internal error: Oops: 0000000096000006 [#1] SMP",
    "Unable to handle kernel paging request at virtual address dead000000000108",
    "invalid opcode: 0000 [#1] SMP",
    "Kernel panic - not syncing: Fatal exception",
    "INFO: task parked:88 blocked for more than 120 seconds.",
    "INFO: task parked:88 blocked in I/O wait for more than 120 seconds.",
    "rcu: INFO: rcu_preempt self-detected stall on CPU",
    "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
    "watchdog: CPU0: Watchdog detected hard LOCKUP on cpu 0",
    "NMI watchdog: Watchdog detected hard LOCKUP on cpu 0",
    "list_add corruption. prev->next should be next (a), but was b. (prev=c).",
    "list_del corruption, a->next is LIST_POISON1 (b)",
    "refcount_t: underflow; use-after-free.",
])
def test_splat(line: str) -> None:
    (splat,) = klog.splats(["before", line, "after"])
    assert splat.head == line and splat.lines[0] == line


@pytest.mark.parametrize("line", [
    "Spectre V2 : WARNING: Unprivileged eBPF is enabled with eIBRS on, data leaks possible via Spectre v2",
    "RETBleed: WARNING: Spectre v2 mitigation leaves CPU vulnerable to RETBleed attacks",
    "WARNING: CPU does not support IBPB.",
    "[Firmware Bug]: TSC doesn't count with P0 frequency!",
    "ACPI BIOS Error (bug): Could not resolve symbol [\\_SB], AE_NOT_FOUND (20250404/psargs-332)",
    "traps: parked[88] general protection fault ip:401000 sp:7ffc error:0 in parked[401000+1000]",
    "parked[88]: segfault at 0 ip 0000000000401000 sp 00007ffc error 4 in parked[401000+1000]",
    "FAULT_INJECTION: forcing a failure.",
    "parked: page allocation failure: order:9, mode:0xcc0(GFP_KERNEL), nodemask=(null)",
    "Call Trace:",
    "BUG: MAX_LOCKDEP_CHAINS too low!",
    "INFO: lockdep is turned off.",
    "systemd[1]: BUG: a unit has failed",
    "vfio-pci 0000:01:00.0: resetting",
    "Debugging: KASAN, UBSAN and WARNING are on",
    "Kernel command line: panic=-1 oops=panic",
    "kasan: KernelAddressSanitizer initialized",
    "hung_task: INFO: nothing blocked",
])
def test_no_splat(line: str) -> None:
    assert klog.splats([line]) == []


def test_a_splat_holds_what_belongs_to_it() -> None:
    cut, end = "------------[ cut here ]------------", "---[ end trace 0000000000000000 ]---"
    bug = [cut, "kernel BUG at lib/list_debug.c:29!", "Oops: invalid opcode: 0000 [#1]", end]
    warn = [cut, "refcount_t: underflow", "WARNING: CPU: 0 PID: 1 at lib/refcount.c:28 f", end]
    found = klog.splats(["a", *bug, "b", *warn, "c"])
    assert [list(splat.lines) for splat in found] == [bug, warn]
    assert [splat.head for splat in found] == [bug[1], warn[1]]
    assert klog.splats(bug[:1])[0].head == bug[0]


def test_a_splat_without_an_end_is_cut() -> None:
    assert len(klog.splats(["BUG: something"] + ["line"] * 500)[0].lines) == klog.SPLAT_LINES


IOMMU = "iommu-fault"


@pytest.mark.parametrize("lines, kind, device", [
    (["DMAR: [DMA Read NO_PASID] Request device [0000:01:00.0] fault addr 0x1000 [fault reason 0x06] PTE"],
     IOMMU, "0000:01:00.0"),
    (["DMAR: [DMA Write PASID 0x1] Request device [01:00.0] fault addr 0x1000 [fault reason 0x06] PTE"],
     IOMMU, "01:00.0"),
    (["DMAR: [INTR-REMAP] Request device [00:02.0] fault index 0x0 [fault reason 0x22] Present"],
     IOMMU, "00:02.0"),
    (["AMD-Vi: Event logged [IO_PAGE_FAULT device=0000:01:00.1 domain=0x0001 address=0x1000 flags=0x0020]"],
     IOMMU, "0000:01:00.1"),
    (["vfio-pci 0000:01:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0001 address=0x1000 flags=0x0]"],
     IOMMU, "0000:01:00.0"),
    (["AMD-Vi: Event logged [Device not attached to domain properly]",
      "AMD-Vi:   device=0000:01:00.0 domain=0x0001"], IOMMU, "0000:01:00.0"),
    (["pci 0000:00:00.2: AMD-Vi: Event logged [ILLEGAL_DEV_TABLE_ENTRY device=0000:01:00.0 pasid=0x00000]"],
     IOMMU, "0000:01:00.0"),
    (["pci 0000:00:00.2: AMD-Vi: Event logged [ILLEGAL_COMMAND_ERROR address=0x0]"], IOMMU, None),
    (["virtio_iommu virtio0: page fault from EP 256 at 0x1000 [W]"], IOMMU, "01:00.0"),
    (["virtio_iommu virtio0: domain fault from EP 65535"], IOMMU, "ff:1f.7"),
    (["pcieport 0000:00:1c.0: PCIe Bus Error: severity=Uncorrectable (Non-Fatal), type=Transaction Layer"],
     "aer", "0000:00:1c.0"),
    (["vfio-pci 0000:01:00.0: AER: PCIe Bus Error: severity=Uncorrectable (Fatal)"], "aer", "0000:01:00.0"),
    (["vfio-pci 0000:01:00.0: PCIe Bus Error: severity=Uncorrected (Fatal), type=Inaccessible"], "aer", "0000:01:00.0"),
    (["pcieport 0000:00:1c.0: AER: Uncorrectable (Non-Fatal) Error message received from 0000:02:00.0 (no details found)"],
     "aer", "0000:02:00.0"),
    (["pcieport 0000:00:1c.0: AER: Multiple Uncorrectable (Fatal) Error messages received, first one from 0000:02:00.0 "
      "(no details found)"], "aer", "0000:02:00.0"),
    (["pcieport 0000:00:1c.0: DPC: containment event, status:0x1f05, ERR_FATAL received from 0000:01:00.0"],
     "aer", "0000:01:00.0"),
    (["pcieport 0000:00:1c.0: DPC: containment event, status:0x1f01: unmasked uncorrectable error detected"],
     "aer", "0000:00:1c.0"),
    (["{3}[Hardware Error]:  Error 0, type: recoverable", "{3}[Hardware Error]:   section_type: PCIe error",
      "{3}[Hardware Error]:   port_type: 0, PCIe end point", "{3}[Hardware Error]:   device_id: 0000:01:00.0"],
     "aer", "0000:01:00.0"),
    (["DMAR: VT-d detected Invalidation Time-out Error: SID 100"], IOMMU, "01:00.0"),
    (["DMAR: VT-d detected Invalidation Queue Error: Reason 5"], IOMMU, None),
    (["DMAR: dmar0: Invalid page request: 01000101 01000007"], IOMMU, "01:00.0"),
    (["DMAR: dmar0: Invalid page request: 500001000101 01000007"], IOMMU, "01:00.0"),
    (["AMD-Vi: IOMMU 0000:00:00.2: Completion-Wait loop timed out"], IOMMU, None),
    (["pci 0000:00:00.2: AMD-Vi: Event logged [IOTLB_INV_TIMEOUT device=0000:01:00.0 address=0x1000]"],
     IOMMU, "0000:01:00.0"),
    (["arm-smmu-v3 9050000.smmuv3: unexpected PRI request received:",
      "arm-smmu-v3 9050000.smmuv3: \tsid 0x00000108.0x00001: [3L] unprivileged RW access at iova 0x0000000000001000"],
     IOMMU, "01:01.0"),
    (["arm-smmu-v3 9050000.smmuv3: CMD_SYNC timeout at 0x00000010 [hwprod 0x00000012, hwcons 0x00000010]"], IOMMU, None),
])
def test_fault(lines: list[str], kind: str, device: str | None) -> None:
    (fault,) = klog.faults(["before", *lines, "after"])
    assert (fault.kind, fault.device, fault.header) == (kind, device, False)
    assert list(fault.lines) == lines


SMMU = "arm-smmu-v3 9050000.smmuv3: "


@pytest.mark.parametrize("tab", ["\t", "\\x09"])
def test_smmu_event(tab: str) -> None:
    words = [f"{SMMU}{tab}0x{word:016x}" for word in (0x0000010900000010, 0x0000020000000000, 0x1000, 0)]
    named = [SMMU + 'event: F_TRANSLATION client: 0000:02:00.0 sid: 0x200 ssid: 0x0 iova: 0x1000 ipa: 0x0',
             SMMU + 'unpriv data write s1 "Input address caused fault" stag: 0x0']
    (old,) = klog.faults([SMMU + "event 0x10 received:", *words, "other"])
    assert old.device == "01:01.1" and len(old.lines) == 5
    (new,) = klog.faults([SMMU + "event 0x10 received:", *words, *named, "other"])
    assert new.device == "0000:02:00.0" and len(new.lines) == 7
    unassigned = named[0].replace("0000:02:00.0", "(unassigned sid)")
    assert klog.faults([SMMU + "event 0x10 received:", *words, unassigned])[0].device == "01:01.1"
    assert klog.faults([SMMU + "event 0x10 received:"])[0].device is None


def test_fault_header() -> None:
    (fault,) = klog.faults(["DMAR: DRHD: handling fault status reg 2"])
    assert fault.header and fault.device is None


@pytest.mark.parametrize("line", [
    "DMAR: Host address width 39", "AMD-Vi: Interrupt remapping enabled",
    "iommu: Default domain type: Translated",
    "vfio-pci 0000:01:00.0: PCIe Bus Error: severity=Correctable, type=Physical Layer",
    "vfio-pci 0000:01:00.0: PCIe Bus Error: severity=Corrected, type=Physical Layer",
    "pcieport 0000:00:1c.0: AER: Uncorrectable (Non-Fatal) Error message received from 0000:01:00.0",
    "pcieport 0000:00:1c.0: DPC: error containment capabilities: Int Msg #0, RPExt+ PoisonedTLP+ SwTrigger+",
    "[Hardware Error]: event severity: corrected",
])
def test_no_fault(line: str) -> None:
    assert klog.faults([line]) == []


def test_a_corrected_error_in_the_firmwares_record_is_no_fault() -> None:
    record = ["{1}[Hardware Error]:  Error 0, type: corrected", "{1}[Hardware Error]:   section_type: PCIe error",
              "{1}[Hardware Error]:   device_id: 0000:01:00.0"]
    assert klog.faults(record) == []


def test_texts_of_lines() -> None:
    assert klog.kmsg_text("4,1234,a, b") == "a, b"
    assert klog.kmsg_text("no, prefix, here") == "no, prefix, here"
    console = "[    5.123456] one\r\n[    5.2][  T77] two\r\n\x1b[31mthree\x1b[0m\r\n<3>[    6.0] four"
    assert klog.console_lines(console) == ["one", "two", "three", "four"]


def test_taint_names() -> None:
    assert klog.taint_names(0x201) == ["P (a proprietary module)", "W (a warning)"]
    assert klog.taint_names(1 << 19 | 1 << 30) == ["J (a debug operation through fwctl)", "bit 30"]
    assert klog.taint_names(0) == []
