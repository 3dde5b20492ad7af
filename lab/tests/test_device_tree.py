# SPDX-License-Identifier: GPL-2.0-only
"""A property is taken out of a device tree, and nothing else."""

import struct

import pytest

from lab import device_tree
from lab.errors import LabError

STRINGS = b"reg\0dma-coherent\0coherent\0"


def word(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def prop(name: bytes, data: bytes = b"") -> bytes:
    return word(3, len(data), STRINGS.index(b"\0" + name + b"\0") + 1 if name != b"reg" else 0) + padded(data)


def node(name: bytes, *content: bytes) -> bytes:
    return word(1) + padded(name + b"\0") + b"".join(content) + word(2)


def tree(*content: bytes) -> bytes:
    body = node(b"", *content) + word(9)
    return word(0xD00DFEED, 40 + len(body) + len(STRINGS), 40, 40 + len(body), 40, 17, 16, 0, len(STRINGS), len(body)) + body + STRINGS


def test_a_property_is_taken_out_wherever_it_is() -> None:
    inside = node(b"device@1", prop(b"reg", b"12345"), prop(b"dma-coherent"))
    whole = tree(prop(b"dma-coherent", b"x"), prop(b"coherent"), node(b"bus", inside, prop(b"dma-coherent")))
    left = node(b"device@1", prop(b"reg", b"12345"), word(4, 4, 4))
    assert device_tree.without(whole, "dma-coherent") == tree(word(4, 4, 4, 4), prop(b"coherent"), node(b"bus", left, word(4, 4, 4)))


def test_what_only_looks_like_it_stays() -> None:
    """As data, and in a name that ends alike."""
    data = prop(b"reg", prop(b"dma-coherent"))
    whole = tree(data, node(b"dma-coherent", prop(b"coherent")), prop(b"dma-coherent"))
    assert device_tree.without(whole, "dma-coherent") == tree(data, node(b"dma-coherent", prop(b"coherent")), word(4, 4, 4))
    assert device_tree.without(whole, "coherent") == tree(data, node(b"dma-coherent", word(4, 4, 4)), prop(b"dma-coherent"))


def test_room_behind_it_is_left_out() -> None:
    whole = tree(prop(b"dma-coherent"))
    roomy = whole[:4] + word(len(whole) + 500) + whole[8:] + bytes(500)
    assert device_tree.without(roomy, "dma-coherent") == tree(word(4, 4, 4))


@pytest.mark.parametrize(("data", "why"), [
    (b"", "ends in its middle"),
    (bytes(64), "begins like that"),
    (tree(prop(b"reg"))[:48], "ends in its middle"),
    (tree(word(7)), "a token 7"),
    (tree(prop(b"reg")), "nothing in the device tree has the property dma-coherent"),
])
def test_what_is_no_such_tree_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(LabError, match=why):
        device_tree.without(data, "dma-coherent")
