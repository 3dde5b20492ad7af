# SPDX-License-Identifier: GPL-2.0-only
"""LAVA without a server: lava-run in the toolbox, one job at a time. For jobs that are tried before they are submitted."""

import subprocess
from pathlib import Path

from lab import toolbox
from lab.errors import LabError
from lab.host import Host
from lab.lava.devices import dictionary
from lab.toolbox import MOUNT
from runner.lava import log
from runner.lava.server import FINISHED, Job

URL = f"file://{MOUNT}/work"
# What LAVA writes to, in a tree that is read only.
WRITABLE = ("/run", "/var/lib/lava/dispatcher/tmp")


class LavaRun:
    """Runs each job when it is submitted. `folder` is seen by jobs as URL, and keeps what they left."""

    def __init__(self, host: Host, folder: Path) -> None:
        self._box = toolbox.obtain("lava")
        self._folder = folder
        (folder / "device.yaml").write_text(dictionary(host))
        (folder / "dispatcher.yaml").write_text("dispatcher_ip: 127.0.0.1\n")

    def submit(self, name: str, definition: str) -> str:
        """Runs the job to its end. LabError if lava-run can't be started."""
        number = str(sum(1 for _ in self._folder.glob("out-*")) + 1)
        (self._folder / f"job-{number}.yaml").write_text(definition)
        inside = MOUNT / "work"
        argv = [
            "lava-run", "--job-id", number, "--output-dir", f"{inside}/out-{number}", "--device", f"{inside}/device.yaml",
            "--dispatcher", f"{inside}/dispatcher.yaml", f"{inside}/job-{number}.yaml",
        ]  # fmt: skip
        command = self._box.command(argv, binds={"work": self._folder}, scratch=WRITABLE)
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, start_new_session=True)
        if not (self._folder / f"out-{number}/logs.yaml").exists():
            said = (done.stdout + done.stderr).decode(errors="replace").strip()
            raise LabError(f"lava-run failed (exit code {done.returncode}):\n{said[-2000:]}")
        return number

    def find(self, name: str) -> str | None:
        """A job that was not seen to its end was killed with who ran it."""
        return None

    def job(self, number: str) -> Job:
        """It is over, since `submit` has returned."""
        said = log.outcome(list(log.lines(self.log(number))))
        return Job(number, FINISHED, "Complete" if said.kind == "" else "Incomplete", "lava-run", said.text)

    def log(self, number: str, start: int = 0) -> bytes:
        # Without the "- " with which the server's lines begin.
        text = (self._folder / f"out-{number}/logs.yaml").read_bytes()
        return b"".join(line if line.startswith(b"- ") else b"- " + line for line in text.splitlines(keepends=True)[start:])

    def cancel(self, number: str) -> None:
        """It is over."""


