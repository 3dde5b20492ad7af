# SPDX-License-Identifier: GPL-2.0-only
"""`iommu-cts lava wait RUN...`, `lava fetch RUN...`: each run has a process of its own, so that what one host sends harms no other's run.

Those that wait for a server cost little, and many wait at a time. Reading and judging keeps a processor busy and takes memory: for that
each waits for its turn.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import io
import json
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import date
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lab import entry
from lab.errors import LabError
from lab.progress import Step, say
from results import report
from results.model import COUNTS, counts
from runner import every, judge
from runner import run as running
from runner.lava.server import Unreachable

AT_ONCE = 24  # runs that are looked at
AGAIN_S = 10.0  # until a run is looked at again
TICK_S = 0.5
TAIL = 4096  # bytes, more than the last line of a journal that is over


@dataclasses.dataclass(frozen=True)
class Left:
    """How many jobs of a run are on their way, and how many could not be looked at for a reason that may pass."""

    waiting: int = 0
    unreachable: int = 0


Turn = Callable[[], AbstractContextManager[None]]
GoOn = Callable[[Path, Turn], Left]


@dataclasses.dataclass(frozen=True)
class Told:
    """What one run came to: its results as far as it was judged, which jobs are still there, and what was said meanwhile."""

    code: int
    said: str
    counts: dict[str, int] = dataclasses.field(default_factory=dict)
    left: Left = Left()


@contextlib.contextmanager
def _turn(parent: Connection) -> Iterator[None]:
    parent.send("turn")
    parent.recv()
    try:
        yield
    finally:
        parent.send("rest")


def _over(folder: Path, waivers: Path | None) -> Told | None:
    """What a run came to that was over before, and has been judged since; None if it is not so."""
    results, journal = folder / "results.json", folder / "journal.jsonl"
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        with journal.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
            last = json.loads(file.read().splitlines()[-1])
        changed = max(path.stat().st_mtime_ns for path in (journal, waivers) if path is not None)
        if (last["kind"], last.get("why")) == ("end", "finished") and results.stat().st_mtime_ns > changed:
            found = json.loads(results.read_bytes())
            return Told(int(found["run"]["exit_code"]), "", {row: int(found["counts"][row]) for row in COUNTS})
    return None


def _visit(folder: Path, waivers: Path | None, go_on: GoOn, turn: Turn) -> Told:
    """One run; it is judged when nothing of it is on its way any more."""
    before = _over(folder, waivers)
    if before is not None:
        return before
    said, left = io.StringIO(), Left()
    with contextlib.redirect_stderr(said):
        try:
            left = go_on(folder, turn)
            if left.waiting:
                return Told(judge.EXIT_LAB, said.getvalue(), left=left)
            with turn():
                judged = report.write_all(folder, waivers, date.today())
            return Told(judge.exit_code(judged), said.getvalue(), counts(judged.results), left)
        except KeyboardInterrupt:
            return Told(judge.EXIT_INTERRUPTED, said.getvalue(), left=left)
        except Unreachable as error:
            say(str(error))
            left = Left(unreachable=1)
        except (LabError, *entry.SYSTEM, *running.FAULTS) as error:
            say(str(error))
        except Exception as error:
            say(entry.unexpected(error))
    return Told(judge.EXIT_LAB, said.getvalue(), left=left)


def _child(parent: Connection, others: Sequence[Connection], folder: Path, waivers: Path | None, go_on: GoOn) -> None:
    for other in others:  # so that the end of the parent is the end of its pipes
        other.close()
    with contextlib.suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        parent.send(_visit(folder, waivers, go_on, lambda: _turn(parent)))
    os._exit(0)  # threads may still wait for a server


class _Fleet:
    """The processes of one command. With `again` a run of which jobs are left is looked at again, after a while."""

    def __init__(self, folders: Sequence[Path], waivers: Path | None, go_on: GoOn, again: bool) -> None:
        self._waiting = [(0.0, folder) for folder in folders]  # and when it is time for each (monotonic); in that order
        self._waivers = waivers
        self._go_on = go_on
        self._again = again
        self._alive: dict[Connection, tuple[Path, BaseProcess]] = {}
        self._asking: deque[Connection] = deque()
        self._working: set[Connection] = set()
        self._said: set[str] = set()
        self.told: dict[Path, Told] = {}

    def run(self, step: Step) -> None:
        """Returns when all runs have been looked at, or are over."""
        workers = len(os.sched_getaffinity(0))
        gc.freeze()  # what is there now is shared by all of them
        try:
            while self._waiting or self._alive:
                while self._waiting and len(self._alive) < AT_ONCE and self._waiting[0][0] <= time.monotonic():
                    self._start(self._waiting.pop(0)[1])
                for ready in wait(list(self._alive), TICK_S):
                    assert isinstance(ready, Connection)
                    self._hear(ready)
                while self._asking and len(self._working) < workers:
                    pipe = self._asking.popleft()
                    self._working.add(pipe)
                    with contextlib.suppress(OSError):
                        pipe.send("go")
                step.note(f"{len(self.told)} are over, {len(self._alive)} looked at")
        finally:
            for _, process in self._alive.values():
                process.kill()

    def _start(self, folder: Path) -> None:
        context = get_context("fork")
        mine, theirs = context.Pipe()
        process = context.Process(target=_child, args=(theirs, [mine, *self._alive], folder, self._waivers, self._go_on))
        process.start()
        theirs.close()
        self._alive[mine] = folder, process

    def _hear(self, pipe: Connection) -> None:
        """What a process says: that it wants a turn, that it has had it, or what its run came to."""
        try:
            word = pipe.recv()
        except (EOFError, OSError):
            process = self._alive[pipe][1]
            process.join()
            word = Told(judge.EXIT_LAB, f"its process ended with code {process.exitcode}")
        if word == "turn":
            self._asking.append(pipe)
        elif word == "rest":
            self._working.discard(pipe)
        else:
            self._over(pipe, word)

    def _over(self, pipe: Connection, told: Told) -> None:
        folder, process = self._alive.pop(pipe)
        self._working.discard(pipe)
        if pipe in self._asking:
            self._asking.remove(pipe)
        pipe.close()
        process.join()
        for line in (f"{folder.name}: {text}" for text in told.said.splitlines()):
            if line not in self._said:
                self._said.add(line)
                say(line)
        if self._again and (told.left.waiting or told.left.unreachable):
            self._waiting.append((time.monotonic() + AGAIN_S, folder))
        else:
            self.told[folder] = told


def go_on(folders: Sequence[Path], waivers: Path | None, one: GoOn, console: Console, again: bool) -> int:
    """Goes on with each of the runs by `one`, once or, with `again`, until no job of theirs is left; prints a table of all, and returns the
    worst exit code. A run that fails keeps no other from anything."""
    sys.stdout.flush()
    fleet = _Fleet(folders, waivers, one, again)
    with Step(f"{len(folders)} runs") as step:
        fleet.run(step)
    table = Table(box=None, header_style="bold")
    table.add_column("run")
    for heading in (*COUNTS, "jobs", "exit"):
        table.add_column(heading, justify="right")
    for folder in folders:
        told = fleet.told[folder]
        cells = [str(told.counts[row]) if told.counts.get(row) else "." for row in COUNTS]
        table.add_row(folder.name, *cells, str(told.left.waiting + told.left.unreachable or "."), str(told.code))
    console.print(table, markup=False)
    return every.worst(told.code for told in fleet.told.values())
