# SPDX-License-Identifier: GPL-2.0-only
"""`make check-kill`: kills the runner, and then QEMU, at random moments, and looks at what is left.

ARGS: how often each (default 50), and a seed. Prints the seed, so that the moments can be had again.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

from lab import entry, scratch
from lab.binaries import TOP
from results import report
from results.journal import PlanEntry, read
from results.model import Verdict
from runner import judge
from runner.tests import meta

COMMAND = str(TOP / "iommu-cts")
SELECT = ("--select", "access/bind_*")
LONGEST_S = 15.0  # a run of these takes about as long


def start(*words: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([COMMAND, "run", *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)


def folders(runs: Path) -> set[Path]:
    return set(runs.glob("*"))


def passes(folder: Path, process: "subprocess.Popen[bytes]") -> None:
    said = process.communicate()[1].decode()
    assert process.returncode == 0, f"{folder}: exit code {process.returncode}:\n{said}"


def kill_the_runner(moment: float, runs: Path) -> str:
    before = folders(runs)
    with start(*SELECT) as process:
        try:
            process.wait(moment)
            return "it was over"
        except subprocess.TimeoutExpired:
            process.kill()
        assert process.stderr
        process.stderr.close()
    meta.wait_until_gone(runs)
    new = [folder for folder in folders(runs) - before if (folder / "journal.jsonl").exists()]
    if not new:
        return "before its journal was there"
    seen = read(new[0] / "journal.jsonl")
    planned = any(isinstance(entry, PlanEntry) for entry in seen.entries)
    with start("--resume", new[0].name) as process:
        if seen.entries:
            passes(new[0], process)
        else:
            assert process.wait() == entry.EXIT_USAGE, "a journal without a line can't be gone on with"
    return "in its midst" if planned else "before its plan was there"


def kill_the_emulator(moment: float, runs: Path) -> str:
    before = folders(runs)
    with start(*SELECT) as process:
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            pass
        killed = meta.emulators(runs)
        for pid in killed:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        said = process.communicate()[1].decode()
    meta.wait_until_gone(runs)
    (folder,) = folders(runs) - before
    judged = report.write_all(folder, None, date.today())
    errors = [result for result in judged.results if result.verdict is Verdict.ERROR]
    assert all(result.verdict in (Verdict.PASS, Verdict.ERROR) for result in judged.results), said
    assert len(errors) <= len(killed) and all(one.reason and "emulator died" in one.reason.text for one in errors), said
    assert process.returncode in (0, judge.EXIT_LAB), said
    return f"{len(killed)} killed, {len(errors)} tests ended with it"


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
    runs = Path(tempfile.mkdtemp(prefix="iommu-cts-kill-"))  # no other's QEMU is killed; kept if something is wrong
    os.environ["IOMMU_CTS_RUNS"] = str(runs)
    print(f"seed {seed}, runs in {runs}", flush=True)
    rng = random.Random(seed)
    for kill in (kill_the_runner, kill_the_emulator):
        for number in range(1, count + 1):
            moment = rng.uniform(0.1, LONGEST_S)
            print(f"{kill.__name__} {number}/{count} after {moment:.2f} s: {kill(moment, runs)}", flush=True)
    left = scratch.dead()
    assert not left, f"folders were left behind: {left}"
    shutil.rmtree(runs)


if __name__ == "__main__":
    main()
