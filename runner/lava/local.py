# SPDX-License-Identifier: GPL-2.0-only
"""LAVA without a server: lava-run in the toolbox, one job at a time. For jobs that are tried before they are submitted."""

import itertools
import os
import signal
import subprocess
from pathlib import Path

from lab import toolbox
from lab.errors import LabError
from lab.host import Host
from lab.lava.devices import dictionary
from lab.toolbox import MOUNT
from runner.lava import log, transfer
from runner.lava.server import FINISHED, LISTEN_MAX, Job

URL = f"file://{MOUNT}/work"
# What LAVA writes to, in a tree that is read only.
WRITABLE = ("/run", "/var/lib/lava/dispatcher/tmp")


class LavaRun:
    """Runs each job when it is submitted; it ends with this process. `folder` is seen by jobs as URL, and keeps what they left."""

    def __init__(self, host: Host, folder: Path) -> None:
        self._box = toolbox.obtain("lava")
        self._folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        (folder / "device.yaml").write_text(dictionary(host))
        (folder / "dispatcher.yaml").write_text("dispatcher_ip: 127.0.0.1\n")

    def submit(self, name: str, definition: str) -> str:
        """Starts the job."""
        number = str(sum(1 for _ in self._folder.glob("out-*")) + 1)
        (self._folder / f"job-{number}.yaml").write_text(definition)
        inside = MOUNT / "work"
        argv = [
            "lava-run", "--job-id", number, "--output-dir", f"{inside}/out-{number}", "--device", f"{inside}/device.yaml",
            "--dispatcher", f"{inside}/dispatcher.yaml", f"{inside}/job-{number}.yaml",
        ]  # fmt: skip
        command = self._box.command(argv, binds={"work": self._folder}, scratch=WRITABLE)
        (self._folder / f"out-{number}").mkdir()
        with (self._folder / f"out-{number}/said").open("wb") as said:
            self._running[number] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
            )
        return number

    def find(self, name: str) -> str | None:
        """A job that was not seen to its end has gone with who ran it, and may be run again."""
        return None

    def job(self, number: str) -> Job:
        """How it is. LabError if lava-run could not run it at all."""
        process = self._running.get(number)
        if process is not None and process.poll() is None:
            return Job(number, "Running", "Unknown", "lava-run")
        path = self._log(number)
        if not path.exists() or not path.stat().st_size:
            said = (self._folder / f"out-{number}/said").read_text(errors="replace")
            raise LabError(f"lava-run failed:\n{said[-2000:]}")
        with path.open("rb") as file:
            end = log.outcome(log.lines(file))
        health = {"": "Complete", "Canceled": "Canceled"}.get("?" if end.kind is None else end.kind, "Incomplete")
        return Job(number, FINISHED, health, "lava-run", end.text)

    def _log(self, number: str) -> Path:
        return self._folder / f"out-{number}/logs.yaml"

    def log(self, number: str, start: int = 0) -> bytes:
        """Its log from line `start` on; empty if there is none yet."""
        path = self._log(number)
        if not path.exists():
            return b""
        with path.open("rb") as file:
            return b"".join(itertools.islice(file, start, None))[:LISTEN_MAX]

    def save(self, number: str, path: Path) -> None:
        """Puts its log, as far as it may be kept, at `path`."""
        with self._log(number).open("rb") as file, transfer.kept(path) as (copy, _):
            copy.truncate(copy.seek(0))
            while piece := file.read(min(transfer.CHUNK, transfer.LOG_MAX - copy.tell())):
                transfer.write(copy, piece)

    def cancel(self, number: str) -> None:
        """As the server's worker does."""
        os.killpg(self._running[number].pid, signal.SIGTERM)
