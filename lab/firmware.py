# SPDX-License-Identifier: GPL-2.0-only
"""Firmware for virtual hosts that ask for it (`firmware = true`): Arm machines whose kernel is told by ACPI what there is.

A device tree can't say that a PCI device's accesses are coherent whatever attributes they have; ACPI's table of IOMMUs (the IORT) can, by
the flag CANWBS. Without it Linux offers no virtual IOMMU of an SMMUv3 that has no S2FWB. QEMU (11.1 and before) emulates no caches and no
S2FWB, so that it is true of its machine, but doesn't say so. So the ramdisk brings an IORT that does, and the kernel takes it in place of
QEMU's (Documentation/admin-guide/acpi/initrd_table_override.rst).
"""

import struct
from pathlib import Path

from lab import toolbox
from lab.arch import Arch

IORT_NAME = "kernel/firmware/acpi/iort.aml"  # where the kernel looks for it in the ramdisk

# QEMU's virt machine (hw/arm/virt.c)
_SMMU_BASE = 0x09050000
_SMMU_IRQ = 32 + 74  # the first of four: events, page requests, the end of a sync, errors

# IO Remapping Table, Arm DEN 0049: kinds of nodes, and what is said of memory accesses
_ITS, _ROOT_COMPLEX, _SMMUV3 = 0, 2, 4
_COHERENT = 1  # also of the SMMUv3's own walks
_CPM, _DACS, _CANWBS = 1, 2, 4


def image(arch: Arch) -> Path:
    """The firmware's image for QEMU's -bios, of an architecture that has one."""
    assert arch.firmware
    return toolbox.obtain(f"{arch.toolbox}-firmware").tree / arch.firmware


def _node(kind: int, revision: int, number: int, body: bytes, to: int | None = None) -> bytes:
    """A node; all 2^16 ids that come to it go on, as they are, to the node at offset `to` of the table."""
    maps = b"" if to is None else struct.pack("<IIIII", 0, 0xFFFF, 0, to, 0)
    size = 16 + len(body)
    head = struct.pack("<BHBIII", kind, size + len(maps), revision, number, bool(maps), size if maps else 0)
    return head + body + maps


def iort() -> bytes:
    """The IORT of QEMU's virt machine with its SMMUv3, of a higher revision than QEMU's own and with CANWBS."""
    head = 36 + 12
    its = _node(_ITS, 1, 0, struct.pack("<II", 1, 0))
    events, requests, syncs, errors = range(_SMMU_IRQ, _SMMU_IRQ + 4)
    smmu = _node(
        _SMMUV3, 4, 1, struct.pack("<QIIQIIIIIII", _SMMU_BASE, _COHERENT, 0, 0, 0, events, requests, errors, syncs, 0, 0), head
    )
    access = struct.pack("<IBHB", _COHERENT, 0, 0, _CPM | _DACS | _CANWBS)
    bus = _node(_ROOT_COMPLEX, 3, 2, access + struct.pack("<IIBBBB", 0, 0, 64, 0, 0, 0), head + len(its))
    rest = struct.pack("<III", 3, head, 0) + its + smmu + bus

    def table(checksum: int) -> bytes:
        return struct.pack("<4sIBB6s8sI4sI", b"IORT", 36 + len(rest), 3, checksum, b"BOCHS ", b"BXPC    ", 2, b"CTS ", 1) + rest

    return table(-sum(table(0)) & 0xFF)
