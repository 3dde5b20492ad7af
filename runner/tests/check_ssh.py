# SPDX-License-Identifier: GPL-2.0-only
"""`make check-ssh`: a machine that ssh reaches, with tests that take it down and connections that break.

The machine is lab/server's. Nothing may be lost, nothing left behind, and each verdict has to be that of a virtual host.
"""

import contextlib
import dataclasses
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from lab import entry, host
from lab.server import machine
from lab.server.machine import Server
from results.journal import EventEntry, GapEntry, LostEntry, NoiseEntry, read
from results.model import Run, Verdict
from runner import run as running
from runner.targets import ssh
from runner.tests import meta
from runner.tests.test_meta import TOLD

DEVICE = "0000:01:00.0"
SAME = ("access/bind*", "attach/attach_id/*")
TAKES_IT_DOWN = ("kernel/panics", "kernel/warns", "host/reboots", "host/powers_off", "host/kills_cts_exec", "host/stops_cts_exec")
AFTER = ("a_panic", "a_warning", "a_reboot", "power_off", "a_kill", "a_stop")
CUT_S = 45.0  # longer than ssh needs to notice
HUNG_S = 50.0  # instead of minutes, until a machine that does not answer is switched off and on
LINGER_S = 5
LONG = 20.0  # a test that waits for its end by the deadline has to last longer than a cut
STARTED = "cts.started=kexec"  # a word of the command line
KERNEL_STARTS = "] Linux version "
TAINT_WARN = 1 << 9
KILLED = f"""
import sys
from runner import cli
from runner.targets import ssh
ssh.LINGER_S = {LINGER_S}
sys.exit(cli.main(sys.argv[1:]))
"""


class Wrong(Exception):
    """Something is not as it has to be."""


def need(fact: bool, text: object) -> None:
    """Raises Wrong with the text unless the fact is one."""
    if not fact:
        raise Wrong(str(text))


