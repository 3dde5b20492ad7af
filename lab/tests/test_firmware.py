# SPDX-License-Identifier: GPL-2.0-only
"""The table that stands in for QEMU's."""

import struct

from lab import firmware


def nodes(table: bytes) -> dict[int, bytes]:
    """The nodes of an IORT by their offsets."""
    count, at = struct.unpack_from("<II", table, 36)
    found = {}
    for _ in range(count):
        length = struct.unpack_from("<H", table, at + 1)[0]
        found[at] = table[at : at + length]
        at += length
    assert at == len(table)
    return found


def test_the_table_is_whole_and_newer_than_qemus() -> None:
    table = firmware.iort()
    signature, length, _, _, oem, oem_table, revision = struct.unpack_from("<4sIBB6s8sI", table)
    assert (signature, length, sum(table) & 0xFF) == (b"IORT", len(table), 0)
    assert (oem, oem_table) == (b"BOCHS ", b"BXPC    ") and revision > 1


def test_a_bus_goes_through_the_smmu_to_the_its_and_is_coherent() -> None:
    found = nodes(firmware.iort())
    its, smmu, bus = sorted(found)
    assert [found[at][0] for at in (its, smmu, bus)] == [0, 4, 2]
    for node, to in ((smmu, its), (bus, smmu)):
        count, where = struct.unpack_from("<II", found[node], 8)
        assert count == 1 and struct.unpack_from("<IIIII", found[node], where) == (0, 0xFFFF, 0, to, 0)
    assert struct.unpack_from("<IBHB", found[bus], 16) == (1, 0, 0, 7)
