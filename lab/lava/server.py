# SPDX-License-Identifier: GPL-2.0-only
"""A whole LAVA laboratory on this machine: server, database, one worker, and devices that are QEMU's. For `make check-lab`, and to try it.

    python3 -m lab.lava.server vtd vtd        # two devices that are the virtual host vtd; says how to reach it, ends with Ctrl-C

It listens on this machine's loopback. Nothing of it is root: each part is root of a user namespace of its own, in the read-only tree of the
toolbox, and PostgreSQL somebody else in one below that. The token of its one user is made anew each time.
"""

import contextlib
import secrets
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

from lab import entry, host, scratch, toolbox
from lab.errors import LabError, UsageError
from lab.lava.devices import template
from lab.progress import Step
from lab.toolbox import MOUNT

HERE = Path(__file__).parent
WORKER = "worker0"
USER = "lab"
UP_S = 300.0
END_S = 30.0
PORTS = 3  # the server, its publisher of events to workers, and the socket of events
# What LAVA writes to, in a tree that is read only.
_SERVER_WRITES = (
    "/run", "/etc/lava-server/settings.d", "/etc/lava-server/dispatcher-config/devices", "/etc/lava-server/dispatcher.d",
    "/var/lib/lava-server/default", "/var/log/lava-server",
)  # fmt: skip
_WORKER_WRITES = ("/run", "/var/lib/lava/dispatcher", "/var/log/lava-dispatcher")


def _free_port() -> int:
    """The first of PORTS ports that nobody listens on."""
    for port in range(18000, 19000, PORTS):
        with contextlib.ExitStack() as held:
            try:
                for number in range(port, port + PORTS):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", number))
            except OSError:
                continue
            return port
    raise LabError("no free ports on the loopback between 18000 and 19000")


class Laboratory:
    """What runs. `folder` is seen by all parts as /mnt/work: jobs find files there, and each part leaves its log in its folder `log`."""

    def __init__(self, folder: Path, devices: Sequence[tuple[str, str]]) -> None:
        """`devices` are names of devices, and their dictionaries."""
        self.folder = folder
        self._box = toolbox.obtain("lava")
        self._port = _free_port()
        self._worker_token = secrets.token_hex(16)
        self.url = f"http://127.0.0.1:{self._port}"
        self.token = secrets.token_hex(16)
        self._devices = [name for name, _ in devices]
        self._parts: dict[str, subprocess.Popen[bytes]] = {}
        (folder / "devices").mkdir()
        (folder / "log").mkdir()
        for name, dictionary in devices:
            (folder / "devices" / f"{name}.jinja2").write_text(dictionary)

    def _start(self, part: str, words: Sequence[str], writes: Sequence[str], told: Sequence[str]) -> None:
        argv = ["bash", f"{MOUNT}/src/{part}.sh", str(self._port), *words]
        command = self._box.command(argv, binds={"work": self.folder}, readonly={"src": HERE}, scratch=writes, network=True)
        with (self.folder / "log" / f"{part}.out").open("ab") as log:
            self._parts[part] = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True)
        for line in told:
            self._tell(part, line)

    def _tell(self, part: str, line: str) -> None:
        pipe = self._parts[part].stdin
        assert pipe
        try:
            pipe.write(f"{line}\n".encode())
            pipe.flush()
        except BrokenPipeError:
            raise self._failure(f"LAVA's {part} is gone") from None

    def _failure(self, what: str) -> LabError:
        """With the end of every log."""
        logs = sorted((self.folder / "log").iterdir())
        return LabError("\n".join([what, *(f"{log.name}: {line}" for log in logs for line in _end(log))]))

    def get(self, path: str) -> str:
        """What the server answers, "" if it doesn't."""
        request = urllib.request.Request(f"{self.url}/api/v0.2/{path}", headers={"Authorization": f"Token {self.token}"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return str(answer.read().decode("utf-8", "replace"))
        except (OSError, urllib.error.URLError):
            return ""

    def wait_for(self, path: str, text: str) -> None:
        """Returns once the server's answer to `path` has `text` in it; LabError if that takes too long."""
        end = time.monotonic() + UP_S
        while text not in self.get(path):
            gone = [part for part, process in self._parts.items() if process.poll() is not None]
            if gone or time.monotonic() > end:
                raise self._failure(f"LAVA's {gone[0]} is gone" if gone else f"{self.url}/api/v0.2/{path}: still without {text}")
            time.sleep(0.25)

    def up(self) -> None:
        """Returns when jobs can be submitted and the worker is there. LabError with the ends of all logs if that does not happen."""
        with Step("a LAVA laboratory"):
            self._start("server", [USER, WORKER, *self._devices], _SERVER_WRITES, [self.token, self._worker_token])
            self.wait_for("system/version/", "version")
            self._start("worker", [WORKER], _WORKER_WRITES, [self._worker_token])
            self.start_worker()

    def start_worker(self) -> None:
        """Returns when the server has heard of it."""
        self._tell("worker", "start")
        self.wait_for(f"workers/{WORKER}/", '"state":"Online"')

    def kill_worker(self) -> None:
        """As a crash would; the jobs that it started go on."""
        self._tell("worker", "kill")

    def down(self) -> None:
        """Ends all of it."""
        for process in self._parts.values():
            process.terminate()
        for process in self._parts.values():
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdin:
                process.stdin.close()
        self._parts.clear()


def _end(log: Path) -> list[str]:
    return log.read_text(errors="replace").splitlines()[-5:] if log.is_file() else []


@contextlib.contextmanager
def laboratory(devices: Sequence[tuple[str, str]]) -> Iterator[Laboratory]:
    """One that is up, and is gone afterwards."""
    with scratch.folder() as folder:
        lab = Laboratory(folder, devices)
        try:
            lab.up()
            yield lab
        finally:
            lab.down()


def main() -> int:
    """Keeps a laboratory with the named virtual hosts until Ctrl-C."""
    if len(sys.argv) < 2:
        raise UsageError("name the virtual hosts that its devices are to be, such as: vtd vtd")
    devices = [(f"{name}-{number}", template(host.find(name))) for number, name in enumerate(sys.argv[1:], 1)]
    with laboratory(devices) as lab:
        print(f"{lab.url}  devices {' '.join(name for name, _ in devices)}; user {USER}, token:\nexport LAVA_TOKEN={lab.token}")
        print(f"what jobs download goes to {lab.folder}, which they know as file://{MOUNT}/work", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(entry.ending("lab.lava.server", main))
