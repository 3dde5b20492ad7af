# SPDX-License-Identifier: GPL-2.0-only
"""The journal of a run (docs/results.md): one JSON object a line, append-only. The journal is the run."""

from __future__ import annotations

import fcntl
import io
import os
import re
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import AbstractSet, Any, Callable, Iterable, Union

from results import block, chain
from results.typed import ShapeError, decode, parse_json

VERSION = 1

DEPTH_MAX = 80
"""Containers inside each other in an entry: those of an event (runner/stream.py), and some around it."""

# the end of the year 9999: past it a time can't be shown as a date
_LAST_TIME = 253402300800


class JournalError(Exception):
    """The journal can't be written or read; the text names the file and the way out."""


# How every line begins that a Writer has written.
_HEAD = re.compile(rb'\{"t":[0-9.e+-]{1,32},"kind":"([a-z_]{1,20})",')

KINDS = ("promise", "characterisation", "measurement")


@dataclass(frozen=True)
class Skip:
    """Why a test can't run here: a code of lib/skip_reasons.def and a sentence."""

    code: str
    text: str


@dataclass(frozen=True)
class PlannedTest:
    """One test of the plan, for one device or (device None) for the host. `kind` is one of KINDS."""

    id: str
    path: str
    title: str | None
    kind: str
    device: str | None = None
    requirements: list[str] = field(default_factory=list)
    taints: int = 0
    faults: bool = False
    skip: Skip | None = None


@dataclass(frozen=True)
class Left:
    """A test of the suite that the selection of this run left out."""

    path: str
    requirements: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class RunEntry:
    t: float
    journal: int
    id: str
    host: str
    command: list[str]
    suite: dict[str, Any]
    environment: dict[str, Any]
    options: dict[str, Any] = field(default_factory=dict)
    identity: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ResumeEntry:
    """Another process goes on with the run. `cut`: bytes of a torn last line that it removed."""

    t: float
    command: list[str]
    cut: int = 0


@dataclass(frozen=True)
class EnvironmentEntry:
    t: float
    environment: dict[str, Any]


@dataclass(frozen=True)
class PlanEntry:
    t: float
    tests: list[PlannedTest]
    unselected: list[Left] = field(default_factory=list)


@dataclass(frozen=True)
class BootEntry:
    t: float
    n: int
    machine: int = 1


@dataclass(frozen=True)
class BootFailedEntry:
    """The target was powered on and did not get as far as a test."""

    t: float
    why: str
    console: str = ""
    machine: int = 1


@dataclass(frozen=True)
class EventEntry:
    t: float
    event: dict[str, Any]
    machine: int = 1


@dataclass(frozen=True)
class NoiseEntry:
    """`id`: the test that was running, on a stream that nobody but cts-exec should write to."""

    t: float
    text: str
    id: str | None = None
    machine: int = 1


@dataclass(frozen=True)
class GapEntry:
    t: float
    expected: int
    seen: int
    machine: int = 1


@dataclass(frozen=True)
class ForgedEntry:
    """Somebody other than cts-exec wrote frames: nothing that was said of the tests `ids` can be believed."""

    t: float
    text: str
    ids: list[str] = field(default_factory=list)
    frames: list[str] = field(default_factory=list)
    machine: int = 1


@dataclass(frozen=True)
class LostEntry:
    t: float
    why: str
    id: str | None = None
    console: str = ""
    machine: int = 1


@dataclass(frozen=True)
class NextEntry:
    """On a real host: this test is sent now. It is on the disk before, for the case that it takes the machine down, and the runner with
    it."""

    t: float
    id: str
    machine: int = 1


@dataclass(frozen=True)
class PowerEntry:
    t: float
    action: str
    why: str
    machine: int = 1