class Checks:
    """The server, the programs that end in every way, and a folder for runs."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.plain = server.folder / "plain.toml"
        lines = server.host_file.read_text().splitlines()
        self.plain.write_text("\n".join(line for line in lines if not line.startswith(("power_cycle", "console"))) + "\n")
        self.programs = meta.build()
        self._number = 0

    def runs(self) -> Path:
        """A new folder."""
        self._number += 1
        return self.folder / str(self._number)

    def lab(self) -> running.Lab:
        """Without a kernel: the server has its own."""
        return dataclasses.replace(self.programs.lab, image=None)

    def end(self, file: Path, *select: str, scale: float = 1.0, hook: Callable[[Path], None] | None = None) -> Run:
        """Runs programs that end on purpose by ssh; `hook` is called with the folder of runs in a thread of its own."""
        runs = self.runs()
        options = running.Options(
            str(file), select=[f"meta/{pattern}" for pattern in select], runs=runs, timeout_scale=scale, waivers=meta.NO_WAIVERS
        )
        if hook is not None:
            threading.Thread(target=hook, args=(runs,), daemon=True).start()
        return running.record(options, host.find(str(file)), self.lab(), self.programs.tests)[1]

    def tidy(self) -> None:
        """Is the machine as it was?"""
        script = (
            f"basename $(readlink /sys/bus/pci/devices/{DEVICE}/driver); ls -d /tmp/iommu-cts* /var/tmp/iommu-cts* 2>/dev/null; "
            "ps -eo comm= | grep ^cts-; ls /var/lib/iommu-cts 2>/dev/null | grep :"
        )
        left = self.server.ssh(script).stdout.decode().split()
        need(left == ["igb"], f"left behind: {left}")


def lossless(run: Run) -> None:
    """Did everything come, once?"""
    assert run.directory is not None
    entries = read(run.directory / "journal.jsonl").entries
    bad = [one for one in entries if isinstance(one, (LostEntry, GapEntry, NoiseEntry))]
    need(not bad, bad)
    need(run.complete and not run.problems, run.problems)


def at_start_of(test: str, action: Callable[[], None]) -> Callable[[Path], None]:
    """A hook: does it once the test has started."""

    def watch(runs: Path) -> None:
        for one in meta.journals(runs):
            if isinstance(one, EventEntry) and one.event["ev"] == "test_start" and one.event["id"] == f"meta/{test}":
                action()

    return watch


def kill_ssh(server: Server) -> None:
    """Breaks every connection to the server: the ssh of this process, and who holds the connection that they share."""
    commands = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            commands[int(process.name)] = (process / "cmdline").read_bytes()
    config = str(server.ssh_config).encode()
    ours = {pid: command for pid, command in commands.items() if command.startswith(b"ssh\0") and config in command}
    shared = {found[1] for command in ours.values() if (found := re.search(rb"ControlPath=([^\0]+)", command))}
    for pid, command in commands.items():
        if pid in ours or any(command.startswith(b"ssh: " + path) for path in shared):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def check_same_verdicts(checks: Checks) -> None:
    """The same tests, on a virtual host and by ssh."""
    told = []
    for where in ("vtd", str(checks.plain)):
        judged = running.run(running.Options(where, select=SAME, runs=checks.runs(), waivers=meta.NO_WAIVERS))[1]
        told.append({one.id: one.verdict.value for one in judged.results})
    need(told[0] == told[1] and len(told[0]) > 50, sorted(set(told[0].items()) ^ set(told[1].items())))


def check_endings(checks: Checks) -> None:
    """Tests that take the machine, its kernel or cts-exec down: each is told right, and the next does not feel it."""
    run = checks.end(checks.server.host_file, *TAKES_IT_DOWN, *(f"*/passes_after_{what}" for what in AFTER))
    told = meta.told(run)
    # Who is off does not say why.
    wanted = {name: TOLD[name] for name in TAKES_IT_DOWN} | {"host/powers_off": "ERROR lost"}
    wanted |= {name: "PASS" for name in told if "/passes_after" in name}
    need(told == wanted and len(told) == len(TAKES_IT_DOWN) + len(AFTER), told)
    shown = "\n".join(one.text for result in run.results if meta.name(result) == "kernel/panics" for one in result.evidence)
    need("Kernel panic - not syncing" in shown, shown)


def check_last_words(checks: Checks) -> None:
    """Without a console and a power switch: the machine comes up by itself, and its memory has the panic."""
    run = checks.end(checks.plain, "kernel/panics", "kernel/passes_after_a_panic")
    need(meta.told(run) == {"kernel/panics": "FAIL splat", "kernel/passes_after_a_panic": "PASS"}, meta.told(run))


def check_hangs(checks: Checks) -> None:
    """A machine whose processors are held says so if it can; of one that just stops nobody knows why."""
    stops = at_start_of("told/hangs", lambda: checks.server.stall(True))
    try:
        held = checks.end(checks.server.host_file, "kernel/holds_all_processors", "kernel/passes_after_all_were_held")
        stopped = checks.end(checks.server.host_file, "told/hangs", "told/passes_at_the_end", scale=LONG, hook=stops)
    finally:
        checks.server.stall(False)
    told = meta.told(held)
    need(told["kernel/holds_all_processors"] in ("FAIL splat", "ERROR lost", "FAIL lost"), told)
    need(told["kernel/passes_after_all_were_held"] == "PASS", told)
    need(meta.told(stopped) == {"told/hangs": "ERROR lost", "told/passes_at_the_end": "PASS"}, meta.told(stopped))
    reason = next(one.reason for one in stopped.results if one.verdict is Verdict.ERROR)
    need(reason is not None and "hung, or the way there was cut" in reason.text, reason)


def check_cuts(checks: Checks) -> None:
    """Connections that break in the middle of a test and between tests lose nothing."""
    server = checks.server

    def unplug() -> None:
        server.cut(True)
        time.sleep(CUT_S)
        server.cut(False)

    for action in (unplug, lambda: kill_ssh(server), lambda: stop_relay(server)):
        some = ("told/hangs", "told/passes", "told/fails_an*", "told/passes_at_*")
        run = checks.end(checks.plain, *some, scale=LONG, hook=at_start_of("told/hangs", action))
        lossless(run)
        wanted = {name: TOLD.get(name, "PASS") for name in meta.told(run)}
        need(meta.told(run) == wanted and len(wanted) == 4, meta.told(run))
        checks.tidy()
    over = threading.Event()

    def again_and_again() -> None:
        while not over.wait(3.0):
            kill_ssh(server)

    try:
        many = ("told/passes", "told/measures", "told/characterises", "skips/*")
        lossless(checks.end(checks.plain, *many, hook=at_start_of("told/passes", again_and_again)))
    finally:
        over.set()


def stop_relay(server: Server) -> None:
    """The relay stands still for a while, as on a machine that is too busy."""
    server.ssh("pid=$(pgrep -o cts-relay); kill -STOP $pid; sleep 5; kill -CONT $pid")


def check_killed_runner(checks: Checks) -> None:
    """Whoever is left by its runner gives back what it took, and goes."""
    runs = checks.runs()
    runner = subprocess.Popen(
        [sys.executable, "-c", KILLED, "run", "--host", str(checks.plain), "--select", "access/bind*"],
        env={**os.environ, "IOMMU_CTS_RUNS": str(runs)}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    for one in meta.journals(runs):
        if isinstance(one, EventEntry) and one.event["ev"] == "test_start":
            runner.kill()
            break
    runner.wait()
    deadline = time.monotonic() + 12 * LINGER_S
    while True:
        try:
            return checks.tidy()
        except Wrong:
            if time.monotonic() > deadline:
                raise
        time.sleep(1)


def check_kexec(checks: Checks) -> None:
    """The kernel that runs starts the next one; a damaged one does not, and the machine is switched off and on before."""
    server = checks.server
    server.power_off()  # what earlier checks did to its kernel would be in the way
    server.power_on()
    server.wait()
    lines = [line for line in server.host_file.read_text().splitlines() if not line.startswith("kernel")]
    table = f'\n[kexec]\nappend = ["{STARTED}"]\n'
    can_cycle, can_not = server.folder / "kexec.toml", server.folder / "kexec-alone.toml"
    can_cycle.write_text("\n".join(lines) + table)
    can_not.write_text("\n".join(line for line in lines if not line.startswith("power_cycle")) + table)

    def run(file: Path) -> tuple[Run, int]:
        """What came of it, and how many kernels started."""
        before = server.console.read_text(errors="replace").count(KERNEL_STARTS)
        options = running.Options(
            str(file), select=["access/bind_group/*"], kernel=[str(server.folder / "kernel")], runs=checks.runs(), waivers=meta.NO_WAIVERS
        )
        judged = running.run(options)[1]
        return judged, server.console.read_text(errors="replace").count(KERNEL_STARTS) - before

    def need_started(file: Path, kernels: int) -> None:
        judged, started = run(file)
        need({one.verdict for one in judged.results} == {Verdict.PASS} and len(judged.results) > 3, judged.results)
        need(started == kernels, f"{started} kernels started, not {kernels}")
        need(STARTED in server.ssh("cat /proc/cmdline").stdout.decode().split(), "it was not kexec that started this kernel")

    need_started(can_not, 1)
    server.ssh(f"echo {TAINT_WARN} >/proc/sys/kernel/tainted")
    refused, started = run(can_not)
    said = "\n".join(problem.text for problem in refused.problems)
    need(not started and "not clean: the kernel that runs has had a warning" in said, f"{started} kernels started: {said}")
    need_started(can_cycle, 2)  # a cold start, and then the next kernel


def check_ordinary_user(checks: Checks) -> None:
    """What can run without being root runs."""
    file = checks.server.folder / "visitor.toml"
    file.write_text(checks.plain.read_text().replace(f'"{machine.NAME}"', f'"visitor@{machine.NAME}"').split("[[allow]]")[0])
    run = checks.runs()
    options = running.Options(str(file), select=["meta/told/passes"], device=[DEVICE], runs=run, waivers=meta.NO_WAIVERS)
    try:
        running.record(options, host.find(str(file)), checks.lab(), checks.programs.tests)
    finally:
        checks.tidy()
    said = "".join(path.read_text() for path in run.glob("*/journal.jsonl"))
    need("only root can give it to vfio-pci" in said, said[-500:])


CHECKS = (
    check_same_verdicts, check_cuts, check_killed_runner, check_ordinary_user, check_last_words, check_endings, check_hangs, check_kexec,
)  # fmt: skip


@contextlib.contextmanager
def a_server(kept: str | None) -> Iterator[Server]:
    """The server in the folder `kept`, which stays on; or one that goes at the end."""
    with tempfile.TemporaryDirectory(prefix="iommu-cts-") as folder, contextlib.ExitStack() as stack:
        if kept is None:
            yield stack.enter_context(machine.booted(Path(folder)))
        else:
            server = Server(Path(kept))
            server.power_on()
            server.wait()
            yield server


def _main() -> int:
    """With arguments: the server's folder, and names of checks."""
    names = sys.argv[2:]
    ssh.CYCLE_AFTER_S = HUNG_S
    failed = 0
    with tempfile.TemporaryDirectory(prefix="iommu-cts-") as folder, a_server(sys.argv[1] if len(sys.argv) > 1 else None) as server:
        checks = Checks(server, Path(folder))
        for check in (one for one in CHECKS if not names or one.__name__.removeprefix("check_") in names):
            start = time.monotonic()
            try:
                server.wait()
                check(checks)
                server.wait()
                checks.tidy()
                said = "ok"
            except Wrong as wrong:
                said = f"WRONG: {wrong}"
                failed += 1
            print(f"{check.__name__.removeprefix('check_'):<16} {time.monotonic() - start:6.1f} s  {said}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(entry.ending("check-ssh", _main))
