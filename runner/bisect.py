# SPDX-License-Identifier: GPL-2.0-only
"""`iommu-cts bisect`: the first commit with which a test says something else, or a row of a measurement changes.

`git bisect run` works in the tree of our own (lab/kgit.py), where its state is kept too.
"""

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lab import binaries, kgit, ksrc
from lab.errors import LabError, UsageError
from lab.progress import say
from results import series
from results.text import printable
from runner import bisect_step, catalogue, judge, plan, question, suite
from runner import run as running
from runner.question import Plan, Question, Seen

KEPT = series.SERIES.with_name("bisect")
NOTHING = 1

EXIT_CODES = """exit codes:
  0    the first bad commit was found
  1    there is nothing to find: the bad revision says what the good one says
  2    wrong usage: nothing was built
  3    it was not found: only commits are left that say nothing, the good or the bad one says nothing, or the lab failed
  130  interrupted; kernels that were built are not built again
"""


def threshold(text: str) -> float:
    """2% as a part of 1; -2% is for what gets less."""
    found = re.fullmatch(r"([+-]?\d+(\.\d+)?) ?%?", text)
    value = float(found[1]) / 100 if found else 0.0
    if not value:
        raise argparse.ArgumentTypeError(f"{text!r} is no threshold such as 2%, or -2% for what gets less")
    return value


def _asked(arguments: argparse.Namespace, repository: kgit.Repository) -> Question:
    """UsageError where it makes no sense, before anything is built but the suites."""
    if (arguments.row is None) != (arguments.threshold is None):
        raise UsageError("--row and --threshold go together: how much may the row change?")
    asked = Question(str(repository.folder), arguments.host, arguments.test or "", arguments.row or "", arguments.threshold or 0.0)
    where = asked.where
    if where.target != "qemu":
        raise UsageError(f"host {asked.host}: `bisect` boots its host again and again, so it takes a virtual one (`iommu-cts hosts`)")
    box, source = ksrc.with_toolbox(None, where.machine.toolbox)
    programs = binaries.build(box, source, suite.label(), arch=where.machine)
    if not plan.selected(catalogue.load(programs.suites, programs.emulator), [asked.select])[0]:
        raise UsageError(f"no test has such a path as {asked.select} (`iommu-cts list` shows them)")
    return asked


def _first(asked: Question, repository: kgit.Repository, good: kgit.Revision, bad: kgit.Revision, folder: Path) -> Plan | None:
    """Asks both ends; None if they say the same. LabError if one says nothing."""
    seen: list[Seen] = []
    for name, revision in ((question.GOOD, good), (question.BAD, bad)):
        say(f"{name}: {revision.name}, {revision.subject}")
        seen.append(question.ask(asked, repository, revision, folder))
        if seen[-1].nothing:
            raise LabError(f"the {name} revision {revision.name} says nothing: {seen[-1].nothing}")
    made = Plan(asked, *seen)
    question.write(folder, made)
    for name, revision, one in zip((question.GOOD, question.BAD), (good, bad), seen):
        shown = question.shown(asked, seen[0], one)
        bisect_step.note(folder, bisect_step.Step(revision.commit, revision.subject, name, shown))
    differ = seen[0].verdict != seen[1].verdict if asked.test else question.answer(made, seen[1]) == question.BAD
    if differ:
        return made
    print(f"nothing to find: {bad.name} says {question.shown(asked, seen[0], seen[1])}; {good.name} "
          + (seen[0].verdict if asked.test else f"is not exceeded by {100 * asked.threshold:g} % in all rows"))
    return None


def _to_its_end(argv: list[str], own: dict[str, str]) -> int:
    """Runs a command and all that it starts, and returns its exit code. What ends us ends them, in their own time: a host is switched off,
    and what was seen is kept."""
    with running.interruptible(), subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace", env=own, process_group=0
    ) as process:
        assert process.stdout
        try:
            for line in process.stdout:
                print(line, end="", file=sys.stderr, flush=True)
        except KeyboardInterrupt:
            os.killpg(process.pid, signal.SIGINT)
            process.stdout.read()
            raise
    return process.returncode


def _search(repository: kgit.Repository, good: kgit.Revision, bad: kgit.Revision, folder: Path) -> str:
    """Lets git search, and returns its log. LabError if a step ended it."""
    repository.check_out(bad)
    repository.git("bisect", "reset", "HEAD")  # that of one who was killed
    try:
        repository.git("bisect", "start", bad.commit, good.commit)
        own = {**kgit.environment(), "PYTHONPATH": str(suite.TOP)}
        argv = [sys.executable, "-P", "-m", "runner.bisect_step", str(folder.absolute())]
        code = _to_its_end(["git", "-C", str(repository.tree), "bisect", "run", *argv], own)
        log = repository.git("bisect", "log")
        if code and "skipped commits left" not in log:
            raise LabError("the bisection did not come to its end; its last lines say why")
        return log
    finally:
        with contextlib.suppress(LabError):
            repository.git("bisect", "reset", "HEAD")


def _show(folder: Path, log: str, repository: kgit.Repository, console: Console) -> int:
    """Prints the commit and what every revision said; returns the exit code."""
    table = Table(box=None, header_style="bold")
    for heading in ("commit", "is", "what it said", "subject"):
        table.add_column(heading, overflow="fold")
    for step in bisect_step.steps(folder):
        table.add_row(step.commit[:12], step.answer, Text(printable(step.shown)), Text(printable(step.subject)))
    console.print(table)
    found = re.findall(r"^# first bad commit: \[(\w+)\]", log, re.MULTILINE)
    if found:
        first = repository.find(found[-1])
        print(f"first bad commit: {first.commit} {printable(first.subject)}")
        return 0
    possible = re.findall(r"^# possible first bad commit: \[(\w+)\]", log, re.MULTILINE)
    print(f"the first bad commit is one of these {len(possible)}, of which all but the last say nothing:")
    for commit in reversed(possible):
        print(f"  {commit} {printable(repository.find(commit).subject)}")
    return judge.EXIT_LAB


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Searches, prints what was found, and returns the exit code."""
    repository = kgit.Repository(arguments.ksrc)
    good, bad = repository.find(arguments.good), repository.find(arguments.bad)
    if not repository.count(good.commit, bad.commit):
        raise UsageError(f"no commit leads from {good.name} to {bad.name}; are they the other way round?")
    asked = _asked(arguments, repository)
    folder = KEPT / f"{time.strftime('%Y%m%dT%H%M%S')}-{arguments.host.rsplit('/', 1)[-1].removesuffix('.toml')}"
    folder.mkdir(parents=True)
    with repository.held():
        if _first(asked, repository, good, bad, folder) is None:
            return NOTHING
        log = _search(repository, good, bad, folder)
    (folder / "bisect.log").write_text(log + "\n")
    return _show(folder, log, repository, console)
