# SPDX-License-Identifier: GPL-2.0-only
"""The machine that the runner itself is on."""

import os
import select
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from lab.errors import LabError

GRACE = 15.0  # seconds that cts-exec gets to kill a test and give devices back
UNDO = Path("/var/lib/iommu-cts")  # what a run has taken from its drivers, until it is given back (docs/stream.md)


class LocalTarget:
    """cts-exec as a child process, its standard streams as the stream. Its power switch restarts cts-exec, not the kernel."""

    can_cycle = False

    def __init__(self, cts_exec: Path, work: Path) -> None:
        self._path = cts_exec
        self._work = work  # a folder that is removed after the run
        self._process: subprocess.Popen[bytes] | None = None
        self._scratch = ""

    @property
    def scratch(self) -> str:
        return self._scratch

    def power_on(self) -> None:
        self._scratch = tempfile.mkdtemp(dir=self._work)
        try:
            # A session of its own: a Ctrl-C at the terminal is for the runner, which then stops cts-exec in order.
            self._process = subprocess.Popen(
                [str(self._path), "--undo", str(UNDO)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, bufsize=0
            )
        except OSError as error:
            raise LabError(f"{self._path} can't be started: {error}") from error

    def power_off(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin and process.stdout
        process.terminate()
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def send(self, line: bytes) -> None:
        if self._process is None or self._process.stdin is None:
            raise BrokenPipeError("cts-exec is not running")
        view = memoryview(line)
        while view:
            view = view[self._process.stdin.write(view) or 0 :]

    def receive(self, timeout: float) -> bytes | None:
        if self._process is None or self._process.stdout is None:
            return b""
        if not select.select([self._process.stdout], [], [], max(0.0, timeout))[0]:
            return None
        return os.read(self._process.stdout.fileno(), 1 << 16)

    def away(self) -> float:
        return 0.0

    def gone(self) -> str:
        return "cts-exec died"

    def console(self) -> str:
        return ""

    def environment(self) -> dict[str, Any]:
        return {}
