# SPDX-License-Identifier: GPL-2.0-only
"""Mutations of lines that hold JSON. Bytes changed at random are hardly ever JSON any more, so they never reach what reads it."""

from __future__ import annotations

import json
import random
import re
import zlib
from collections.abc import Callable
from typing import Any

# Values that a reader may not expect where it finds them.
ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**31, 2**53 + 1, 2**63, 2**64, -(2**64), 10**400, 0.5, -0.0, 1e308, float("inf"), float("nan"), "", "0",
    "\0", "\ud800", "é\u2028", "\x1b[31m", "#", "x" * 600, [], {}, [[]], [None], {"": None}, {"text": 1}, {"code": "no-cdev", "text": "t"},
)  # fmt: skip
DEEP = 3000

_FRAME = re.compile(rb"(.*@cts )([0-9]{1,30}) [0-9a-f]{8} (\{.*)", re.DOTALL)

Place = tuple[Any, Any]
"""A container and the key or index of one value in it."""


def frame(seq: int, body: bytes) -> bytes:
    """One line of the stream without its newline (docs/stream.md)."""
    return b"@cts %d %08x %s" % (seq, zlib.crc32(body), body)


def journal(data: bytes, seed: int) -> bytes:
    """One to four changes of the lines, or of the JSON in them."""
    return _mutate(data, random.Random(seed), _json_line)


def stream(data: bytes, seed: int) -> bytes:
    """The same for frames. Checksums are made right again, also where the bytes were changed before: sixteen seeds in seventeen."""
    rng = random.Random(seed)
    data = _mutate(data, rng, _json_frame)
    return data if rng.randrange(17) == 0 else b"\n".join(_repaired(line) for line in data.split(b"\n"))


def _repaired(line: bytes) -> bytes:
    found = _FRAME.fullmatch(line)
    return found[1][: -len(b"@cts ")] + frame(int(found[2]), found[3]) if found else line


def _json_line(line: bytes, change: Callable[[Any], Any]) -> bytes:
    return _dump(change(json.loads(line)))


def _json_frame(line: bytes, change: Callable[[Any], Any]) -> bytes:
    found = _FRAME.fullmatch(line)
    return line if found is None else found[1] + found[2] + b" 00000000 " + _dump(change(json.loads(found[3])))


def _dump(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _mutate(data: bytes, rng: random.Random, rewrite: Callable[[bytes, Callable[[Any], Any]], bytes]) -> bytes:
    lines = data.split(b"\n")
    for _ in range(rng.randrange(5)):
        at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
        choice = rng.randrange(10)
        if choice == 0:
            lines.insert(other, lines[at])
        elif choice == 1 and len(lines) > 1:
            lines.pop(at)
        elif choice == 2:
            lines[at], lines[other] = lines[other], lines[at]
        elif choice == 3:
            lines[at] = lines[at][: rng.randrange(len(lines[at]) + 1)]
        else:
            try:
                lines[at] = rewrite(lines[at], lambda value: _changed(value, rng))
            except (ValueError, RecursionError):
                continue
    return b"\n".join(lines)


def _places(value: Any) -> list[Place]:
    """Every place in a value, not deeper than is sensible."""
    found: list[Place] = []
    todo = [value]
    while todo and len(found) < 1000:
        container = todo.pop()
        keys: Any = list(container) if isinstance(container, dict) else range(len(container)) if isinstance(container, list) else ()
        for key in keys:
            found.append((container, key))
            todo.append(container[key])
    return found


def _changed(value: Any, rng: random.Random) -> Any:
    places = _places(value)
    if not places:
        return rng.choice(ODD)
    container, key = rng.choice(places)
    choice = rng.randrange(8)
    if choice == 0:
        del container[key]
    elif choice == 1 and isinstance(container, dict):
        container[rng.choice([other for _, other in places if isinstance(other, str)] + [""])] = container[key]
    elif choice == 1:
        container.append(container[key])
    elif choice in (2, 3):
        other, at = rng.choice(places)
        container[key] = json.loads(json.dumps(other[at]))
    elif choice == 4:
        container[key] = _near(container[key], rng)
    elif choice == 5 and rng.randrange(20) == 0:
        for _ in range(rng.randrange(DEEP)):
            container[key] = [container[key]]
    else:
        container[key] = rng.choice(ODD)
    return value


def _near(value: Any, rng: random.Random) -> Any:
    """A value of the same type."""
    if isinstance(value, str):
        at = rng.randrange(len(value) + 1)
        return value[:at] + rng.choice(("", " ", "\n", "\t", "@", "/", ":", "'", "ok 1 ", value)) + value[at + rng.randrange(2) :]
    if isinstance(value, (int, float)):
        return value + rng.choice((-1, 1, 0.5, value, 2**32))
    return value
