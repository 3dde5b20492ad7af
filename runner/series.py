# SPDX-License-Identifier: GPL-2.0-only
"""`iommu-cts series`: revisions of a kernel repository, each built, tested and measured, and compared with the first.

Everything is kept after each step in results/series/<name>, so that --resume goes on from there. What a revision does not do (build,
boot) is noted as its failure; the others are gone on with.
"""

import argparse
import dataclasses
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from lab import binaries, kernel, kgit, ksrc, toolbox
from lab import host as hosts
from lab.errors import LabError, UsageError
from lab.progress import say
from results import series as kept
from results.journal import JournalError
from results.model import Run
from results.series import Failure, Revision, Series
from runner import bench, catalogue, plan, suite
from runner import run as running

SELECT = ("access/*", "attach/*", "ioas/*")  # the promises that a change of the map path breaks first
NONE = "none"  # for --select and --bench
LINES = 4  # of a failure are kept; its log has all
HOST = "vtd"

EXIT_CODES = """exit codes:
  0    every revision was built, booted and measured, and keeps the promises that the first keeps
  1    a revision fails a test that the first does not fail
  2    wrong usage: nothing was built
  3    a revision did not build or boot, the lab or the harness failed, or rows are in ERROR
  130  interrupted; what was done is kept, and --resume goes on
"""


@dataclasses.dataclass(frozen=True)
class _Purpose:
    """What a revision is built for: the host with the kernel's configuration."""

    name: str
    where: hosts.Host


def what_of(series: Series) -> bench.What:
    """What is measured."""
    return bench.What(series.host, series.bench)


def failure(stage: str, lines: Sequence[str]) -> Failure:
    """With the first lines that say something."""
    said = [line.strip() for line in lines if line.strip()]
    return Failure(stage, "\n".join(said[:LINES]))


def outcome(judged: Run) -> Failure | None:
    """What kept a run from its end, if something did."""
    if judged.complete:
        return None
    booted = "target" in judged.environment
    return failure(kept.LAB if booted else kept.BOOT, [problem.text for problem in judged.problems])


