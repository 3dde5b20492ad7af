# SPDX-License-Identifier: GPL-2.0-only
"""A machine that is reached by ssh: cts-exec runs there behind a cts-relay, so that a connection that breaks loses nothing."""

import contextlib
import os
import re
import shlex
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.binaries import Binaries
from lab.console import Console
from lab.errors import LabError
from lab.host import Host
from lab.image import Image
from lab.progress import say
from lab.qemu import SUITES
from lab.realhost import Kexec
from runner import reboot
from runner.collect import UNREACHABLE
from runner.targets import kexec, last_words
from runner.targets.link import DONE, GONE, MISSING, NO_RELAY, REPLACED, Link
from runner.targets.local import UNDO
from runner.targets.remote import Remote, Unreachable

AWAY_S = 600.0  # without a connection, until the machine is given up; a server's firmware takes minutes
CYCLE_AFTER_S = 300.0  # the same where it can be switched off and on
UP_S = 1200.0  # from switching it on until it answers
ATTEMPTS = 3  # to put the programs there, when the connection breaks meanwhile
LINGER_S = 600  # cts-exec goes on without anybody for so long
DEPLOY_S = 600.0
STOP_S = 100.0  # cts-relay: SIGTERM, 30 s, SIGKILL
POWER_S = 300.0
CONSOLE_BYTES, CONSOLE_LINES = 8192, 60
RELAY_DIED = "cts-relay died"


FOLDER = "ssh_folder"  # in `environment`: where the programs are
# What mktemp makes of remote.new_folder's template: nothing else is ever removed.
_FOLDER = re.compile(r"(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+/iommu-cts\.[A-Za-z0-9]{10}")


def _ours(folder: str) -> str:
    """A test of sh: is the folder there, and ours? After a reboot a name in /tmp may be somebody else's."""
    d = shlex.quote(folder)
    return f"test ! -L {d} && test -O {d}"


def _empty(folder: str) -> str:
    """A line of sh that ends a relay in the folder, if there is one, and removes the folder."""
    d = shlex.quote(folder)
    return f"{{ {_ours(folder)} && {d}/cts-relay stop {d}; }} 2>/dev/null; rm -rf {d}"