@dataclass(frozen=True)
class JobEntry:
    """What became of a job of a LAVA server. `action` is "begun" (it is about to be submitted, under `name`), "submitted" (as `id`) or
    "ended". The rest of the plan of `machine` begins at its test number `next`, which `tries` jobs have not got to; what is before it
    has run, when the entries before this one are read. Of the last `doubts` jobs nothing could be believed. `machine` 0 is the job that
    takes the inventory."""

    t: float
    action: str
    name: str
    machine: int = 1
    id: str | None = None
    device: str | None = None
    health: str | None = None
    why: str | None = None
    next: int = 0
    tries: int = 0
    doubts: int = 0


@dataclass(frozen=True)
class LabErrorEntry:
    t: float
    error: str


@dataclass(frozen=True)
class EndEntry:
    t: float
    why: str


# What one of the targets of a run did.
MachineEntry = Union[
    BootEntry, BootFailedEntry, EventEntry, NoiseEntry, GapEntry, ForgedEntry, LostEntry, NextEntry, PowerEntry,
]
Entry = Union[RunEntry, ResumeEntry, EnvironmentEntry, PlanEntry, JobEntry, LabErrorEntry, EndEntry, MachineEntry]

_KINDS: dict[str, type[Entry]] = {
    "run": RunEntry,
    "resume": ResumeEntry,
    "environment": EnvironmentEntry,
    "plan": PlanEntry,
    "boot": BootEntry,
    "boot_failed": BootFailedEntry,
    "event": EventEntry,
    "noise": NoiseEntry,
    "gap": GapEntry,
    "forged": ForgedEntry,
    "lost": LostEntry,
    "next": NextEntry,
    "power": PowerEntry,
    "job": JobEntry,
    "lab_error": LabErrorEntry,
    "end": EndEntry,
}


@dataclass(frozen=True)
class Journal:
    """What a journal says: its entries in order, and what could not be read of it.

    `torn` is true when the last line was cut short; `problems` names every other line that is no entry. `breaks` says where the lines
    don't hang together any more (results/chain.py); `linked` is whether they ever did.
    """

    entries: list[Entry]
    problems: list[str]
    torn: bool
    breaks: list[str] = field(default_factory=list)
    linked: bool = False


def read(path: Path, without: AbstractSet[str] = frozenset()) -> Journal:
    """Reads a journal. A bad line never hides the others. Raises JournalError if the file can't be read.

    Entries of the kinds `without` are passed over unread, which saves most of the time where only the others are wanted; whether the lines
    hang together is not looked at then.
    """
    try:
        with path.open("rb") as stream:
            return _parse(stream, without)
    except OSError as error:
        raise JournalError(f"{path}: cannot read the journal: {error.strerror}") from None


def parse(data: bytes) -> Journal:
    """The same of the bytes of a journal."""
    return _parse(io.BytesIO(data), frozenset())


def _parse(stream: Iterable[bytes], without: AbstractSet[str]) -> Journal:
    entries: list[Entry] = []
    problems: list[str] = []
    links = chain.Check()
    torn = False
    number = 0  # of whole lines
    for text in stream:
        torn = not text.endswith(b"\n")
        if torn:
            break
        number += 1
        line = text[:-1]
        kind = _HEAD.match(line) if without else None
        if kind and kind[1].decode("ascii") in without:
            continue
        value = None
        try:
            value = _object(line)
            entry = _entry(value)
            if isinstance(entry, RunEntry) != (number == 1):
                raise ShapeError("'run' has to be the first line and no other")
        except ShapeError as error:
            problems.append(f"line {number}: {error}")
            continue
        finally:
            if not without:
                links.line(line, value)
        if entry is not None:
            entries.append(entry)
    if not number:
        problems.append("the journal has no complete line")
    return Journal(entries, problems, torn, links.breaks, links.linked)


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = parse_json(line.decode("utf-8"), DEPTH_MAX)
    except ValueError:
        raise ShapeError("no JSON") from None
    if not isinstance(value, dict):
        raise ShapeError("no JSON object")
    return value


