# SPDX-License-Identifier: GPL-2.0-only
"""Targets: a byte stream and a power switch, nothing else."""

from typing import Any, Protocol


class Target(Protocol):
    """Where cts-exec runs. One boot at a time; the runner owns it."""

    def power_on(self) -> None:
        """Starts cts-exec at the far end of a new stream. LabError if that is not possible."""

    def power_off(self) -> None:
        """Ends it, whatever state it is in; harmless if it is off."""

    def send(self, line: bytes) -> None:
        """Writes one plan line; OSError if the stream is gone."""

    def receive(self, timeout: float) -> bytes | None:
        """The next bytes of the stream: None if there are none within `timeout` seconds, b"" if it is closed."""

    def away(self) -> float:
        """For how many seconds so far nothing could be heard of it that was lost on no account of its own: a connection that breaks."""

    def gone(self) -> str:
        """Why the stream closed: the `why` of the journal's `lost` entry."""

    def console(self) -> str:
        """The last lines of the console, "" if there is none."""

    def environment(self) -> dict[str, Any]:
        """Facts about the target that the stream can't tell."""

    @property
    def scratch(self) -> str:
        """A folder on the target that tests may keep things in until it is switched off; nobody else can write there."""

    @property
    def can_cycle(self) -> bool:
        """True if switching off and on gives a fresh kernel."""
