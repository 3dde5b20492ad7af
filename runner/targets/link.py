# SPDX-License-Identifier: GPL-2.0-only
"""The stream of a cts-exec behind a cts-relay, over connections that break: each byte once, in both directions.

A thread has the connection and takes it up again when it broke. While there is none the clock stands still for those who wait.
"""

import queue
import re
import select
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Protocol

from lab.progress import say
from runner.targets.remote import RETRY_S

READ = 1 << 16
QUEUED = 64  # reads that may wait to be taken
HEAD_MAX = 1 << 16  # what may come before the relay speaks: a login shell may say something
TAKE_S = 0.2
HELLO_S = 30.0
# cts-relay's exit codes
DONE, NO_RELAY, REPLACED, GONE = 0, 1, 4, 5
MISSING = (126, 127)  # what a shell says of a cts-relay that isn't there


class Loss(Protocol):
    """What is done about a stream that can't be had for now."""

    def __call__(self, code: int | None, boot_id: str | None, away: float) -> str | None:
        """Returns why it is over, as the journal's `lost` has it, or None to try again. `code` is that of cts-relay, None if the
        connection is what broke; `boot_id` that of the kernel that answered last on this connection, None if none did; `away` for how
        many seconds there has been no connection."""


class Link:
    """One stream. `attach` gives the command that joins the relay from byte N of the stream on; it says "@boot <id>" first."""

    def __init__(self, attach: Callable[[int], list[str]], boot_id: str, loss: Loss) -> None:
        self._attach = attach
        self._boot_id = boot_id
        self._loss = loss
        self._received: queue.Queue[bytes] = queue.Queue(QUEUED)
        self._offset = 0
        self._lock = threading.Lock()  # guards what follows
        self._sent = bytearray()
        self._process: subprocess.Popen[bytes] | None = None  # which the relay has answered
        self._away = 0.0
        self._away_since: float | None = time.monotonic()
        self._joins = 0
        self._closing = threading.Event()
        self.why = ""
        self._thread = threading.Thread(target=self._work, name="link")
        self._thread.start()

    def away(self) -> float:
        """Seconds so far without a connection."""
        with self._lock:
            return self._away + (0.0 if self._away_since is None else time.monotonic() - self._away_since)

    def send(self, data: bytes) -> None:
        """Keeps it, and sends it as far as there is a connection. OSError once the stream is over."""
        with self._lock:
            if self.why:
                raise BrokenPipeError(self.why)
            self._sent += data
            self._write(data)

    def _write(self, data: bytes) -> None:
        """What does not get there is sent again: the relay says what it has got."""
        if self._process is None or self._process.stdin is None:
            return
        try:
            self._process.stdin.write(data)
        except OSError:
            self._process.kill()

    def receive(self, timeout: float) -> bytes | None:
        """The next bytes, None if there are none within `timeout` seconds, b"" when the stream is over."""
        try:
            data = self._received.get(timeout=max(timeout, 0.0)) if timeout > 0 else self._received.get_nowait()
        except queue.Empty:
            return None
        if not data:
            self._put(b"")  # for the next who asks
        return data

    def close(self) -> None:
        """Gives the connection up."""
        self._closing.set()
        with self._lock:
            if self._process is not None:
                self._process.kill()
        self._thread.join()

    def _put(self, data: bytes) -> None:
        while not self._closing.is_set():
            try:
                return self._received.put(data, timeout=TAKE_S)
            except queue.Full:
                pass

    def _work(self) -> None:
        why = "iommu-cts failed"
        try:
            why = self._connections()
        finally:
            with self._lock:
                self.why = why
                self._process = None
            self._put(b"")

    def _connections(self) -> str:
        """One connection after the other; returns why the stream is over."""
        told = False
        while not self._closing.is_set():
            joined = self._joins
            code, boot_id = self._connection()
            if self._closing.is_set():
                break
            told = told and self._joins == joined
            why = self._loss(code, boot_id, time.monotonic() - (self._away_since or time.monotonic()))
            if why is not None:
                return why
            if not told:
                told = True
                say("the connection is lost; it is taken up again, and nothing is lost, as soon as there is one")
            self._closing.wait(RETRY_S)
        return "closed"

    def _connection(self) -> tuple[int | None, str | None]:
        """One connection until it ends. Returns cts-relay's exit code, None if the connection broke, and the kernel that answered."""
        process = subprocess.Popen(
            self._attach(self._offset), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
        )
        assert process.stdin and process.stdout
        try:
            boot_id, rest = self._head(process)
            if boot_id is not None and rest is not None and boot_id == self._boot_id:
                self._take(rest)
                while not self._closing.is_set():
                    if not select.select([process.stdout], [], [], TAKE_S)[0]:
                        continue
                    data = process.stdout.read(READ)
                    if not data:
                        break
                    self._take(data)
        finally:
            with self._lock:
                if self._process is not None:
                    self._away_since = time.monotonic()
                self._process = None
            if self._closing.is_set():
                process.kill()
            process.stdin.close()
            process.stdout.close()
            code = self._ended(process)
        return (code if code in (DONE, NO_RELAY, REPLACED, GONE, *MISSING) else None), boot_id

    @staticmethod
    def _ended(process: "subprocess.Popen[bytes]") -> int:
        try:
            return process.wait(RETRY_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def _take(self, data: bytes) -> None:
        if data:
            self._offset += len(data)
            self._put(data)

    def _head(self, process: "subprocess.Popen[bytes]") -> tuple[str | None, bytes | None]:
        """The kernel that answers and, if its relay does as well, the first bytes of the stream. What it was not told is sent again."""
        assert process.stdout
        head = b""
        deadline = time.monotonic() + HELLO_S
        while len(head) < HEAD_MAX and not self._closing.is_set() and time.monotonic() < deadline:
            found = re.search(rb"^@boot ([0-9a-f-]{36})\n@relay ([0-9]{1,19})\n", head, re.MULTILINE)
            if found:
                self._joined(process, int(found[2]))
                return found[1].decode(), head[found.end() :]
            if select.select([process.stdout], [], [], TAKE_S)[0]:
                data = process.stdout.read(READ)
                if not data:
                    break
                head += data
        else:
            process.kill()
        boot = re.search(rb"^@boot ([0-9a-f-]{36})\n", head, re.MULTILINE)
        return (boot[1].decode() if boot else None), None

    def _joined(self, process: "subprocess.Popen[bytes]", taken: int) -> None:
        with self._lock:
            if self._away_since is not None:
                self._away += time.monotonic() - self._away_since
            self._away_since = None
            self._joins += 1
            self._process = process
            self._write(bytes(self._sent[taken:]))
