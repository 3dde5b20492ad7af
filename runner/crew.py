# SPDX-License-Identifier: GPL-2.0-only
"""The targets of a run, alike, and the plan that they share. Each has a thread of its own and takes the next test when it is free.

They begin at places of the plan that lie far apart, and each goes on from its own: tests that are neighbours there are of one kind, and
either all wait for a device or all keep the processor busy. Side by side they would do so at the same time. Tests in one kernel stay
serial. Measurements are taken when everything else is done and the other targets are off.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence

from lab.errors import LabError
from lab.progress import say
from results.journal import Writer
from runner.plan import Item
from runner.session import SLICE_S, TEST_ATTEMPTS, Needed, Session, Stopped

MEASUREMENT = "measurement"


class Crew:
    """Runs the items on the sessions; `started` is told how many have been started, and of each. `stop` ends it early, and so do
    `enough` failures, if that is not 0: no further test is started then, and `has_enough` is true. The tests are started in their
    order then, since the first are those that matter."""

    def __init__(
        self, sessions: Sequence[Session], items: Sequence[Item], devices: Sequence[Needed], journal: Writer,
        stop: threading.Event, started: Callable[[int, Item], None], enough: int = 0,
    ) -> None:  # fmt: skip
        self._sessions = sessions
        self._alone = deque(item for item in items if item.planned.kind == MEASUREMENT)
        # Of what has not been started, by its number in the plan; and the number at which each session is.
        self._shared = dict(enumerate(item for item in items if item.planned.kind != MEASUREMENT))
        apart = 0 if enough else len(self._shared) // len(sessions)
        self._places = {session: number * apart for number, session in enumerate(sessions)}
        self._devices = devices
        self._journal = journal
        self._stop = stop
        self._told = started
        self._enough = enough
        self._change = threading.Condition()  # guards what follows
        self._started = 0
        self._running = 0
        self._on = len(sessions)
        self._measurer: Session | None = None
        self._failed: BaseException | None = None

    def run(self) -> bool:
        """Returns when all that can be run has been: true if nothing is left. A fault of the lab ends its target and is in the
        journal; any other exception ends the run and is raised here, when no target is left on."""
        threads = [threading.Thread(target=self._work, args=(session,)) for session in self._sessions]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except BaseException:
            self._stop.set()
            for thread in threads:
                thread.join()
            raise
        if self._failed is not None:
            raise self._failed
        return not self._shared and not self._alone

    @property
    def has_enough(self) -> bool:
        """Were there so many failures that the rest is left?"""
        return 0 < self._enough <= sum(session.failures for session in self._sessions)

    def _work(self, session: Session) -> None:
        try:
            self._run_all(session)
            session.end()
        except Stopped:
            pass
        except LabError as error:
            self._report(error)
        except BaseException as error:
            self._fail(error)
        finally:
            session.kill()
            with self._change:
                self._on -= 1
                self._change.notify_all()

    def _report(self, error: LabError) -> None:
        say(f"iommu-cts: {error}")
        try:
            self._journal.write("lab_error", error=str(error))
        except BaseException as worse:
            self._fail(worse)

    def _fail(self, error: BaseException) -> None:
        self._failed = self._failed or error
        self._stop.set()

    def _run_all(self, session: Session) -> None:
        while (item := self._next(session)) is not None:
            try:
                for attempt in range(1, TEST_ATTEMPTS + 1):
                    session.ready(self._devices)
                    if session.run(item, attempt == TEST_ATTEMPTS):
                        break
            except BaseException:
                self._done(session, item)
                raise
            self._done(session)

    def _next(self, session: Session) -> Item | None:
        """What this session is to run now; None at its end. A target that is free waits for the others: one of them may fail, and
        leave a test behind."""
        with self._change:
            self._wait(lambda: bool(self._shared) or not self._running)
            if self.has_enough:
                return None
            if self._shared:
                return self._start(self._take(session))
            self._measurer = self._measurer or session
            if self._measurer is not session or not self._alone:
                return None
            self._wait(lambda: self._on == 1)
            return self._start(self._alone.popleft())

    def _take(self, session: Session) -> Item:
        """The first that has not been started from the session's place on, or else from the beginning."""
        place = self._places[session]
        number = min(self._shared, key=lambda number: (number < place, number))
        self._places[session] = number
        return self._shared.pop(number)

    def _start(self, item: Item) -> Item:
        self._started += 1
        self._running += 1
        self._told(self._started, item)
        return item

    def _done(self, session: Session, left: Item | None = None) -> None:
        """The session's test is over; or it is `left` to the others, if there are any."""
        with self._change:
            self._running -= 1
            if left is not None:
                self._started -= 1
                if self._measurer:
                    self._alone.appendleft(left)
                else:
                    self._shared[self._places[session]] = left
            self._change.notify_all()

    def _wait(self, until: Callable[[], bool]) -> None:
        while not until():
            if self._stop.is_set():
                raise Stopped
            self._change.wait(SLICE_S)
