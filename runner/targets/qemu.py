# SPDX-License-Identifier: GPL-2.0-only
"""A virtual host in QEMU."""

import platform
import select
import socket
from pathlib import Path
from typing import Any

from lab.qemu import ICOUNT, Machine

CONSOLE_BYTES = 8192
CONSOLE_LINES = 60


def _processor() -> str:
    """What this machine's processor is called."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


class QemuTarget:
    """A machine whose stream is a virtio-serial port; its console goes to a file beside it."""

    can_cycle = True
    scratch = "/tmp"  # of the ramdisk: new with each boot, and nobody else is there

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._stream: socket.socket | None = None

    def power_on(self) -> None:
        self._stream = self._machine.power_on()

    def power_off(self) -> None:
        self._machine.power_off()
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def send(self, line: bytes) -> None:
        if self._stream is None:
            raise BrokenPipeError("the virtual host is off")
        self._stream.sendall(line)

    def receive(self, timeout: float) -> bytes | None:
        if self._stream is None:
            return b""
        if not select.select([self._stream], [], [], max(0.0, timeout))[0]:
            return None
        try:
            return self._stream.recv(1 << 16)
        except ConnectionResetError:
            return b""

    def away(self) -> float:
        return 0.0

    def gone(self) -> str:
        """A guest that powers off or panics ends QEMU with exit code 0; anything else is QEMU's own failure."""
        if self._machine.exit_code() not in (0, None):
            return "emulator died"
        return "cts-exec died" if "cts-init: /cts-exec died" in self.console() else "stream closed"

    def console(self) -> str:
        """The last lines of this boot's console, and what QEMU itself complained of."""
        lines = self._machine.console_of_boot(CONSOLE_BYTES).splitlines()[-CONSOLE_LINES:]
        complaint = self._machine.complaint()
        return "\n".join([*lines, *([f"qemu: {complaint}"] if complaint else [])])

    def environment(self) -> dict[str, Any]:
        machine = self._machine
        # How fast a guest goes depends on it, but not how many instructions it takes.
        processor = {} if machine.accel == ICOUNT else {"processor": _processor()}
        return {
            **processor,
            "accelerator": machine.accel,
            "qemu": machine.toolbox.versions[machine.host.machine.emulator],
            "toolbox": {"key": machine.toolbox.key, "drift": dict(machine.toolbox.drift)},
            "kernel": machine.kernel.facts(),
        }
