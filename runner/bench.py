# SPDX-License-Identifier: GPL-2.0-only
"""`iommu-cts bench`: a kernel, or two that take turns, measured in several boots of a host.

What is measured are the programs in suites/bench/. Each boot is a run like any other, in the folder of its bench. What the samples amount
to is said by results/: of one kernel by measured.py, of several by `iommu-cts compare`.
"""

import argparse
import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from lab import host as hosts
from lab import qemu
from lab.errors import LabError, UsageError
from lab.progress import say
from results import bench as kept
from results import calibration, compare_text, measured
from results.compare import compare
from results.model import Run
from results.rows import ERROR, boots_to_claim
from results.sides import load
from runner import bench_local, catalogue, judge, plan
from runner import run as running

FLAVOUR = "bench"  # lab/kernel/bench.config
POOL = ("hugepagesz=2M", "hugepages=16")  # of huge pages, for a host that has none
TESTS = ("bench/*",)
BOOTS_COUNTED = 3  # by default, where instructions are counted: they show whether boots agree
BOOTS_TIMED = 5  # by default, where time is measured: with fewer nothing can be claimed
BOOTS_MAX = 100

EXIT_CODES = """exit codes:
  0    measured, and where instructions are counted all boots agree to 0.1 % in every row
  2    wrong usage: nothing was measured
  3    boots of one kernel do not agree, or the lab or the harness failed, or a test did
  130  interrupted; what was measured is kept
"""


@dataclasses.dataclass(frozen=True)
class What:
    """What is measured, and how."""

    host: str
    select: Sequence[str] = TESTS
    all_sizes: bool = False
    timed: bool = False  # in time, though the host is virtual

    @property
    def mode(self) -> str:
        return "time" if self.timed else "instructions"

    @property
    def accel(self) -> str:
        return "tcg" if self.timed else qemu.ICOUNT

    @property
    def boots(self) -> int:
        return BOOTS_TIMED if self.timed else BOOTS_COUNTED

    @property
    def calibration_boots(self) -> int:
        """Each half has to be enough for a claim."""
        return 2 * boots_to_claim(self.mode)


def where(what: What) -> hosts.Host:
    """The host, with a kernel that is fit to be measured."""
    found = hosts.find(what.host)
    if found.target != "qemu":
        raise UsageError(
            f"host {what.host}: `bench` boots its host again and again, so it takes a virtual one (`iommu-cts hosts`), or `local`"
        )
    pool = () if any(word.startswith("hugepages=") for word in found.kernel) else POOL
    return dataclasses.replace(found, flavour=FLAVOUR, kernel=(*found.kernel, *pool))


class Side:
    """One kernel to be measured, in `folder`; `kernel` are the values of --kernel, none for the kernel that is built here. It may have
    boots already: then it is gone on with. `fit`: a kernel that is named was built here with FLAVOUR, as those without a name are."""

    def __init__(
        self, what: What, folder: Path, label: str, kernel: Sequence[str] = (), modules: str | None = None, fit: bool = False
    ) -> None:
        self.what = what
        self.folder = folder
        self._host = where(what)
        self._options = running.Options(
            what.host, what.select, kernel=kernel, modules=modules, accel=what.accel, jobs=1, runs=folder / "boots",
            all_sizes=what.all_sizes,
        )  # fmt: skip
        self._lab = running.prepare(self._host, kernel, modules)
        self._tests = catalogue.load(self._lab.programs.suites, self._lab.programs.emulator)
        if not plan.selected(self._tests, what.select)[0]:
            raise UsageError(f"--select {' '.join(what.select)}: no test has such a path (`iommu-cts list` shows them)")
        if (folder / kept.FILE).exists():
            self.bench = kept.read(folder)
            return
        folder.mkdir(parents=True, exist_ok=True)
        assert self._lab.image is not None
        self.bench = kept.Bench(
            folder.name, self._host.name, label, what.mode, "all" if what.all_sizes else "usual",
            {**self._lab.image.facts(), **({"flavour": FLAVOUR} if fit or not kernel else {})}, [],
        )  # fmt: skip
        kept.write(folder, self.bench)

    def boot(self, number: int, boots: int) -> Run:
        """Boots and measures once more, and keeps what came out. KeyboardInterrupt and LabError end the bench; what was measured before
        stays."""
        say(f"{self.bench.label}: boot {number} of {boots}")
        started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        folder, judged = running.record(self._options, self._host, self._lab, self._tests)
        why = kept.FINISHED if judged.complete else "interrupted" if judged.interrupted else "lab"
        boot = kept.Boot(str(folder.relative_to(self.folder)), why, started)
        unfit = kept.unfit((folder / "kernel.config").read_text()) if (folder / "kernel.config").exists() else []
        if unfit and not self.bench.boots:
            say(f"{self.bench.label} is no kernel to be measured: it has {', '.join(unfit)}; `iommu-cts compare` will refuse it")
        self.bench = dataclasses.replace(self.bench, boots=[*self.bench.boots, boot], unfit=unfit)
        kept.write(self.folder, self.bench)
        if judged.interrupted:
            raise KeyboardInterrupt
        if not judged.complete:
            why = "; ".join(problem.text for problem in judged.problems) or "nobody knows why"
            raise LabError(f"boot {number} of {self.bench.label} did not come to its end: {why} ({folder})")
        return judged

    @property
    def measured(self) -> int:
        """How many boots came to their end."""
        return sum(boot.why == kept.FINISHED for boot in self.bench.boots)

    def finish(self) -> None:
        """Notes that all boots were made."""
        self.bench = dataclasses.replace(self.bench, finished=True)
        kept.write(self.folder, self.bench)


