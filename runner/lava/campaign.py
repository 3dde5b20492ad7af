# SPDX-License-Identifier: GPL-2.0-only
"""A run as jobs: one after the other for each share of the plan, as long as something of it is left.

All that is known of the jobs stands in the run's journal and its recipe. So whoever has the run's folder can go on with it, wherever the
jobs were submitted from; and a job that was about to be submitted is looked for by its name before it is submitted again.
"""

import dataclasses
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.progress import Step, say
from results.block import Block
from results.journal import JobEntry, PlanEntry, ResumeEntry, RunEntry, Writer, read
from results.text import one_line, printable
from runner.collect import collect
from runner.lava import log, recipe
from runner.lava.replay import END, INVENTORY, OTHER_INVENTORY, item, play
from runner.lava.server import Job, Service, Unreachable
from runner.lava.target import SLACK_S, JobTarget
from runner.lava.transfer import LOG_MAX
from runner.lava.visits import Visit, Visits
from runner.run import environment_of
from runner.session import TEST_ATTEMPTS, Inventory

POLL_S = 3.0
POLL_MAX_S = 60.0  # of a job that can't be looked at
TICK_S = 0.5
FETCH_S = 300.0  # for one look at all jobs and their logs
SCRATCH = "/tmp"
DOUBTS_MAX = 10  # jobs
NOT_BELIEVED = "what comes from there can't be believed"
UNREAD = frozenset({"event", "noise"})  # kinds of entries that say nothing of jobs, and are nearly all of a journal


def _wrong(size: int, said: log.Outcome) -> str:
    """What is wrong with a log of so many bytes."""
    if size >= LOG_MAX:
        return f"of its log only the first {LOG_MAX >> 20} MiB were read"
    if not size:
        return "it has no log"
    return "its log has no end" if said.kind is None else ""


@dataclasses.dataclass
class Share:
    """The tests of one device, and how far they are: `next` is the first that is not over, `tries` the jobs that did not get to it,
    `doubts` the last jobs in a row of which not even the first test can be believed.

    `name` and `id` are those of the job that is begun and not read. `closed` says that no more will be submitted.
    """

    number: int
    next: int = 0
    tries: int = 0
    doubts: int = 0
    jobs: int = 0
    name: str | None = None
    id: str | None = None
    closed: bool = False
    hung: bool = False
    # Of the job that runs: how many lines of its log have been seen, when the last came (monotonic), whether cts-exec has said hello, how
    # long the test that runs may take (seconds), and tests that ended.
    lines: int = 0
    heard: float = 0.0
    begun: bool = False
    allowed: float = 0.0
    ended: int = 0
    # When the job is looked at next (monotonic), and how long after that again.
    due: float = 0.0
    pause: float = POLL_S

    @property
    def hopeless(self) -> bool:
        """Would another job come to nothing, too?"""
        return self.tries >= TEST_ATTEMPTS or self.doubts >= DOUBTS_MAX

    def open(self) -> None:
        """Gives it another chance."""
        self.tries = self.doubts = 0
        self.closed = False


