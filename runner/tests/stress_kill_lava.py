# SPDX-License-Identifier: GPL-2.0-only
"""`make check-kill OVER=lava`: kills who waits for jobs, LAVA's worker and its QEMUs at random moments.

ARGS: how many moments (default 20), and a seed, which it prints, so that the moments can be had again. In the end each test has the
verdict that it has without LAVA; of each QEMU that was killed at most one test says so.
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from lab import entry, host
from lab.binaries import TOP
from lab.lava.devices import template
from lab.lava.server import laboratory
from runner import judge
from runner import run as running
from runner.tests import check_lab
from runner.tests.check_lab import SELECT, Setting, verdicts
from runner.tests.check_ssh import need

EVERY_S = (2.0, 20.0)  # between two moments
GONE_S = (0.0, 20.0)  # the worker
END_S = 900.0
INSIDE = "--inside"  # where there is no network but a loopback


def emulators() -> list[int]:
    """The QEMUs that share our network: those that LAVA started."""
    ours = os.readlink("/proc/self/ns/net")
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            program = (process / "cmdline").read_bytes().partition(b"\0")[0]
            if os.path.basename(program).startswith(b"qemu-system-") and os.readlink(process / "ns/net") == ours:
                found.append(int(process.name))
    return found


class Moments:
    """`count` of them, over as many runs as it takes."""

    def __init__(self, here: Setting, wanted: dict[str, tuple[str, object]], count: int, rng: random.Random) -> None:
        self._here = here
        self._wanted = wanted
        self._left = count
        self._rng = rng
        self._never = threading.Event()

    def _wait(self, folder: Path) -> "subprocess.Popen[bytes]":
        env = {**os.environ, "LAVA_TOKEN": self._here.lab.token, "IOMMU_CTS_RUNS": str(self._here.runs)}
        command = [str(TOP / "iommu-cts"), "lava", "wait", folder.name]
        return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)

    def one_run(self) -> None:
        """From its jobs to its verdicts, whatever becomes of it meanwhile."""
        folder = self._here.submit(self._here.two, SELECT)
        waiter, killed = self._wait(folder), 0
        while True:
            try:
                said = waiter.communicate(timeout=self._rng.uniform(*EVERY_S) if self._left else END_S)[0].decode(errors="replace")
                break
            except subprocess.TimeoutExpired:
                need(self._left > 0, "a run that nobody disturbs any more does not end")
            running_now = emulators()
            what = self._rng.choice(["who waits", "the worker", *["a QEMU" for _ in running_now]])
            self._left -= 1
            print(f"{self._left} left: {what}", flush=True)
            if what == "who waits":
                waiter.send_signal(signal.SIGKILL)
                waiter.communicate()
                waiter = self._wait(folder)
            elif what == "the worker":
                self._here.lab.kill_worker()
                self._never.wait(self._rng.uniform(*GONE_S))
                self._here.lab.start_worker()
            else:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._rng.choice(running_now), signal.SIGKILL)
                    killed += 1
        told = verdicts(folder)
        other = {test: (word, self._wanted.get(test)) for test, word in told.items() if word != self._wanted.get(test)}
        need(told.keys() == self._wanted.keys(), sorted(told.keys() ^ self._wanted.keys()))
        need(len(other) <= killed and all(word in (("FAIL", "lost"), ("ERROR", "lost")) for word, _ in other.values()), f"{other}\n{said}")
        need(waiter.returncode in ((judge.EXIT_BROKEN, judge.EXIT_LAB) if other else (0,)), f"exit code {waiter.returncode}\n{said}")
        print(f"{folder.name}: {len(told)} verdicts, as they have to be; {len(other)} tests ended with one of {killed} QEMUs", flush=True)

    def all(self) -> None:
        while self._left:
            self.one_run()


def main() -> int:
    if INSIDE not in sys.argv:
        check_lab.prepare()
        again = [sys.executable, "-m", "runner.tests.stress_kill_lava", *sys.argv[1:], INSIDE]
        return subprocess.run([*check_lab.ALONE, *again], cwd=TOP).returncode
    arguments = [int(word) for word in sys.argv[1:] if word != INSIDE]
    count = arguments[0] if arguments else 20
    seed = arguments[1] if len(arguments) > 1 else random.randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    devices = [(f"vtd-{number}", template(host.find("vtd"))) for number in (1, 2)]
    with tempfile.TemporaryDirectory(prefix="iommu-cts-") as folder, laboratory(devices) as lab:
        plain, _ = running.run(running.Options("vtd", select=[SELECT], runs=Path(folder) / "plain"))
        Moments(Setting(lab, Path(folder)), verdicts(plain), count, random.Random(seed)).all()
    return 0


if __name__ == "__main__":
    sys.exit(entry.ending("check-kill", main))
