# SPDX-License-Identifier: GPL-2.0-only
"""The file that a machine's console is kept in, over its boots."""

import os
from pathlib import Path

KEPT = 1 << 20  # bytes that are kept of a boot's beginning, and as many of its end


def size(path: Path) -> int:
    """Its bytes, 0 if it isn't there."""
    return path.stat().st_size if path.exists() else 0


def end_of(path: Path, start: int, limit: int) -> str:
    """The last `limit` bytes of a file that may not be there, but nothing before `start`."""
    if not path.exists():
        return ""
    with path.open("rb") as stream:
        stream.seek(max(start, size(path) - limit))
        return stream.read().decode(errors="replace")


class Console:
    """What is appended to `path`, by whomever; `begin` is called before each boot."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._start = 0  # of this boot

    def begin(self) -> None:
        """What comes now is of another boot."""
        self._start = size(self.path)

    def tail(self, limit: int) -> str:
        """The last `limit` bytes of this boot, or the last."""
        return end_of(self.path, self._start, limit).replace("\r", "")

    def trim(self) -> None:
        """Takes the middle out of a boot that flooded its console; nobody may be writing."""
        too_much = size(self.path) - self._start - 2 * KEPT
        if too_much <= 0:
            return
        with self.path.open("r+b") as stream:
            stream.seek(-KEPT, os.SEEK_END)
            end = stream.read()
            stream.seek(self._start + KEPT)
            stream.write(b"\n[... %d bytes are not kept ...]\n" % too_much + end)
            stream.truncate()
