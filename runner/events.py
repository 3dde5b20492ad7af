# SPDX-License-Identifier: GPL-2.0-only
"""The events of the stream (docs/stream.md) as far as the runner and the judge read them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from results.typed import ShapeError, decode


@dataclass(frozen=True)
class Hello:
    protocol: int
    uname: dict[str, str]
    boot: str | None = None


@dataclass(frozen=True)
class Device:
    """A `device` event."""

    bdf: str
    vendor: str = ""
    device: str = ""
    driver: str | None = None
    group: int | None = None
    cdev: str | None = None
    aliases: list[str] | None = None


@dataclass(frozen=True)
class Taken:
    device: str
    driver: str | None = None
    group: int | None = None


@dataclass(frozen=True)
class Refused:
    error: str


@dataclass(frozen=True)
class File:
    base64: str | None = None
    error: str | None = None

    def read(self) -> bytes:
        return _decode(self.base64)


@dataclass(frozen=True)
class Output:
    """Part of what a test printed. Bytes that are no UTF-8 come as base64."""

    fd: str
    text: str | None = None
    base64: str | None = None

    def read(self) -> str:
        return self.text if self.text is not None else _decode(self.base64).decode("utf-8", "backslashreplace")


@dataclass(frozen=True)
class Log:
    """A `kmsg` event."""

    lines: list[str]


@dataclass(frozen=True)
class TestEnd:
    outcome: str
    duration_ns: int | None = None
    max_rss_kib: int | None = None
    taint_before: int = 0
    taint_after: int = 0
    kmsg: str = "read"
    left: int = 0
    code: int | None = None
    signal: int | None = None
    error: str | None = None
    stop: str | None = None


_SHAPES: dict[str, type] = {
    "hello": Hello, "device": Device, "taken": Taken, "refused": Refused, "file": File, "output": Output, "kmsg": Log,
    "test_end": TestEnd,
}  # fmt: skip


def malformed(event: Mapping[str, Any]) -> str | None:
    """What is wrong with the shape of an event, or None. Keys and kinds that are not known are fine."""
    try:
        if not isinstance(event.get("id", ""), str):
            raise ShapeError("'id' is no string")
        if event["ev"] in _SHAPES:
            shaped: Any = decode(_SHAPES[event["ev"]], event)
            if isinstance(shaped, (File, Output)):
                shaped.read()
    except ShapeError as error:
        return str(error)
    return None


def _decode(text: str | None) -> bytes:
    try:
        return base64.b64decode(text or "", validate=True)
    except ValueError:
        raise ShapeError("'base64' is no base64") from None