def in_turns(sides: Sequence[Side], boots: int, lost: Callable[[Side, LabError], None] | None = None) -> list[Run]:
    """Measures each side in so many boots, the ones it has counted: first forwards, then backwards, so that what changes with time is the
    same for all. A side that can't be measured is told to `lost`, and the others are gone on with; without it LabError ends them all."""
    runs = []
    going = list(sides)
    for number in range(1, boots + 1):
        for side in list(going if number % 2 else reversed(going)):
            if side.measured >= number:
                continue
            try:
                runs.append(side.boot(number, boots))
            except LabError as error:
                if lost is None:
                    raise
                lost(side, error)
                going.remove(side)
    for side in going:
        side.finish()
    return runs


def _new_folder(host: str, label: str) -> Path:
    """The folder of a new bench, by time, host (which may be named by its file) and kernel."""
    base = f"{time.strftime('%Y%m%dT%H%M%S')}-{hosts.find(host).name}{label and '-' + label}"
    folders = (kept.BENCHES / (base + suffix) for suffix in ("", *(f"-{number}" for number in range(2, 1000))))
    return next(folder for folder in folders if not folder.exists())


def _calibrate(folder: Path) -> int:
    """Keeps what boots of one kernel differ by, says so, and returns how many comparisons of its halves raised an alarm."""
    found = calibration.calibrate(load(str(folder)))
    path = calibration.write(found)
    changes = sorted(row.smallest for row in found.rows)
    middle, largest, half = 100 * changes[len(changes) // 2], 100 * changes[-1], found.boots // 2
    print(f"{found.splits} comparisons of {half} with {half} boots of this kernel: {found.alarms} called a row changed")
    print(f"the smallest change that may be called one: {middle:.2f} % in half of the rows, at most {largest:.2f} %")
    print(path)
    return found.alarms


def _compare(folders: list[Path]) -> int:
    """Prints what the kernels differ by, and returns how many rows nothing can be said of."""
    compared = compare([load(str(folder)) for folder in folders], True, calibration.find)
    print(compare_text.render([(one, []) for one in compared]), end="")
    return sum(len(one.with_verdict(ERROR)) for one in compared)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Measures, prints what came out, and returns the exit code."""
    if hosts.find(arguments.host).target == "local":
        known = kept.find(arguments.add) if arguments.add else None
        if arguments.add and known is None:
            raise UsageError(f"--add {arguments.add}: no bench of that name in {kept.BENCHES}")
        return bench_local.run(arguments, known or _new_folder("local", ""), console)
    if arguments.add or arguments.device:
        raise UsageError("--add and --device are for the local host: a virtual one is started as often as it takes, with its own devices")
    what = What(arguments.host, arguments.select or TESTS, arguments.all_sizes, arguments.time)
    if arguments.calibrate and arguments.against:
        raise UsageError("--calibrate is for boots of one kernel, without --against")
    boots = arguments.boots or (what.calibration_boots if arguments.calibrate else what.boots)
    if arguments.calibrate and boots < what.calibration_boots:
        raise UsageError(f"--calibrate compares halves of the boots: it takes {what.calibration_boots} or more in {what.mode}")
    chosen = {"old": arguments.kernel, "new": arguments.against} if arguments.against else {"": arguments.kernel}
    sides = [
        Side(what, _new_folder(arguments.host, label), label or "the kernel", kernel, arguments.modules)
        for label, kernel in chosen.items()
    ]
    runs = in_turns(sides, boots)
    if arguments.against:
        wrong = _compare([side.folder for side in sides])
    else:
        wrong = measured.print_bench(load(str(sides[0].folder)), console)
    if arguments.calibrate:
        wrong += _calibrate(sides[0].folder)
    return judge.EXIT_LAB if wrong or any(judge.exit_code(judged) for judged in runs) else judge.EXIT_OK
