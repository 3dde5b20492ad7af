# SPDX-License-Identifier: GPL-2.0-only
"""The log of a LAVA job: what the target said, when, and how the job ended.

One YAML mapping a line, `- {"dt": ..., "lvl": ..., "msg": ...}` (lava_common/log.py). Lines of the console have the level "target", the end
of the job is a result of the case "job". The target, and whoever has the server, may have written anything: what can't be read is left out.
"""

import dataclasses
import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import yaml

LINE_MAX = 1 << 20  # LAVA itself cuts what is longer than 100,000 characters
HELLO = "@cts 0 "  # the first frame: what comes before is of the kernel, the shell and LAVA
MORE = "@cts+ "  # how all lines of a frame begin but its first one
# Of cts-exec --lava and of LAVA's shell scripts, for LAVA.
_SIGNAL = re.compile(r"<LAVA_SIGNAL_[A-Z]+ [^<>]*>")
# What QEMU says on its standard error goes to the same terminal as the guest's console, also into the middle of a line.
_QEMU = re.compile(r"qemu-system-\w+: ")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of the log; `at` are seconds since the epoch."""

    at: float
    level: str
    message: Any


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How LAVA says that a job ended; `kind` is its type of error, "" where there was none, None where it did not get to say."""

    kind: str | None = None
    text: str = ""


def _value(text: str) -> Any:
    """LAVA quotes like JSON, but for some characters."""
    try:
        return json.loads(text)
    except ValueError:
        return yaml.load(text, _LOADER)


def _line(raw: bytes) -> Line | None:
    if not raw.startswith(b"- ") or len(raw) > LINE_MAX:
        return None
    try:
        found = _value(raw[2:].decode("utf-8", "replace"))
        at = datetime.fromisoformat(found["dt"])
        return Line(at.timestamp(), str(found["lvl"]), found["msg"])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError, yaml.YAMLError):
        return None


def lines(raw: bytes) -> Iterator[Line]:
    """Those that can be read; one that was cut off is none."""
    for text in raw.split(b"\n"):
        found = _line(text.rstrip(b"\r"))
        if found is not None:
            yield found


def console(read: Sequence[Line]) -> list[Line]:
    """What the target wrote, line by line; LAVA leaves out escape characters."""
    return [line for line in read if line.level == "target" and isinstance(line.message, str)]


def outcome(read: Sequence[Line]) -> Outcome:
    """How the job ended."""
    for line in reversed(read):
        said = line.message
        if line.level == "results" and isinstance(said, dict) and (said.get("definition"), said.get("case")) == ("lava", "job"):
            if said.get("result") == "pass":
                return Outcome("")
            return Outcome(str(said.get("error_type", "Unknown")), str(said.get("error_msg", ""))[:1000])
    return Outcome()


@dataclasses.dataclass(frozen=True)
class Piece:
    """Bytes of cts-exec's stream, and when they were logged."""

    at: float
    data: bytes


def stream(said: Sequence[Line]) -> list[Piece]:
    """What of the console is the stream: all from the first frame on, frames whole again, without what was for LAVA."""
    start = next((number for number, line in enumerate(said) if HELLO in line.message), len(said))
    pieces: list[Piece] = []
    torn = ""
    for line in said[start:]:
        text = torn + line.message
        torn = ""
        of_qemu = _QEMU.search(text)
        if of_qemu:
            torn = text[: of_qemu.start()]
        elif text.startswith(MORE) and pieces:
            whole = pieces[-1].data[:-1] + text.removeprefix(MORE).encode("utf-8", "replace") + b"\n"
            pieces[-1] = Piece(line.at, whole)
        elif not _SIGNAL.fullmatch(text):
            pieces.append(Piece(line.at, text.encode("utf-8", "replace") + b"\n"))
    return pieces


def tests_ended(raw: bytes) -> int:
    """How many tests a part of a log has seen end, to show how far a job is."""
    return raw.count(b'\\"ev\\":\\"test_end\\"')


def last_started(raw: bytes) -> str | None:
    """The id of the test that a part of a log has seen start last, None if it has seen none. To know how long to wait: nobody checks it."""
    found = re.findall(rb'\\"ev\\":\\"test_start\\",\\"id\\":\\"([ -~]*?)\\"', raw)
    return found[-1].decode("ascii") if found else None
