# SPDX-License-Identifier: GPL-2.0-only
"""Builds programs/meta, which end in every way on purpose, and runs them as suites of their own."""

import dataclasses
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from lab import host, kernel
from lab.binaries import TOP
from results.journal import EndEntry, Entry, EventEntry, read
from results.model import Result, Run
from runner import catalogue
from runner import run as running

GONE_S = 30.0
NO_WAIVERS = Path(os.devnull)  # what is known of the real suites is none of the programs' business
PROGRAMS = TOP / "runner/tests/programs/meta"
BUILD = (
    "mkdir -p /mnt/out/meta; cd /mnt/src/runner/tests/programs/meta;"
    " for name; do gcc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -static -Wl,--wrap=ioctl -I/mnt/src/lib -isystem /mnt/khdr/include"
    ' -isystem /mnt/ksrc/tools/testing/selftests "$name.c" /mnt/out/suites/.lib/libcts.a -lnuma -o "/mnt/out/meta/$name" || exit 1; done'
)


@dataclasses.dataclass(frozen=True)
class Meta:
    """The programs as a suite."""

    lab: running.Lab
    tests: Sequence[catalogue.Test]

    def run(self, runs: Path, *select: str, scale: float = 1.0, hook: Callable[[Path], None] | None = None) -> Run:
        """Runs those that are selected; `hook` is called with `runs` in a thread of its own."""
        options = running.Options("vtd", select=select, runs=runs, timeout_scale=scale, waivers=NO_WAIVERS)
        if hook:
            threading.Thread(target=hook, args=(runs,), daemon=True).start()
        return running.record(options, host.find("vtd"), self.lab, self.tests)[1]


def build() -> Meta:
    """Builds them against the default kernel's headers, and the kernel if it is not there."""
    lab = running.prepare(host.find("vtd"), [], None)
    names = sorted(path.stem for path in PROGRAMS.glob("*.c"))
    where = {"src": TOP, "ksrc": lab.source.tree, "khdr": kernel.headers(lab.box, lab.source)}
    lab.box.run("building programs/meta", ["sh", "-c", BUILD, "sh", *names], binds={"out": lab.programs.folder}, readonly=where)
    programs = {f"meta/{name}": lab.programs.folder / "meta" / name for name in names}
    mine = dataclasses.replace(lab, programs=dataclasses.replace(lab.programs, suites=programs))
    return Meta(mine, catalogue.load_tests(programs))


def told(run: Run) -> Mapping[str, str]:
    """Verdict and reason code of each test, by its name."""
    return {name(result): f"{result.verdict.value} {result.reason.code if result.reason else ''}".strip() for result in run.results}


def name(result: Result) -> str:
    return result.path.split("/", 1)[1]


def emulators(folder: Path, machine: int | None = None) -> list[int]:
    """The process ids of the QEMUs of the runs in `folder`, or of one machine."""
    parents: dict[int, int] = {}
    commands: dict[int, bytes] = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            stat = (process / "stat").read_text()
            commands[int(process.name)] = (process / "cmdline").read_bytes()
        except OSError:
            continue
        parents[int(process.name)] = int(stat.rpartition(")")[2].split()[1])
    mine = {pid for pid, command in commands.items() if command.startswith(b"bwrap\0") and str(folder).encode() in command}
    for _ in range(4):  # bubblewrap's own processes, the shell that becomes QEMU
        mine |= {pid for pid, parent in parents.items() if parent in mine}
    console = b"console-" + (b"%d.log" % machine if machine else b"")
    return [pid for pid in mine if commands[pid].startswith(b"qemu-system-") and console in commands[pid]]


def wait_until_gone(folder: Path) -> None:
    """No QEMU may outlive its runner; the kernel takes a moment to end it."""
    deadline = time.monotonic() + GONE_S
    while left := emulators(folder):
        assert time.monotonic() < deadline, f"QEMU {left} was left behind"
        time.sleep(0.05)


def journals(runs: Path) -> Iterator[Entry]:
    """What the first run in `runs` writes to its journal, as it comes, up to its end."""
    never, seen = threading.Event(), 0
    while True:
        for path in runs.glob("*/journal.jsonl"):
            entries = read(path).entries
            yield from entries[seen:]
            seen = len(entries)
            if entries and isinstance(entries[-1], EndEntry):
                return
        never.wait(0.1)


def kill_emulator_of(test: str) -> Callable[[Path], None]:
    """A hook: kills QEMU once `test` has started."""

    def watch(runs: Path) -> None:
        for entry in journals(runs):
            if isinstance(entry, EventEntry) and entry.event["ev"] == "test_start" and entry.event["id"] == test:
                for pid in emulators(runs, entry.machine):
                    os.kill(pid, signal.SIGKILL)

    return watch