class Work:
    """What is left to do for the series in `folder`, which is kept there after each step."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.series = kept.read(folder)
        self._where = hosts.find(self.series.host)
        self._kernels: dict[tuple[str, str], Path] = {}

    def to_the_end(self) -> None:
        """Builds, tests and measures what is not done yet. What failed before is tried again."""
        for revision in self.series.revisions:
            self._keep(dataclasses.replace(revision, failed=None))
        self._build()
        for revision in self._going():
            if self.series.select and revision.run is None:
                self._test(revision)
        self._measure()

    def _keep(self, changed: Revision) -> None:
        revisions = [changed if one.label == changed.label else one for one in self.series.revisions]
        self.series = dataclasses.replace(self.series, revisions=revisions)
        kept.write(self.folder, self.series)

    def _fail(self, revision: Revision, failed: Failure) -> None:
        say(f"{revision.name}: {kept.STAGES[failed.stage]}: {failed.text}")
        self._keep(dataclasses.replace(revision, failed=failed))

    def _going(self) -> Iterator[Revision]:
        """The revisions that nothing is in the way of, each as it is by then."""
        for at in range(len(self.series.revisions)):
            if self.series.revisions[at].failed is None:
                yield self.series.revisions[at]

    def _purposes(self, revision: Revision) -> list[_Purpose]:
        """What it has to be built for."""
        found = []
        if self.series.select and revision.run is None:
            found.append(_Purpose("test", self._where))
        if self.series.bench and not kept.is_measured(self.folder, revision):
            found.append(_Purpose("measure", bench.where(what_of(self.series))))
        return found

    def _build(self) -> None:
        repository = kgit.Repository(Path(self.series.ksrc))
        box = toolbox.obtain(self._where.machine.toolbox)
        with repository.held():
            for revision in self._going():
                source = repository.source(kgit.Revision(revision.name, revision.commit, revision.tree, revision.subject))
                try:
                    for purpose in self._purposes(revision):
                        named = dataclasses.replace(source, label=f"{source.label} to {purpose.name}")
                        built = kernel.build(box, named, purpose.where.fragments, purpose.where.machine)
                        self._kernels[revision.label, purpose.name] = built.folder
                except kernel.BuildError as error:
                    log = shutil.copy(error.log, self.folder / f"{revision.label}.log")
                    self._fail(revision, failure(kept.BUILD, [*error.lines[: LINES - 1], f"whole log: {log}"]))

    def _test(self, revision: Revision) -> None:
        say(f"{revision.name}: conformance")
        runs = self.folder / "runs" / revision.label
        options = running.Options(
            self.series.host, self.series.select, kernel=[str(self._kernels[revision.label, "test"])], runs=runs
        )
        begun = sorted(path.parent for path in runs.glob("*/journal.jsonl"))
        try:
            if not begun:
                raise UsageError("nothing to go on with")
            folder, judged = running.resume(str(begun[-1]), options)
        except (UsageError, JournalError):  # begun with something else, or its journal has no beginning
            folder, judged = running.run(options)
        if judged.interrupted:
            raise KeyboardInterrupt
        failed = outcome(judged)
        if failed:
            self._fail(revision, failed)
        else:
            self._keep(dataclasses.replace(revision, run=str(folder.relative_to(self.folder))))

    def _measure(self) -> None:
        sides: dict[Path, tuple[Revision, bench.Side]] = {}
        for revision in self._going():
            if (revision.label, "measure") in self._kernels:
                folder = kept.bench_of(self.folder, revision)
                image = str(self._kernels[revision.label, "measure"])
                sides[folder] = revision, bench.Side(what_of(self.series), folder, revision.name, [image], fit=True)

        def lost(side: bench.Side, error: LabError) -> None:
            stage = kept.LAB if side.measured else kept.BOOT
            self._fail(sides[side.folder][0], failure(stage, str(error).splitlines()))

        bench.in_turns([side for _, side in sides.values()], self.series.boots, lost)


def _patterns(words: Sequence[str], usual: Sequence[str], option: str) -> list[str]:
    """What --select or --bench says. UsageError for `none` and something else."""
    if NONE in words and len(words) > 1:
        raise UsageError(f"{option} {NONE} leaves nothing for another {option}")
    return [] if NONE in words else list(words or usual)


def _labels(names: Sequence[str]) -> list[str]:
    return [f"{number}-{re.sub(r'[^A-Za-z0-9_.+-]', '-', name)}" for number, name in enumerate(names, 1)]


def asked(arguments: argparse.Namespace) -> Series:
    """The series that the command line is for, without a name. UsageError where something of it is not there."""
    for option in ("ksrc", "revs"):
        if getattr(arguments, option) is None:
            raise UsageError(f"--{option} is missing")
    names = [name for name in arguments.revs.split(",") if name]
    if not names or len(set(names)) < len(names):
        raise UsageError(f"--revs {arguments.revs}: name one revision or several, each once, separated by commas")
    host = arguments.host or HOST
    bench.where(bench.What(host))
    repository = kgit.Repository(arguments.ksrc)
    found = [repository.find(name) for name in names]
    revisions = [
        Revision(one.name, label, one.commit, one.tree, one.subject) for label, one in zip(_labels(names), found)
    ]
    select = _patterns(arguments.select, SELECT, "--select")
    measured = _patterns(arguments.bench, bench.TESTS, "--bench")
    if not select and not measured:
        raise UsageError(f"--select {NONE} --bench {NONE}: nothing is left to do")
    boots = arguments.boots or bench.BOOTS_COUNTED
    return Series("", host, str(repository.folder), select, measured, boots, revisions)


def _check(series: Series) -> tuple[int, int]:
    """How many tests there are to run and to measure. UsageError if a pattern is for none of them, before anything takes long."""
    where = bench.where(what_of(series))
    box, source = ksrc.with_toolbox(None, where.machine.toolbox)
    programs = binaries.build(box, source, suite.label(), arch=where.machine)
    tests = catalogue.load(programs.suites, programs.emulator)
    counts = []
    for option, patterns in (("select", series.select), ("bench", series.bench)):
        for pattern in patterns:
            if not plan.selected(tests, [pattern])[0]:
                raise UsageError(f"--{option} {pattern}: no test has such a path (`iommu-cts list` shows them)")
        counts.append(len(plan.selected(tests, patterns)[0]) if patterns else 0)
    return counts[0], counts[1]


def _dry_run(series: Series) -> int:
    tests, measured = _check(series)
    where = hosts.find(series.host)
    box = toolbox.obtain(where.machine.toolbox)
    repository = kgit.Repository(Path(series.ksrc))
    purposes = [_Purpose("test", where)] if series.select else []
    purposes += [_Purpose("measure", bench.where(what_of(series)))] if series.bench else []
    for revision in series.revisions:
        source = repository.source(kgit.Revision(revision.name, revision.commit, revision.tree, revision.subject))
        states = [
            f"kernel to {purpose.name} "
            + ("is in the cache" if kernel.is_built(box, source, purpose.where.fragments, where.machine) else "is to be built")
            for purpose in purposes
        ]
        print(f"{revision.name}  {revision.commit[:12]}  {', '.join(states)}  {revision.subject}")
    if tests:
        print(f"conformance on {series.host}: {tests} tests ({' '.join(series.select)}), once for each revision")
    if measured:
        print(f"measured on {series.host}: {measured} tests ({' '.join(series.bench)}), {series.boots} boots of each revision, in turns")
    return 0


def _new_folder(series: Series) -> Path:
    """The folder of a new series, by time and host."""
    base = f"{time.strftime('%Y%m%dT%H%M%S')}-{series.host.rsplit('/', 1)[-1].removesuffix('.toml')}"
    for suffix in ("", *(f"-{number}" for number in range(2, 1000))):
        folder = kept.SERIES / (base + suffix)
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        kept.write(folder, dataclasses.replace(series, id=folder.name))
        return folder
    raise LabError(f"{kept.SERIES}: too many series in this second")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Does what is to be done, prints the table over all, and returns the exit code."""
    if arguments.resume is None:
        series = asked(arguments)
        if arguments.dry_run:
            return _dry_run(series)
        _check(series)
        folder = _new_folder(series)
    else:
        given = [name for name in ("ksrc", "revs", "host", "bench", "select", "boots", "dry_run") if getattr(arguments, name)]
        if given:
            raise UsageError(f"--{given[0].replace('_', '-')} is not for --resume, which goes on with the series as it was begun")
        folder = kept.find(arguments.resume)
    work = Work(folder)
    try:
        work.to_the_end()
    except BaseException:
        say(f"`iommu-cts series --resume {folder.name}` goes on with it")
        raise
    from results import series_table  # takes numpy with it, which is slow to load

    return series_table.show(folder, work.series, console)
