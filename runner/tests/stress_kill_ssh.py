# SPDX-License-Identifier: GPL-2.0-only
"""`make check-kill OVER=ssh`: kills runners, connections, the relay and the machine at random moments of runs over ssh.

ARGS: how many moments (default 50), a seed, and the folder of a server that stays on. Prints the seed, so that the moments can be had
again. In the end each test has the verdict that it has on a virtual host, once; of each time that the machine went down at most one test
says so.
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path

from lab import entry
from lab.binaries import TOP
from results import report
from results.journal import GapEntry, LostEntry, NoiseEntry, read
from runner import run as running
from runner.tests import check_ssh, meta
from runner.tests.check_ssh import DEVICE, Checks, kill_ssh, need, stop_relay

SELECT = "access/bind*"
EVERY_S = (0.5, 12.0)  # between two moments
CUT_S = (1.0, 40.0)  # up to beyond what ssh needs to notice
RUN_S = 900.0


class Moments:
    """`count` of them, over as many runs as it takes."""

    def __init__(self, checks: Checks, count: int, rng: random.Random) -> None:
        self._checks = checks
        self._rng = rng
        self._left = count
        self._never = threading.Event()
        self._runs = Path()
        self._downs = 0
        judged = running.run(running.Options("vtd", select=[SELECT], runs=checks.runs(), waivers=meta.NO_WAIVERS))[1]
        self._wanted = {one.id: one.verdict.value for one in judged.results}

    def _start(self, *words: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [str(TOP / "iommu-cts"), "run", *words], env={**os.environ, "IOMMU_CTS_RUNS": str(self._runs)},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    def _cut(self) -> None:
        self._checks.server.cut(True)
        self._never.wait(self._rng.uniform(*CUT_S))
        self._checks.server.cut(False)

    def _reset(self) -> None:
        self._downs += 1
        self._checks.server.reset()

    def _again(self, killed: "subprocess.Popen[bytes]") -> "subprocess.Popen[bytes]":
        """A runner in place of one that is killed here."""
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        if not any(path.stat().st_size for path in self._runs.glob("*/journal.jsonl")):
            return self._start("--host", str(self._checks.plain), "--select", SELECT)
        return self._start("--resume", next(self._runs.glob("*")).name)

    def one_run(self) -> None:
        """From its start to its end, whatever becomes of it meanwhile."""
        self._runs, self._downs = self._checks.runs(), 0
        actions: list[Callable[[], None]] = [
            self._cut, lambda: kill_ssh(self._checks.server), lambda: stop_relay(self._checks.server), self._reset,
        ]  # fmt: skip
        runner = self._start("--host", str(self._checks.plain), "--select", SELECT)
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                runner.wait(self._rng.uniform(*EVERY_S) if self._left else RUN_S)
            if runner.poll() is not None:
                said = runner.communicate()[1].decode(errors="replace")
                if "can't be reached" not in said or "`iommu-cts run --resume" not in said:
                    break
                # It says what to do where a machine is away that was not there before.
                self._checks.server.wait()
                runner = self._start("--resume", next(self._runs.glob("*")).name)
                continue
            need(self._left > 0, "a run that nobody disturbs any more does not end")
            self._left -= 1
            if self._rng.random() < 1 / (len(actions) + 1):
                print(f"{self._left} left: the runner", flush=True)
                runner = self._again(runner)
                continue
            number = self._rng.randrange(len(actions))
            print(f"{self._left} left: {('the cable', 'ssh', 'the relay', 'the machine')[number]}", flush=True)
            actions[number]()
        self._look(runner.returncode, said)

    def _look(self, code: int, said: str) -> None:
        (folder,) = self._runs.glob("*")
        seen = read(folder / "journal.jsonl").entries
        judged = report.judged(folder, running.existing(meta.NO_WAIVERS), date.today(), [])
        bad = [one for one in seen if isinstance(one, (GapEntry, NoiseEntry))]
        need(not bad, bad)
        told = {one.id: one.verdict.value for one in judged.results}
        down = {one.id for one in judged.results if one.verdict.value == "FAIL" and one.reason and one.reason.code in ("lost", "splat")}
        need(len(down) <= self._downs, f"{len(down)} tests are said to have taken the machine down, and it went down {self._downs} times")
        other = {test: (verdict, self._wanted.get(test)) for test, verdict in told.items() if verdict != self._wanted.get(test)}
        need(set(other) == down and told.keys() == self._wanted.keys(), f"{other}\n{code}\n{said}")
        lost = [one.why for one in seen if isinstance(one, LostEntry)]
        print(f"{folder.name}: {len(told)} verdicts, as they have to be; {self._downs} times down, lost {lost}", flush=True)
        self._checks.server.wait()
        self._checks.tidy()

    def all(self) -> None:
        while self._left:
            self.one_run()


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
    print(f"seed {seed}, device {DEVICE}", flush=True)
    with tempfile.TemporaryDirectory(prefix="iommu-cts-") as folder, check_ssh.a_server(sys.argv[3] if len(sys.argv) > 3 else None) as one:
        Moments(Checks(one, Path(folder)), count, random.Random(seed)).all()
    return 0


if __name__ == "__main__":
    sys.exit(entry.ending("check-kill", main))
