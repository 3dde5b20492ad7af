# SPDX-License-Identifier: GPL-2.0-only
"""The log of a LAVA job: what the target said, when, and how the job ended.

One YAML mapping a line, `- {"dt": ..., "lvl": ..., "msg": ...}` (lava_common/log.py). Lines of the console have the level "target", the end
of the job is a result of the case "job". The target, and whoever has the server, may have written anything: what can't be read is left out.
All of it is read line by line: a log may be longer than the memory.
"""

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, BinaryIO

import yaml

from runner.stream import LINE_MAX as STREAM_LINE_MAX

LINE_MAX = 1 << 20  # LAVA itself cuts what is longer than 100,000 characters
HELLO = "@cts 0 "  # the first frame: what comes before is of the kernel, the shell and LAVA
MORE = "@cts+ "  # how all lines of a frame begin but its first one
# Of cts-exec --lava and of LAVA's shell scripts, for LAVA.
_SIGNAL = re.compile(r"<LAVA_SIGNAL_[A-Z]+ [^<>]*>")
# What QEMU says on its standard error goes to the same terminal as the guest's console, also into the middle of a line.
_QEMU = re.compile(r"qemu-system-\w+: ")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# As LAVA writes every line. Of most that are not the target's nobody wants to know more than when they were written.
_PLAIN = re.compile(rb'- \{"dt": "([0-9T:.+-]{1,40})", "lvl": "([a-z]{1,20})", "msg": ')


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of the log; `at` are seconds since the epoch. Of a line that is neither the target's nor of the job's end the message may
    be left out (None)."""

    at: float
    level: str
    message: Any


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How LAVA says that a job ended; `kind` is its type of error, "" where there was none, None where it did not get to say."""

    kind: str | None = None
    text: str = ""


def _value(text: str) -> Any:
    """LAVA quotes like JSON, but for some characters and tags. It uses no aliases, by which a short line can stand for a huge value."""
    try:
        return json.loads(text)
    except ValueError:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, _LOADER)):
            return None
        return yaml.load(text, _LOADER)


def _line(raw: bytes) -> Line | None:
    if not raw.startswith(b"- "):
        return None
    plain = _PLAIN.match(raw)
    try:
        if plain and plain[2] != b"target" and not (plain[2] == b"results" and b'"job"' in raw):
            return Line(datetime.fromisoformat(plain[1].decode("ascii")).timestamp(), plain[2].decode("ascii"), None)
        found = _value(raw[2:].decode("utf-8", "replace"))
        at = datetime.fromisoformat(found["dt"])
        if not isinstance(found["lvl"], str):
            return None
        return Line(at.timestamp(), found["lvl"], found["msg"])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError, yaml.YAMLError):
        return None


def lines(stream: BinaryIO) -> Iterator[Line]:
    """Those that can be read; one that was cut off is none. No more than LINE_MAX bytes are held at a time."""
    whole = True  # does what comes begin a line?
    while raw := stream.readline(LINE_MAX):
        begins, whole = whole, raw.endswith(b"\n")
        found = _line(raw.rstrip(b"\r\n")) if begins and len(raw) < LINE_MAX else None
        if found is not None:
            yield found


def console(read: Iterable[Line]) -> Iterator[Line]:
    """What the target wrote, line by line; LAVA leaves out escape characters."""
    return (line for line in read if line.level == "target" and isinstance(line.message, str))


def end_of(line: Line) -> Outcome | None:
    """How the job ended, if that is what a line says."""
    said = line.message
    if line.level != "results" or not isinstance(said, dict) or (said.get("definition"), said.get("case")) != ("lava", "job"):
        return None
    if said.get("result") == "pass":
        return Outcome("")
    kind, text = said.get("error_type"), said.get("error_msg")
    return Outcome(kind[:100] if isinstance(kind, str) else "Unknown", text[:1000] if isinstance(text, str) else "")


def outcome(read: Iterable[Line]) -> Outcome:
    """How the job ended, as its last word is."""
    found = Outcome()
    for line in read:
        found = end_of(line) or found
    return found


@dataclasses.dataclass(frozen=True)
class Piece:
    """Bytes of cts-exec's stream, and when they were logged."""

    at: float
    data: bytes


def stream(said: Iterable[Line]) -> Iterator[Piece]:
    """What of the console is the stream: all from the first frame on, frames whole again, without what was for LAVA."""
    torn = ""
    held: list[bytes] = []  # the line that the next one may go on with
    size, at, begun = 0, 0.0, False
    for line in said:
        if not begun and HELLO not in line.message:
            continue
        begun = True
        text = torn + line.message
        torn = ""
        of_qemu = _QEMU.search(text)
        # What is longer than any frame is none, however it goes on.
        if of_qemu and of_qemu.start() < STREAM_LINE_MAX:
            torn = text[: of_qemu.start()]
        elif text.startswith(MORE) and held:
            if size < STREAM_LINE_MAX:
                held.append(text.removeprefix(MORE).encode("utf-8", "replace"))
                size += len(held[-1])
            at = line.at
        elif not _SIGNAL.fullmatch(text):
            if held:
                yield Piece(at, b"".join(held) + b"\n")
            held, at = [text.encode("utf-8", "replace")], line.at
            size = len(held[0])
    if held:
        yield Piece(at, b"".join(held) + b"\n")


def tests_ended(raw: bytes) -> int:
    """How many tests a part of a log has seen end, to show how far a job is."""
    return raw.count(b'\\"ev\\":\\"test_end\\"')


def last_started(raw: bytes) -> str | None:
    """The id of the test that a part of a log has seen start last, None if it has seen none. To know how long to wait: nobody checks it."""
    found = re.findall(rb'\\"ev\\":\\"test_start\\",\\"id\\":\\"([ -~]*?)\\"', raw)
    return found[-1].decode("ascii") if found else None
