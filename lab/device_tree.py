# SPDX-License-Identifier: GPL-2.0-only
"""Device trees, as QEMU's Arm machines describe themselves by one: the flattened form (Devicetree Specification 0.4, chapter 5)."""

import struct

from lab.errors import LabError

_MAGIC = 0xD00DFEED
_BEGIN_NODE, _END_NODE, _PROP, _NOP, _END = 1, 2, 3, 4, 9


def _aligned(size: int) -> int:
    return (size + 3) & ~3


def without(tree: bytes, name: str) -> bytes:
    """The tree without any property of this name. What it took becomes words that say nothing, so that all else stays where it is. The room
    behind the last block is left out: QEMU makes twice as much of what it is given, and an Arm kernel takes 2 MiB at most. LabError if that
    is no device tree, or if nothing in it has the property."""
    changed = bytearray(tree)
    try:
        magic, _, at, strings = struct.unpack_from(">IIII", tree)
        if magic != _MAGIC:
            raise LabError("no flattened device tree begins like that")
        strings_size, size = struct.unpack_from(">II", tree, 32)
        whole = max(at + size, strings + strings_size)
        struct.pack_into(">I", changed, 4, whole)
        found = 0
        while (token := struct.unpack_from(">I", tree, at)[0]) != _END:
            end = at + 4
            if token == _BEGIN_NODE:
                end = _aligned(tree.index(0, end) + 1)
            elif token == _PROP:
                length, place = struct.unpack_from(">II", tree, end)
                end = _aligned(end + 8 + length)
                if tree[strings + place : tree.index(0, strings + place)] == name.encode():
                    changed[at:end] = struct.pack(">I", _NOP) * ((end - at) // 4)
                    found += 1
            elif token not in (_END_NODE, _NOP):
                raise LabError(f"no device tree has a token {token}")
            at = end
    except (struct.error, ValueError) as error:
        raise LabError("the device tree ends in its middle") from error
    if not found:
        raise LabError(f"nothing in the device tree has the property {name}")
    return bytes(changed[:whole])