class Campaign:
    """One run in its folder, which this process alone works on. `journal` is open for that. What takes long is done in a `turn`."""

    def __init__(
        self, folder: Path, journal: Writer, service: Service, turn: Callable[[], AbstractContextManager[None]] = nullcontext
    ) -> None:
        self.folder = folder
        self.recipe = recipe.read(folder)
        self._journal = journal
        self._service = service
        self._turn = turn
        self._touched = False
        self._visits = Visits(service, folder)
        self._waits = False  # is what can't be had now tried again?
        self._said: set[str] = set()
        self._submit_at = 0.0  # monotonic: not before
        self.faults: dict[int, LabError] = {}  # why the jobs of shares could not be looked at, or submitted
        self.surprised = False  # by a device with another inventory
        kept = read(folder / "journal.jsonl", UNREAD)
        seen = collect(kept)
        self._boots = seen.boots
        self._planned = {test.id: test for test in seen.plan}
        self._run = next((entry.id for entry in kept.entries if isinstance(entry, RunEntry)), folder.name)
        self._had_end = seen.end is not None
        self.ended = seen.end is not None and seen.end.why == "finished"
        self.shares = [Share(number) for number in range(1, len(self.recipe.parts) + 1)]
        assert any(isinstance(entry, PlanEntry) for entry in kept.entries)
        for entry in kept.entries:
            if isinstance(entry, JobEntry) and 1 <= entry.machine <= len(self.shares):
                self._recall(self.shares[entry.machine - 1], entry)
            elif isinstance(entry, ResumeEntry):
                for share in self.shares:
                    share.open()

    @staticmethod
    def _recall(share: Share, entry: JobEntry) -> None:
        share.next, share.tries, share.doubts = entry.next, entry.tries, entry.doubts
        if entry.action == "begun":
            share.jobs += 1
            share.name, share.id, share.hung = entry.name, None, False
        elif entry.action == "submitted":
            share.id = entry.id
        elif entry.action == "hung":
            share.hung = True
        else:
            share.name = share.id = None
            share.closed = entry.health == "Canceled" and not share.hung or share.hopeless

    def _left(self, share: Share) -> list[dict[str, Any]]:
        return self.recipe.parts[share.number - 1].tests[share.next :]

    def _plan(self, share: Share) -> list[dict[str, Any]]:
        return [INVENTORY, *self.recipe.before, INVENTORY, *self._left(share), END]

    def _write(self, share: Share, action: str) -> None:
        self._go_on()
        self._journal.write("job", action=action, **self._facts(share))

    def _go_on(self) -> None:
        """Before the first entry of this process."""
        if not self._touched:
            self._touched = True
            self._journal.resume(command=sys.argv)

    @staticmethod
    def _facts(share: Share) -> dict[str, Any]:
        return {
            "machine": share.number, "name": share.name, "id": share.id, "next": share.next, "tries": share.tries, "doubts": share.doubts,
        }  # fmt: skip

    @property
    def pending(self) -> list[Share]:
        """The shares with a job that is not read."""
        return [share for share in self.shares if share.name is not None]

    @property
    def done(self) -> bool:
        """Is nothing left to run?"""
        return not any(self._left(share) for share in self.shares)

    def reopen(self) -> None:
        """Lets shares go on that were given up, or whose job was cancelled."""
        for share in self.shares:
            if share.closed and self._left(share):
                self._go_on()
                share.open()

    def submit(self) -> None:
        """Sees to it that each share of which something is left has a job. LabError if the server does not take it."""
        for share in self.shares:
            if share.name is None and not share.closed and self._left(share):
                share.jobs += 1
                share.name = f"{self._run} {share.number}.{share.jobs}"
                share.hung, share.lines, share.ended, share.begun = False, 0, 0, False
                self._write(share, "begun")
                self._submit(share)
            elif share.name is not None and share.id is None:
                share.id = self._service.find(share.name)
                self._write(share, "submitted") if share.id else self._submit(share)

    def _submit(self, share: Share) -> None:
        assert share.name is not None
        where, plan = self.recipe.where, self._plan(share)
        programs = Path(where.publish) / self.recipe.programs if self.recipe.programs else None
        url = recipe.publish(where, f"{share.name.replace(' ', '-')}.tar.gz", recipe.archive(plan, programs))
        metadata = {"iommu-cts": self._run, "share": f"{share.number}/{len(self.shares)}"}
        share.id = self._service.submit(share.name, recipe.definition(self.recipe, share.name, plan, url, metadata))
        self._write(share, "submitted")
        say(f"job {share.id}: {len(self._left(share))} tests")

    def fetch(self) -> None:
        """Looks at each job once, reads those that are over, each as soon as its log is here, and submits what they leave. What kept it
        from that is in `faults`."""
        end = time.monotonic() + FETCH_S
        self._begin()
        while self._visits.underway:
            found = self._visits.next(end - time.monotonic())
            if found is None:
                for number in self._visits.underway:
                    self.faults[number] = Unreachable(f"its server had {FETCH_S:.0f} s, and is left to itself")
                break
            self._visited(*found)
            self._submit_in_time()
        self._submit_in_time()

    def _begin(self) -> None:
        """Begins to look at the jobs that it is time for."""
        now = time.monotonic()
        for share in self.pending:
            if share.id is not None and share.due <= now and share.number not in self.faults:
                self._visits.begin(share.number, share.id, share.lines if self._waits else None)

    def _visited(self, number: int, visit: Visit) -> None:
        """Does what a look at the job of a share gives cause for."""
        share = self.shares[number - 1]
        if visit.fault is not None:
            self._failed(share, visit.fault)
            return
        assert visit.job is not None
        share.pause = POLL_S
        share.due = time.monotonic() + share.pause
        if visit.log is not None:
            with self._turn():
                self._read(share, visit.job, visit.log)
        else:
            self._listen(share, visit.job, visit.more)

    def _failed(self, share: Share, fault: Exception) -> None:
        """Notes why a job could not be looked at. What may pass keeps nobody from looking again, later and later."""
        if not isinstance(fault, LabError):
            raise fault
        if not isinstance(fault, Unreachable) or not self._waits:
            self.faults[share.number] = fault
            return
        share.pause = min(2 * share.pause, POLL_MAX_S)
        share.due = time.monotonic() + share.pause
        self._trouble(fault)

    def _trouble(self, fault: LabError) -> None:
        """Says once what is tried again."""
        if str(fault) not in self._said:
            self._said.add(str(fault))
            say(f"{fault}; the jobs go on, trying again")

    def _submit_in_time(self) -> None:
        """Submits what there is to submit, if the server takes it."""
        if time.monotonic() < self._submit_at:
            return
        try:
            self.submit()
        except Unreachable as error:
            self._submit_at = time.monotonic() + POLL_MAX_S
            if not self._waits:
                self.faults[0] = error
            self._trouble(error)

    def _listen(self, share: Share, job: Job, more: bytes) -> None:
        """Ends a job whose target has fallen silent for longer than any of its tests may take."""
        now = time.monotonic()
        if more:
            share.lines += more.count(b"\n")
            share.ended += log.tests_ended(more)
            share.heard = now
            share.begun = share.begun or log.HELLO.encode() in more
            running = log.last_started(more)
            deadlines = {operation["id"]: operation["timeout_ms"] / 1000 for operation in self._left(share)}
            share.allowed = deadlines.get(running or "", share.allowed)
        # Until it says hello LAVA knows better how long to wait.
        if share.begun and not share.hung and now - share.heard > share.allowed + SLACK_S:
            say(f"job {job.id}: nothing more comes from {job.device}; ending it")
            share.hung = True
            self._write(share, "hung")
            try:
                self._service.cancel(job.id)
            except Unreachable as error:
                share.hung = False
                self._failed(share, error)

    def _read(self, share: Share, job: Job, path: Path) -> None:
        """Takes what a job that is over has to tell into the journal."""
        left = self._left(share)
        items = [item(self._planned[line["id"]], line) for line in left]
        size = path.stat().st_size
        with path.open("rb") as raw:
            target = JobTarget(
                raw, self._plan(share), SCRATCH, job.health, share.hung, self.recipe.where.job == "qemu", size >= LOG_MAX
            )
            played = play(
                target, share.number, self._boots, self.recipe.before, items, self.recipe.known, self.recipe.inventory,
                share.tries + 1 == TEST_ATTEMPTS, self._look,
            )  # fmt: skip
            said = target.outcome
        self._boots += played.boots
        share.next += played.over
        share.tries = 0 if played.over else share.tries + 1
        share.doubts = share.doubts + 1 if played.forged and played.over < 2 else 0
        cancelled = job.health == "Canceled" and not share.hung
        share.closed = cancelled or share.hopeless
        why = " ".join(word for word in (said.kind, said.text or job.comment, _wrong(size, said)) if word) or None
        played.block.write("job", action="ended", device=job.device, health=job.health, why=why, **self._facts(share))
        if share.closed and self._left(share):
            nowhere = NOT_BELIEVED if share.doubts >= DOUBTS_MAX else played.fault
            fault = "it was cancelled" if cancelled else f"it and those before it got nowhere: {' '.join(filter(None, (nowhere, why)))}"
            played.block.write("lab_error", error=f"job {job.id} on {job.device}: {fault}; {len(self._left(share))} tests are left")
        self._go_on()
        self._journal.append(played.block)
        share.name = share.id = None
        more = f" ({one_line(why)})" if why else ""
        say(f"job {job.id} on {job.device}: {job.health}, {played.over} of {len(left)} tests are over{more}")
        self.surprised = self.surprised or played.fault == OTHER_INVENTORY
        if played.fault:
            say(f"job {job.id}: {printable(played.fault)}")

    def _look(self, block: Block, inventory: Inventory) -> None:
        block.write("environment", environment=environment_of(inventory))

    def wait(self, stop: threading.Event) -> None:
        """Submits and reads until nothing is left that could be done. A server that does not answer is waited for; no job waits for
        another."""
        self._waits = True
        total = sum(len(part.tests) for part in self.recipe.parts)
        with Step(f"run {self._run}") as step:
            self._submit_in_time()
            while not stop.is_set() and any(share.number not in self.faults for share in self.pending):
                self._begin()
                found = self._visits.next(TICK_S)
                if found is not None:
                    self._visited(*found)
                self._submit_in_time()
                over = sum(share.next + share.ended for share in self.shares)
                step.note(f"{over}/{total} {', '.join(f'job {share.id}' for share in self.pending)}")

    def end(self) -> None:
        """Writes the end of the run, if that is reached, or what kept this process from it."""
        by_text: dict[str, list[str]] = {}
        for number, fault in sorted(self.faults.items()):
            who = f"job {self.shares[number - 1].id}" if number else "what is left is not submitted"
            by_text.setdefault(str(fault), []).append(who)
        for text, jobs in by_text.items():
            self._go_on()
            self._journal.write("lab_error", error=f"{', '.join(jobs)}: {text}")
            say(f"{', '.join(jobs)}: {text}")
        if not self.pending and not self.ended and (self._touched or not self._had_end):
            self._go_on()
            self._journal.write("end", why="finished" if self.done else "lab")

    @property
    def unreachable(self) -> int:
        """How many jobs could not be looked at for a reason that may pass."""
        return sum(isinstance(fault, Unreachable) for fault in self.faults.values())

    def states(self) -> Mapping[int, Job | None]:
        """What the server says of each share's job now, by the share's number."""
        return {share.number: self._service.job(share.id) if share.id else None for share in self.shares}
