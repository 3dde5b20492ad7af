# SPDX-License-Identifier: GPL-2.0-only
"""What `git bisect run` calls for each revision that it has checked out: python3 -m runner.bisect_step FOLDER of the bisection."""

import dataclasses
import json
import sys
from pathlib import Path

from lab import entry, kgit
from lab.progress import say
from runner import question
from runner import run as running

STEPS = "steps.jsonl"
CODES = {question.GOOD: 0, question.BAD: 1, question.SKIP: 125}
ABORT = 128  # from here on git bisect does not go on


@dataclasses.dataclass(frozen=True)
class Step:
    """A revision that was tried."""

    commit: str
    subject: str
    answer: str
    shown: str


def note(folder: Path, step: Step) -> None:
    """Keeps what a revision answered."""
    with (folder / STEPS).open("a") as stream:
        stream.write(json.dumps(dataclasses.asdict(step)) + "\n")


def steps(folder: Path) -> list[Step]:
    """What was kept, in order."""
    return [Step(**json.loads(line)) for line in (folder / STEPS).read_text().splitlines()]


def step(folder: Path) -> int:
    """Asks the revision that is checked out, and returns what git is told."""
    plan = question.read(folder)
    repository = kgit.Repository(Path(plan.question.ksrc))
    revision = repository.find(repository.git("rev-parse", "HEAD"))
    revision = dataclasses.replace(revision, name=revision.commit[:12])
    say(f"{revision.name} {revision.subject}")
    seen = question.ask(plan.question, repository, revision, folder)
    answer = question.answer(plan, seen)
    shown = question.shown(plan.question, plan.good, seen)
    note(folder, Step(revision.commit, revision.subject, answer, shown))
    say(f"{revision.name} is {answer}: {shown}")
    return CODES[answer]


def main() -> int:
    """What git is told; ABORT and more if it is the lab that failed."""
    code = entry.ending("iommu-cts bisect", lambda: step(Path(sys.argv[1])), running.FAULTS)
    return ABORT + code if code in (entry.EXIT_USAGE, entry.EXIT_LAB) else code


if __name__ == "__main__":
    sys.exit(main())
