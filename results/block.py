# SPDX-License-Identifier: GPL-2.0-only
"""Entries of a journal before they are there."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Callable, Protocol


class Sink(Protocol):
    """Where a session tells what it sees."""

    def write(self, kind: str, **keys: Any) -> None:
        """One entry of `kind`."""

    def sync(self) -> None:
        """What was written should be safe now."""


class Block:
    """Entries that reach the journal together or, if the process is killed, not at all. `clock` gives their time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.lines: list[bytes] = []

    def write(self, kind: str, **keys: Any) -> None:
        """One entry, as that of the journal's Writer."""
        self.lines.append(line(self._clock(), kind, keys))

    def sync(self) -> None:
        """Nothing is safe before it is in the journal."""


def line(t: float, kind: str, keys: Mapping[str, Any]) -> bytes:
    """An entry without its newline."""
    entry = {"t": t, "kind": kind, **keys}
    return json.dumps(entry, separators=(",", ":"), allow_nan=False, default=dataclasses.asdict).encode("ascii")
