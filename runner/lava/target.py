# SPDX-License-Identifier: GPL-2.0-only
"""A job that is over, as a target: its log is the stream, and what it was told to do stands in the plan that it was given."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lab.errors import LabError
from runner import klog
from runner.lava import log

CONSOLE_LINES = 60
SLACK_S = 30.0  # beyond a test's deadline, for cts-exec to kill it and say so, and for LAVA to see it


class JobTarget:
    """Plays one job to a session, which may switch it on once and has to send what `plan` says, line by line.

    `health` is LAVA's; `hung` says that the job was ended by us, since nothing came any more; `closes`: the console is the machine's own
    end, as that of QEMU, so that the job loses it when the machine goes.
    """

    can_cycle = True

    def __init__(
        self, raw: bytes, plan: Sequence[Mapping[str, Any]], scratch: str, health: str = "Complete", hung: bool = False,
        closes: bool = True,
    ) -> None:  # fmt: skip
        read = list(log.lines(raw))
        self._said = log.console(read)
        self._pieces = log.stream(self._said)
        self._outcome = log.outcome(read)
        self._plan = list(plan)
        self._health = health
        self._hung = hung
        self._closes = closes
        self._end = max((line.at for line in read), default=0.0)
        self._given = self._sent = 0
        self._was_on = False
        self._sent_at = 0.0
        self.now = self._said[0].at if self._said else self._end
        self.scratch = scratch

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
        if self._given == len(self._pieces):
            return b""
        piece = self._pieces[self._given]
        self._given += 1
        self.now = max(self.now, piece.at)
        return piece.data

    def away(self) -> float:
        """None of it: nobody waits for a log."""
        return 0.0

    def gone(self) -> str:
        """What became of a target that was not done: of its kernel, or of the job."""
        if self._hung:
            return "no answer"
        if any(splat.head.startswith("Kernel panic") for splat in klog.splats(klog.console_lines(self._last_words()))):
            return "stream closed"
        if self._health == "Canceled" or self._outcome.kind == "Canceled":
            return "job cancelled"
        if "timed out" in self._outcome.text:  # LAVA has several types of error for it
            return "no answer" if self._overdue() else "job timed out"
        if self._closes and self._outcome.kind == "Infrastructure" and "Connection closed" in self._outcome.text:
            return "stream closed"
        return "cts-exec died" if self._outcome.kind == "" else "job failed"

    def _overdue(self) -> bool:
        """Did the last line of the plan that was reached take longer than it may?"""
        allowed = self._plan[self._sent - 1].get("timeout_ms", 0) / 1000 if self._sent else 0
        return self._end - self.now > allowed + SLACK_S

    def _last_words(self) -> str:
        """What is on the console behind the last frame."""
        frames = [number for number, line in enumerate(self._said) if "@cts" in line.message]
        return "\n".join(line.message for line in self._said[frames[-1] + 1 if frames else 0 :])

    def console(self) -> str:
        """The last lines of the console that are no frames, and LAVA's own last word."""
        words = [line.message for line in self._said if not line.message.startswith("@cts")][-CONSOLE_LINES:]
        return "\n".join([*words, *([f"LAVA: {self._outcome.kind}: {self._outcome.text}"] if self._outcome.kind else [])])

    def environment(self) -> dict[str, Any]:
        return {}
