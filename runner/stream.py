# SPDX-License-Identifier: GPL-2.0-only
"""The stream between the runner and cts-exec, as docs/stream.md has it: frames in, lines of the plan out."""

from __future__ import annotations

import json
import re
import zlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from results.typed import parse_json

FRAME_JSON_MAX = 65_536
PLAN_LINE_MAX = 65_536
NOISE_CHARS = 500
DEPTH_MAX = 64
"""Containers inside each other in an event: those of a record, of which cts-exec takes 32, and some around it."""

LINE_MAX = FRAME_JSON_MAX + 4096
"""Bytes of a line that are kept while it lasts: a frame and what a console may have put before it."""

_HEADER = re.compile(rb"@cts (0|[1-9][0-9]{0,19}) ([0-9a-f]{8}) (?=\{)")
_REMEMBERED = 64


@dataclass(frozen=True)
class Frame:
    """A whole event: `event` always has the string "ev"."""

    seq: int
    event: dict[str, Any]

    @property
    def ev(self) -> str:
        return str(self.event["ev"])


@dataclass(frozen=True)
class Noise:
    """A line that is no frame, cut to NOISE_CHARS characters. It is kept and never interpreted."""

    text: str


@dataclass(frozen=True)
class Gap:
    """The frames from `expected` to before `seen` were lost."""

    expected: int
    seen: int


@dataclass(frozen=True)
class Conflict:
    """A frame whose number was used before, by one that said something else: cts-exec wrote at most one of them.

    `earlier` is the other one, None where it is too long ago. (Or cts-exec started anew and its hello was lost, which is as bad.)
    """

    expected: int
    frame: Frame
    earlier: Frame | None


Item = Frame | Noise | Gap | Conflict


def parse_line(line: bytes) -> Frame | Noise:
    """The first valid frame that ends at the end of the line, whatever stands before it. Never raises."""
    line = line.rstrip(b"\r\n")
    found = _find(line)
    return found[1] if found else _noise(line)


def _find(line: bytes) -> tuple[bytes, Frame] | None:
    """The first valid frame that ends at the end of the line, and what stands before it."""
    for header in _HEADER.finditer(line):
        body = line[header.end():]
        if len(body) > FRAME_JSON_MAX or zlib.crc32(body) != int(header[2], 16) or not body.isascii():
            continue
        try:
            event = parse_json(body, DEPTH_MAX)
        except ValueError:
            continue
        if isinstance(event, dict) and isinstance(event.get("ev"), str):
            return line[: header.start()], Frame(int(header[1]), event)
    return None


def _noise(line: bytes) -> Noise:
    return Noise(line.decode("utf-8", "replace")[:NOISE_CHARS])


class StreamReader:
    """Is fed bytes and gives frames, noise, gaps and conflicts. Bounded in memory; never raises on what it reads."""

    def __init__(self) -> None:
        self._partial = bytearray()
        self._too_long = False
        self._expected = 0
        self._seen: OrderedDict[int, Frame] = OrderedDict()

    def feed(self, data: bytes) -> list[Item]:
        """What `data` completes. Empty lines are left out."""
        items: list[Item] = []
        lines = data.split(b"\n")
        for line in lines[:-1]:
            self._append(line)
            items += self._end_of_line()
        self._append(lines[-1])
        return items

    def close(self) -> list[Item]:
        """At the end of the stream: the line that never ended."""
        return self._end_of_line()

    def _append(self, part: bytes) -> None:
        room = LINE_MAX - len(self._partial)
        self._partial += part[:room]
        self._too_long = self._too_long or len(part) > room

    def _end_of_line(self) -> list[Item]:
        line, too_long = bytes(self._partial), self._too_long
        self._partial.clear()
        self._too_long = False
        if too_long:
            return [_noise(line)]
        line = line.rstrip(b"\r")
        if not line:
            return []
        found = _find(line)
        if not found:
            return [_noise(line)]
        before, frame = found
        return [*([_noise(before)] if before.strip() else []), *self._in_order(frame)]

    def _in_order(self, frame: Frame) -> list[Item]:
        expected = self._expected
        is_hello = frame.seq == 0 and frame.ev == "hello"
        # Two boots of a deterministic virtual host may say hello alike: only the one just before is a double.
        if self._seen.get(frame.seq) == frame and (not is_hello or expected == 1):
            return [Noise(f"frame {frame.seq} again ({frame.ev[:100]})")]
        if frame.seq < expected and not is_hello:
            return [Conflict(expected, frame, self._seen.get(frame.seq))]
        if is_hello:
            self._seen.clear()
        self._expected = frame.seq + 1
        self._seen[frame.seq] = frame
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return [frame] if is_hello or frame.seq == expected else [Gap(expected, frame.seq), frame]


def plan_line(op: Mapping[str, object]) -> bytes:
    """One line of the plan with its newline. Raises ValueError if it is longer than cts-exec takes."""
    line = json.dumps(op, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii")
    if len(line) > PLAN_LINE_MAX:
        raise ValueError(f"the plan's line has {len(line)} bytes, more than {PLAN_LINE_MAX}: {line[:100]!r}")
    return line + b"\n"