class SshTarget:
    """cts-exec on a machine that is in use by others. Its power switch, where the description has a command for that, gives a fresh
    kernel; else it restarts cts-exec. `work` is a private folder, `console` the file that the console is kept in; `stop` ends waiting.
    `kernel`, if there is one, is booted first; `devices` are the functions that this must find quiet. `left` is the folder there of a
    runner of the same run that was killed, as `environment` had it, if there was one."""

    def __init__(
        self, where: Host, programs: Binaries, kernel: Image | None, work: Path, console: Path, stop: threading.Event,
        devices: Sequence[str] = (), left: object = None,
    ) -> None:  # fmt: skip
        assert where.ssh is not None
        self._access = where.ssh
        self._machine = where.machine.name
        self._programs = programs
        self._kernel = kernel
        self._devices = devices
        self._stop = stop
        self._remote = Remote(where.ssh, work)
        self._console = Console(console)
        self._log: subprocess.Popen[bytes] | None = None
        self._link: Link | None = None
        self._folder = ""
        self._left = left if isinstance(left, str) and _FOLDER.fullmatch(left) else ""
        self._boot_id = ""  # of the kernel that ran when it was switched on last
        self._used = False  # has that kernel seen a cts-exec that is gone now?
        self._words = last_words.LastWords(self._remote, stop)
        self._said = ""  # the last words of the kernel that was lost

    @property
    def suites(self) -> str:
        """Where the test programs are, once it was switched on: the same at each time."""
        return f"{self._folder}/{SUITES}"

    @property
    def scratch(self) -> str:
        return f"{self._folder}/scratch"

    @property
    def can_cycle(self) -> bool:
        return bool(self._access.power_cycle)

    def power_on(self) -> None:
        self._said = ""
        self._console.begin()
        self._start_console()
        if not self._boot_id:
            self._first_time()
        elif self._used and self.can_cycle and self._boot_now() == self._boot_id:
            self._cycle()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                boot_id = self._up()
                self._words.note()
                self._boot_id, self._used = boot_id, True
                self._deploy()
                break
            except Unreachable as error:
                if attempt == ATTEMPTS:
                    raise
                say(f"{error}; trying again")
        self._link = Link(self._attach, boot_id, self._lost)

    def _first_time(self) -> None:
        """Nobody waits for a machine that was never there; one that a run was on may be on its way up."""
        boot_id = self._up() if self._left else self._remote.boot_id()
        machine = self._remote.run("its architecture", "uname -m").strip()
        if machine != self._machine:
            raise LabError(
                f"{self._access.address} is {machine[:20]!r}, the programs are for {self._machine}: arch = in the description says which"
            )
        if self._left:
            say("ending what a runner that was killed has left there")
            self._remote.run("ending what is left there", f"if {_ours(self._left)}; then {_empty(self._left)}; fi", STOP_S)
        if self._kernel is not None:
            self._boot_kernel(self._kernel, boot_id)

    def _boot_kernel(self, kernel: Image, before: str) -> None:
        """Has the owner's command, or the kernel that runs there, bring a kernel in."""
        how = "kexec" if self._access.kexec else shlex.join(self._access.kernel)
        say(f"{self._access.address}: {how} is to boot {kernel.release or kernel.path}")
        if self._access.kexec:
            before = self._kexec(self._access.kexec, kernel, before)
        else:
            env = {"CTS_IMAGE": str(kernel.path), "CTS_MODULES": str(kernel.modules or ""), "CTS_RELEASE": kernel.release or ""}
            self._command("kernel", self._access.kernel, UP_S, env)
        self._await_another(before)
        release = self._remote.run("its release", "uname -r").strip()
        if kernel.release and release != kernel.release:
            raise LabError(f"{self._access.address} runs {release[:80]!r}, not {kernel.release}: {how} did not boot it")

    def _kexec(self, how: Kexec, kernel: Image, before: str) -> str:
        """Returns the id of the kernel that started it: after a cold start that is not `before`."""
        cold = False
        while True:
            try:
                kexec.start(self._remote, how, kernel, self._programs.cts_exec, self._devices, str(UNDO))
                return before
            except kexec.Unclean as error:
                if cold or not self.can_cycle:
                    way_out = "it was switched off and on already" if cold else "switch it off and on, or let power_cycle = do that"
                    raise LabError(f"{error}; kexec is not safe: {way_out}") from error
                say(f"{error}")
            self._boot_id = before
            self._cycle()
            before, cold = self._remote.boot_id(), True

    def _command(self, key: str, argv: tuple[str, ...], seconds: float, env: dict[str, str] | None = None) -> None:
        """Runs a command of the description, here."""
        try:
            done = subprocess.run(
                argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, env={**os.environ, **(env or {})},
                start_new_session=True,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise LabError(f"{key} = {shlex.join(argv)}: {error}") from error
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip()[-500:]
            raise LabError(f"{key} = {shlex.join(argv)} failed: {said or f'exit code {done.returncode}'}")

    def _cycle(self) -> None:
        say(f"{self._access.address} is switched off and on")
        self._remote.close()
        self._command("power_cycle", self._access.power_cycle, POWER_S)
        self._await_another(self._boot_id)

    def _await_another(self, before: str) -> None:
        """Returns when another kernel answers than `before`, which may go on for a while."""
        waiting = threading.Event()
        timer = threading.Timer(UP_S, waiting.set)
        timer.start()
        try:
            while not (waiting.is_set() or self._stop.is_set()):
                with contextlib.suppress(Unreachable):
                    if self._remote.boot_id() != before:
                        return
                self._stop.wait(2.0)
        finally:
            timer.cancel()
        if not self._stop.is_set():
            raise LabError(f"{self._access.address} did not come up with another kernel in {UP_S:.0f} s")

    def _boot_now(self) -> str | None:
        """The kernel that runs there now, if it answers."""
        try:
            return self._remote.boot_id()
        except Unreachable:
            return self._boot_id  # it hangs, or the like

    def _up(self) -> str:
        boot_id = self._remote.wait(AWAY_S, self._stop)
        if boot_id is None:
            raise LabError("interrupted while the machine was waited for")
        return boot_id

    def _deploy(self) -> None:
        """Puts the programs in a folder of their own, which nobody else may write to, and starts cts-exec there."""
        if not self._folder:
            self._folder = self._remote.new_folder()
        d = shlex.quote(self._folder)
        files = {"cts-exec": self._programs.cts_exec, "cts-relay": self._programs.cts_relay}
        files |= {f"{SUITES}/{name}": path for name, path in self._programs.suites.items()}
        # It may be there still, from before a reboot or a connection that broke.
        make = f"mkdir -m 700 {d} && cd {d} && mkdir -m 700 scratch && exec tar -xf -"
        self._remote.unpack(f"{_empty(self._folder)} && {make}", files, DEPLOY_S)
        start = f"cd / && exec {d}/cts-relay start --linger {LINGER_S} {d} -- {d}/cts-exec --undo {UNDO}"
        self._remote.run("starting cts-exec", start)

    def _attach(self, offset: int) -> list[str]:
        boot = 'echo "@boot $(cat /proc/sys/kernel/random/boot_id)"'
        d = shlex.quote(self._folder)
        return self._remote.argv(f"{boot}; {_ours(self._folder)} && exec {d}/cts-relay attach {d} {offset}; exit {MISSING[0]}")

    def _lost(self, code: int | None, boot_id: str | None, away: float) -> str | None:
        """What to do when there is no stream; runs in the link's thread. See link.Loss."""
        if boot_id is not None and boot_id != self._boot_id:
            self._said = self._words.read()
            return reboot.WENT_DOWN
        if boot_id is not None and code == DONE:
            return "cts-exec died"
        if boot_id is not None and code in (NO_RELAY, REPLACED, GONE, *MISSING):
            return RELAY_DIED
        if away < (CYCLE_AFTER_S if self.can_cycle else AWAY_S):
            return None
        if not self.can_cycle:
            return UNREACHABLE
        return self._cycled_after_loss()

    def _cycled_after_loss(self) -> str | None:
        """It does not answer: a fresh kernel, and what the last one said. A machine that is only cut off goes on."""
        try:
            self._cycle()
            self._said = self._words.read()
        except LabError as error:
            say(f"iommu-cts: {error}")
        return UNREACHABLE

    def power_off(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close()
            self._clean()
        if self._log is not None:
            self._log.kill()
            self._log.wait()
            self._log = None
            self._console.trim()
        self._remote.close()

    def _clean(self) -> None:
        """Ends cts-exec in order and removes what was put there; without a connection the relay does so by itself, in time."""
        try:
            self._remote.run("cleaning up", _empty(self._folder), STOP_S)
        except LabError as error:
            say(f"{error}; cts-relay removes {self._folder} there by itself, {2 * LINGER_S} s from now at the latest")

    def _start_console(self) -> None:
        if not self._access.console or self._log is not None:
            return
        # It ends with this process, however that ends.
        argv = ["setpriv", "--pdeathsig", "KILL", *self._access.console]
        try:
            with self._console.path.open("ab") as log:
                self._log = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        except OSError as error:
            raise LabError(f"console = {shlex.join(self._access.console)}: {error}") from error

    def send(self, line: bytes) -> None:
        if self._link is None:
            raise BrokenPipeError("cts-exec is not running")
        self._link.send(line)

    def receive(self, timeout: float) -> bytes | None:
        return b"" if self._link is None else self._link.receive(timeout)

    def away(self) -> float:
        return 0.0 if self._link is None else self._link.away()

    def gone(self) -> str:
        return "closed" if self._link is None else self._link.why

    def console(self) -> str:
        """The last lines of the console, and the last words that the kernel left in memory that outlives it."""
        lines = self._console.tail(CONSOLE_BYTES).splitlines()[-CONSOLE_LINES:]
        return "\n".join([*lines, *self._said.splitlines()])

    def environment(self) -> dict[str, Any]:
        return {"ssh": self._access.address, FOLDER: self._folder}
