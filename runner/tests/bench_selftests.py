# SPDX-License-Identifier: GPL-2.0-only
"""Tests a second of this suite, and of the kernel's own selftests in the same kind of guest. `make bench-selftests` runs it.

The kernel's iommufd test runs on its mock device and touches no other; so ours are counted apart, those that need a device and those
that don't.
"""

import dataclasses
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from lab import entry, host, kernel, qemu, scratch
from lab.binaries import SELFTESTS
from lab.errors import LabError
from lab.progress import Step
from results.journal import Writer
from results.model import Result, Verdict
from runner import run as running
from runner.session import Session
from runner.targets.qemu import QemuTarget

HOST = "vtd"
PROGRAM = "iommufd"
SUBJECTS = ("abi", "hwpt", "ioas", "dirty", "fault", "nesting")  # what theirs is about
BUILD = (
    "cd /mnt/ksrc/{tests}/iommu && "
    "gcc -D_GNU_SOURCE= -O2 -w -static -isystem /mnt/khdr/include -I.. -o /mnt/out/{name} {name}.c -lcap -lpthread"
)
# The harness says a line or two of each test, more than cts-exec passes on.
RUN = "/suites/{name} > /out; grep -E '^# Totals' /out"


def _theirs(lab: running.Lab, where: host.Host, folder: Path) -> tuple[str, int, float]:
    """Runs the kernel's test in a guest: its totals, how many tests ran, and how long that took, in seconds."""
    assert lab.image is not None
    headers = kernel.headers(lab.box, lab.source)
    with Step(f"the kernel's {PROGRAM} test"):
        command = BUILD.format(tests=SELFTESTS, name=PROGRAM)
        mounts = {"ksrc": lab.source.tree, "khdr": headers}
        lab.box.run(f"building the kernel's {PROGRAM} test", ["sh", "-c", command], binds={"out": folder}, readonly=mounts)
        programs = dataclasses.replace(lab.programs, suites={PROGRAM: folder / PROGRAM})
        qemu.make_ramdisk(lab.box, where, lab.image, programs, folder)
        machine = qemu.Machine(lab.box, where, lab.image, folder, folder / "console.log", "tcg")
        with Writer(folder / "journal.jsonl") as journal:
            session = Session(QemuTarget(machine), journal)
            try:
                session.boot()
                begun = time.monotonic()
                totals = session.command(["/bin/sh", "-c", RUN.format(name=PROGRAM)])
                seconds = time.monotonic() - begun
            finally:
                session.kill()
    found = {word: int(number) for word, number in re.findall(r"(\w+):(\d+)", totals)}
    if not found:
        raise LabError(f"the kernel's {PROGRAM} test said nothing of what it did: {totals}")
    return totals.strip().removeprefix("# Totals: "), sum(found.values()) - found.get("skip", 0), seconds


def _ours(results: Sequence[Result]) -> tuple[int, float]:
    """How many tests ran, and how long, in seconds of the guest."""
    ran = [result for result in results if result.duration_ns is not None and result.verdict is not Verdict.SKIP]
    return len(ran), sum(result.duration_ns or 0 for result in ran) / 1e9


def _print(what: str, tests: int, seconds: float, more: str = "") -> None:
    print(f"{what:<34} {tests:5d} tests  {seconds:7.1f} s  {tests / seconds:5.1f} a second  {more}".rstrip())


def main() -> int:
    """Prints the rates; ours are of one guest alone."""
    where = host.find(HOST)
    lab = running.prepare(where, [], None)
    with scratch.folder() as folder:
        totals, tests, seconds = _theirs(lab, where, folder)
    _, judged = running.run(running.Options(HOST, SUBJECTS, jobs=1))
    _print(f"the kernel's {PROGRAM}", tests, seconds, totals)
    _print("ours, without a device", *_ours([result for result in judged.results if result.device is None]))
    _print("ours, with a device", *_ours([result for result in judged.results if result.device is not None]))
    return 0


if __name__ == "__main__":
    sys.exit(entry.ending("make bench-selftests", main, running.FAULTS))
