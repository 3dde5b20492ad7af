# SPDX-License-Identifier: GPL-2.0-only
"""How the lines of a journal hang together: each has its number and the digest of the line before.

It shows which line was cut, moved, added or changed by somebody who did not make the links anew. Anybody can make them anew: against
that only a signature helps (docs/bundle.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

_DIGITS = 16  # hexadecimal, of SHA-256: what is sealed is sealed by the whole digest of the whole file
_SHOWN = 20  # breaks; of a journal that is damaged all over the rest says nothing new


def digest(line: bytes) -> str:
    """Stands for a line, which comes without its newline."""
    return hashlib.sha256(line).hexdigest()[:_DIGITS]


class Chain:
    """The end of a journal to which lines are added: what links the next one to it."""

    def __init__(self, lines: Sequence[bytes] = ()) -> None:
        """`lines` are there already, each without its newline. Without links in the first one none are made for the next."""
        self._count = len(lines)
        self._last = digest(lines[-1] if lines else b"")
        self._linked = not lines or b'"after":"' in lines[0]

    def link(self, line: bytes) -> bytes:
        """The JSON object `line` with its link, which is now the last."""
        if self._linked:
            line = line[:-1] + f',"line":{self._count + 1},"after":"{self._last}"}}'.encode("ascii")
        self._count += 1
        self._last = digest(line)
        return line


class Check:
    """Looks at the lines of a journal one after the other. `linked` is whether it has links at all: those of older versions have none."""

    def __init__(self) -> None:
        self.breaks: list[str] = []
        self.linked = False
        self._position = self._number = 0
        self._last = digest(b"")
        self._hidden = 0

    def line(self, line: bytes, value: Mapping[str, Any] | None) -> None:
        """The next line, without its newline, and the object that it is (None: it is none)."""
        self._position += 1
        number = value.get("line") if value is not None else None
        self.linked = self.linked or (value is not None and "after" in value)
        if self.linked:
            wrong = self._wrong(number, value.get("after")) if value is not None else "is no JSON object any more"
            if wrong:
                self._broken(f"line {self._position} {wrong}")
        self._number = number if type(number) is int else self._number + 1
        self._last = digest(line)

    def _wrong(self, number: object, after: object) -> str | None:
        before = self._number
        if type(number) is not int or not isinstance(after, str):
            return "has no link to the line before: it was added, or changed"
        if number <= before:
            return f"was number {number} and follows number {before}: lines were moved, or added"
        if number > before + 1:
            cut = f"line {before + 1} was" if number == before + 2 else f"lines {before + 1} to {number - 1} were"
            return f"was number {number} and follows number {before}: {cut} cut out"
        if after != self._last:
            return f"does not follow from the line before: line {before} was changed, or this one" if before else "was changed"
        return None

    def _broken(self, text: str) -> None:
        if len(self.breaks) < _SHOWN:
            self.breaks.append(text)
            return
        self._hidden += 1
        self.breaks[_SHOWN:] = [f"and {self._hidden} lines more do not follow from the line before"]