def _entry(value: dict[str, Any]) -> Entry | None:
    """What a line says; None for a kind that a later version may have added."""
    kind = value.get("kind")
    if not isinstance(kind, str):
        raise ShapeError("no 'kind'")
    if kind not in _KINDS:
        return None
    try:
        cls: Any = _KINDS[kind]
        entry: Entry = decode(cls, value)
    except ShapeError as error:
        raise ShapeError(f"{kind}: {error}") from None
    if isinstance(entry, PlanEntry):
        for test in entry.tests:
            if test.kind not in KINDS:
                raise ShapeError(f"plan: {test.id}: 'kind' is none of {', '.join(KINDS)}")
    if not 0 <= entry.t < _LAST_TIME:
        raise ShapeError(f"{kind}: 't' is no time: {entry.t}")
    if isinstance(entry, RunEntry) and entry.journal != VERSION:
        raise ShapeError(f"run: journal version {entry.journal}; this program reads version {VERSION}")
    return entry


def is_written(path: Path) -> bool:
    """Does a Writer have it open now? OSError if it can't be opened."""
    with path.open("rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


class Writer:
    """Writes a journal, which nobody else writes meanwhile. Each entry reaches the kernel before write() returns. Any thread may
    write.

    The file must not exist: a journal is never overwritten. One that another process left unfinished is opened by `existing`, and
    nothing happens to it before `resume`. After an error nothing more is written, so that a line that was cut short stays the last one.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time, existing: bool = False) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._chain = chain.Chain()
        flags = os.O_RDWR if existing else os.O_WRONLY | os.O_CREAT | os.O_EXCL
        try:
            self._fd = os.open(path, flags | os.O_APPEND | os.O_CLOEXEC, 0o644)
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileExistsError:
            raise JournalError(f"{path}: there is a journal already; each run needs its own folder") from None
        except BlockingIOError:
            self.close()
            raise JournalError(f"{path}: the run is still going on: another process writes this journal") from None
        except OSError as error:
            raise JournalError(f"{path}: cannot {'open' if existing else 'create'} the journal: {error.strerror}") from None

    def resume(self, **keys: Any) -> int:
        """Cuts off a torn last line and appends the `resume` entry, which names its length; returns that. Raises JournalError."""
        try:
            data = self._path.read_bytes()
            *lines, torn = data.split(b"\n")
            cut = len(torn)
            os.ftruncate(self._fd, len(data) - cut)
        except OSError as error:
            raise JournalError(f"{self._path}: cannot go on with the journal: {error.strerror}") from None
        self._chain = chain.Chain(lines)
        self.write("resume", cut=cut, **keys)
        return cut

    def write(self, kind: str, **keys: Any) -> None:
        """Appends one entry of `kind` with `keys` (docs/results.md), the time and its link. Raises JournalError.

        A dataclass among the values, such as a PlannedTest, is written as the object of its fields.
        """
        with self._lock:
            self._write(self._chain.link(block.line(self._clock(), kind, keys)) + b"\n")

    def append(self, entries: block.Block) -> None:
        """The entries of a block, by one write. Raises JournalError."""
        with self._lock:
            self._write(b"".join(self._chain.link(line) + b"\n" for line in entries.lines))

    def _write(self, data: bytes) -> None:
        if self._fd < 0:
            raise JournalError(f"{self._path}: the journal is closed")
        try:
            while data:
                data = data[os.write(self._fd, data):]
        except OSError as error:
            self.close()
            raise JournalError(
                f"{self._path}: cannot write the journal: {error.strerror}; the run stops here, what was "
                f"written is kept: make room and go on by `iommu-cts run --resume {self._path.parent.name}`"
            ) from None

    def sync(self) -> None:
        """Waits until what was written is on the disk: the next test may take this very machine down. Raises JournalError."""
        try:
            os.fdatasync(self._fd)
        except OSError as error:
            raise JournalError(f"{self._path}: cannot write the journal: {error.strerror}") from None

    def close(self) -> None:
        """Closes the file; harmless when it is closed."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
