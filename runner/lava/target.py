# SPDX-License-Identifier: GPL-2.0-only
"""A job that is over, as a target: its log is the stream, and what it was told to do stands in the plan that it was given."""

import itertools
import json
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from lab.errors import LabError
from runner import klog
from runner.lava import log

CONSOLE_LINES = 60
LINE_SHOWN = 4096  # characters of a line of the console
LINES_BEHIND = 1000  # behind the last frame: a panic comes soon after
SLACK_S = 30.0  # beyond a test's deadline, for cts-exec to kill it and say so, and for LAVA to see it


class JobTarget:
    """Plays one job to a session, which may switch it on once and has to send what `plan` says, line by line.

    `raw` is the log, which is read once, while it is played. `health` is LAVA's; `hung` says that the job was ended by us, since nothing
    came any more; `cut` that the log goes on behind what there is of it; `closes`: the console is the machine's own end, as that of QEMU,
    so that the job loses it when the machine goes.
    """

    can_cycle = True

    def __init__(
        self, raw: BinaryIO, plan: Sequence[Mapping[str, Any]], scratch: str, health: str = "Complete", hung: bool = False,
        closes: bool = True, cut: bool = False,
    ) -> None:  # fmt: skip
        self._outcome = log.Outcome()
        self._end = 0.0
        self._words: deque[str] = deque(maxlen=CONSOLE_LINES)
        # What is on the console behind the last frame: the beginning, and the end.
        self._behind: list[str] = []
        self._later: deque[str] = deque(maxlen=CONSOLE_LINES)
        said = self._said(log.lines(raw))
        first = next(said, None)
        self.now = first.at if first else self._end
        self._pieces = log.stream(itertools.chain([first] if first else [], said))
        self._plan = list(plan)
        self._health = health
        self._hung = hung
        self._closes = closes
        self._cut = cut
        self._sent = 0
        self._was_on = False
        self._sent_at = 0.0
        self.scratch = scratch

    def _said(self, read: Iterator[log.Line]) -> Iterator[log.Line]:
        """The console, as it is read; what is noted on the way tells how the target ended, when all has been read."""
        for line in read:
            self._end = max(self._end, line.at)
            self._outcome = log.end_of(line) or self._outcome
            if line.level != "target" or not isinstance(line.message, str):
                continue
            if "@cts" in line.message:
                self._behind.clear()
                self._later.clear()
            else:
                (self._behind if len(self._behind) < LINES_BEHIND else self._later).append(line.message[:LINE_SHOWN])
            if not line.message.startswith("@cts"):
                self._words.append(line.message[:LINE_SHOWN])
            yield line

    @property
    def outcome(self) -> log.Outcome:
        """How LAVA says that the job ended. What was not received of the log is passed over for it."""
        for _ in self._pieces:
            pass
        return self._outcome

    def clock(self) -> float:
        """When what the session saw last was logged, in seconds since the epoch."""
        return self.now

    def power_on(self) -> None:
        if self._was_on:
            raise LabError("a job that is over can't be started again")
        self._was_on = True

    def power_off(self) -> None:
        pass  # the job has done so

    def send(self, line: bytes) -> None:
        if self._sent == len(self._plan) or json.loads(line) != self._plan[self._sent]:
            raise LabError(f"line {self._sent + 1} of the job's plan is another one than {line.decode()[:200].strip()}")
        self._sent += 1
        self._sent_at = self.now

    def receive(self, timeout: float) -> bytes | None:
        piece = next(self._pieces, None)
        if piece is None:
            return b""
        self.now = max(self.now, piece.at)
        return piece.data

    def away(self) -> float:
        """All of it: a log has said what it says, however long it takes to read."""
        return time.monotonic()

    def gone(self) -> str:
        """What became of a target that was not done: of its kernel, or of the job."""
        outcome = self.outcome
        if self._cut:
            return "log too long"
        if self._hung:
            return "no answer"
        if any(splat.head.startswith("Kernel panic") for splat in klog.splats(klog.console_lines(self._last_words()))):
            return "stream closed"
        if self._health == "Canceled" or outcome.kind == "Canceled":
            return "job cancelled"
        if "timed out" in outcome.text:  # LAVA has several types of error for it
            return "no answer" if self._overdue() else "job timed out"
        if self._closes and outcome.kind == "Infrastructure" and "Connection closed" in outcome.text:
            return "stream closed"
        return "cts-exec died" if outcome.kind == "" else "job failed"

    def _overdue(self) -> bool:
        """Did the last line of the plan that was reached take longer than it may?"""
        allowed = self._plan[self._sent - 1].get("timeout_ms", 0) / 1000 if self._sent else 0
        return self._end - self.now > allowed + SLACK_S

    def _last_words(self) -> str:
        """What is on the console behind the last frame."""
        return "\n".join([*self._behind, *self._later])

    def console(self) -> str:
        """The last lines of the console that are no frames, and LAVA's own last word."""
        outcome = self.outcome
        return "\n".join([*self._words, *([f"LAVA: {outcome.kind}: {outcome.text}"] if outcome.kind else [])])

    def environment(self) -> dict[str, Any]:
        return {}
