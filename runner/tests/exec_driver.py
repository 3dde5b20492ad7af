# SPDX-License-Identifier: GPL-2.0-only
"""Drives a cts-exec as the runner would: lines in, events out, and no more noise or gaps than expected."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from runner.stream import Frame, Item, StreamReader, plan_line

Event = dict[str, Any]
TIMEOUT = 60.0  # seconds until a test of cts-exec that has hung is given up; nothing passes or fails by it


class Exec:
    """One running cts-exec on pipes, for a `with` statement: what is still alive at the end is killed."""

    def __init__(
        self, binary: Path, *args: str, env: Mapping[str, str] | None = None, pass_fds: tuple[int, ...] = ()
    ):
        self.process = subprocess.Popen(
            [str(binary), *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **(env or {})},
            pass_fds=pass_fds,
            start_new_session=True,
        )
        self.reader = StreamReader()
        self.items: list[Item] = []
        self._next = 0

    def __enter__(self) -> Exec:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self.process.wait()

    @property
    def events(self) -> list[Event]:
        return [item.event for item in self.items if isinstance(item, Frame)]

    def send(self, *lines: Event | bytes) -> None:
        """Writes plan lines; bytes go as they are."""
        assert self.process.stdin
        for line in lines:
            self.process.stdin.write(line if isinstance(line, bytes) else plan_line(line))
        self.process.stdin.flush()

    def send_all(self, *lines: Event | bytes) -> None:
        """Writes a whole plan and closes it; it need not be read to its end."""
        assert self.process.stdin
        with contextlib.suppress(BrokenPipeError):
            self.send(*lines)
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()

    def read_some(self, timeout: float = TIMEOUT) -> bool:
        """Reads once. False at the end of the stream."""
        assert self.process.stdout
        if not select.select([self.process.stdout], [], [], timeout)[0]:
            raise TimeoutError(f"cts-exec says nothing more after {str(self.items[-5:])[:1000]}")
        data = os.read(self.process.stdout.fileno(), 1 << 16)
        self.items += self.reader.feed(data) if data else self.reader.close()
        return bool(data)

    def wait_for(self, wanted: str | Callable[[Event], bool]) -> Event:
        """The next event of a kind, or that a function accepts, from where the last call stopped."""
        deadline = time.monotonic() + TIMEOUT
        while True:
            for number, event in enumerate(self.events[self._next:]):
                if event["ev"] == wanted if isinstance(wanted, str) else wanted(event):
                    self._next += number + 1
                    return event
            if not self.read_some(deadline - time.monotonic()):
                raise EOFError(f"no {wanted}, the last is {str(self.items[-5:])[:1000]}")

    def finish(self, status: int = 0) -> list[Event]:
        """Closes the plan, reads to the end, checks the exit status and that all frames came, and only frames."""
        assert self.process.stdin
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        return self._ended(status)

    def stop(self, sig: signal.Signals) -> list[Event]:
        """The same by a signal, with the plan left open."""
        self.process.send_signal(sig)
        return self._ended(128 + sig)

    def _ended(self, status: int) -> list[Event]:
        assert self.process.stderr
        while self.read_some():
            pass
        complaint = self.process.stderr.read()
        assert self.process.wait(TIMEOUT) == status, complaint.decode()
        assert complaint == b""
        frames = [item for item in self.items if isinstance(item, Frame)]
        assert frames == self.items, "noise or gaps"
        assert [frame.seq for frame in frames] == list(range(len(frames)))
        return self.events


def run(
    binary: Path, *lines: Event | bytes, status: int = 0, env: Mapping[str, str] | None = None
) -> list[Event]:
    """The events of a whole plan, from hello to end."""
    with Exec(binary, env=env) as target:
        sender = threading.Thread(target=target.send_all, args=lines)  # the pipes may fill both ways
        sender.start()
        while target.read_some():
            pass
        sender.join()
        return target.finish(status)


def case(*argv: str, id: str = "t", timeout_ms: int = 60_000, **more: object) -> Event:
    """A plan line that runs a test."""
    return {"op": "test", "id": id, "argv": list(argv), "timeout_ms": timeout_ms, **more}


def shell(script: str, **more: Any) -> Event:
    return case("/bin/sh", "-c", script, **more)


def of(events: list[Event], ev: str) -> list[Event]:
    """The events of one kind."""
    return [event for event in events if event["ev"] == ev]


def run_one(binary: Path, test: Event, env: Mapping[str, str] | None = None) -> tuple[Event, list[Event]]:
    """test_end of a test run alone, and all events."""
    events = run(binary, test, env=env)
    ends = of(events, "test_end")
    assert len(ends) == 1
    return ends[0], events


def text_of(events: list[Event], fd: str = "stdout") -> str:
    """What the tests printed, all of it text."""
    return "".join(event["text"] for event in of(events, "output") if event["fd"] == fd)


def wait_until_gone(pid: int) -> None:
    """Waits for a process that is not our child to have ended, reaped or not."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([fd], [], [], TIMEOUT)[0], f"process {pid} is still there"
    finally:
        os.close(fd)
