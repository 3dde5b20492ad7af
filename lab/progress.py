# SPDX-License-Identifier: GPL-2.0-only
"""Progress of long work on standard error: what is being waited for and for how long.

On a terminal one line is rewritten twice a second; elsewhere a line is printed now and then, so that a log stays readable.
"""

import sys
import threading
import time
from types import TracebackType

TERMINAL_PERIOD = 0.5
LOG_PERIOD = 30.0


def clock(seconds: float) -> str:
    """Minutes and seconds as in 3:07."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def say(text: str) -> None:
    """One line of its own on standard error."""
    print(text, file=sys.stderr, flush=True)


class Step:
    """One piece of work that takes a while; a context manager.

    `note` sets what is shown behind the title and may be called from any thread. Of steps that go on at the same time the one that
    began first has the terminal's line.
    """

    _active: "list[Step]" = []

    def __init__(self, title: str) -> None:
        self.title = title
        self.detail = ""
        self.start = time.monotonic()
        self._tty = sys.stderr.isatty()
        self._over = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def note(self, detail: str) -> None:
        self.detail = detail

    def elapsed(self) -> float:
        """Seconds since the step began."""
        return time.monotonic() - self.start

    def _line(self) -> str:
        detail = f"  {self.detail}" if self.detail else ""
        return f"[{clock(self.elapsed())}] {self.title}{detail}"

    def _tick(self) -> None:
        period = TERMINAL_PERIOD if self._tty else LOG_PERIOD
        while not self._over.wait(period):
            if self._tty and self._active[0] is self:
                print(f"\r\033[K{self._line()[:118]}", end="", file=sys.stderr, flush=True)
            elif not self._tty:
                say(self._line())

    def __enter__(self) -> "Step":
        if not self._tty:
            say(f"[0:00] {self.title}")
        self._active.append(self)
        self._ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._ticker.join()
        self._active.remove(self)
        if self._tty:
            print("\r\033[K", end="", file=sys.stderr)
        say(f"[{clock(self.elapsed())}] {self.title}: {'done' if kind is None else 'FAILED'}")
