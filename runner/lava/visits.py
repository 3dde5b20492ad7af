# SPDX-License-Identifier: GPL-2.0-only
"""Looks at jobs, several at a time: one whose log comes slowly, or whose server hangs, is waited for beside the others."""

import dataclasses
import queue
import threading
from pathlib import Path

from runner.lava.server import FINISHED, Job, Service

AT_ONCE = 64  # as many as there can be shares of a run
RUNNING = "Running"


@dataclasses.dataclass(frozen=True)
class Visit:
    """What a look at a job came to: how the job is; the whole lines `more` that it has said since, if it runs; where its log is, if it is
    over. Or the `fault` that kept it from being looked at."""

    job: Job | None = None
    more: bytes = b""
    log: Path | None = None
    fault: Exception | None = None


class Visits:
    """Those that are under way. `folder` is that of the run, in which the logs will be."""

    def __init__(self, service: Service, folder: Path) -> None:
        self._service = service
        self._folder = folder
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._over: queue.SimpleQueue[tuple[int, Visit]] = queue.SimpleQueue()
        self.underway: set[int] = set()

    def begin(self, share: int, number: str, lines: int | None) -> None:
        """Looks at the job of a share, of which so many lines are known (None: no others are wanted), unless that is under way."""
        if share not in self.underway:
            self.underway.add(share)
            # A daemon: nobody who wants to stop waits for somebody else's server.
            threading.Thread(target=self._visit, args=(share, number, lines), daemon=True).start()

    def next(self, seconds: float) -> tuple[int, Visit] | None:
        """The next share that was looked at, and what that came to; None after so many seconds."""
        try:
            share, visit = self._over.get(timeout=max(0.0, seconds))
        except queue.Empty:
            return None
        self.underway.discard(share)
        return share, visit

    def _visit(self, share: int, number: str, lines: int | None) -> None:
        with self._places:
            try:
                visit = self._look(number, lines)
            except Exception as error:  # it belongs to whoever asks for the visit
                visit = Visit(fault=error)
        self._over.put((share, visit))

    def _look(self, number: str, lines: int | None) -> Visit:
        job = self._service.job(number)
        if job.state == FINISHED:
            path = self._folder / f"job-{number}.yaml"
            if not path.exists():
                self._service.save(number, path)
            return Visit(job, log=path)
        more = self._service.log(number, lines) if job.state == RUNNING and lines is not None else b""
        return Visit(job, more[: more.rfind(b"\n") + 1])
