# SPDX-License-Identifier: GPL-2.0-only
"""`iommu-cts lab prove`: do the suites notice a kernel that breaks a promise?

Each fault of lab/faults/ gets a kernel of its own, and the tests that should notice run on it. While they do, the next kernel is built.
What came out is kept beside the faults, and the table in docs/ is made from that.
"""

import argparse
import dataclasses
import json
import shutil
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lab import faults, kernel, ksrc, places
from lab import host as hosts
from lab.errors import LabError
from lab.progress import say
from results.model import Run, Verdict
from results.text import printable
from runner import run as running

KEPT = places.kept(faults.HERE / "proofs.jsonl")
EXIT_LAB = 3
SHOWN = 4  # tests named for each fault
ENOUGH = (1, 4)  # failures, each of which costs a boot: those that name a promise come first, else it is looked further


@dataclasses.dataclass(frozen=True)
class Proof:
    """What the fault with `digest` did: how many tests it turned red, how many of them are for a promise that it breaks (`naming`), how
    many did not come to a verdict on the kernel (`troubled`); some of them by name, those that say most first; and on what they ran."""

    fault: str
    digest: str
    naming: int
    red: int
    troubled: int
    examples: list[str]
    kernel: str

    @property
    def verdict(self) -> str:
        """In a word or two. Nothing red is no miss where tests were in trouble: nobody knows what they would have said."""
        if self.naming:
            return "caught"
        if self.red:
            return "red elsewhere"
        return "in trouble" if self.troubled else "MISSED"


def of_run(fault: faults.Fault, judged: Run, known: Sequence[str] = ()) -> Proof:
    """What a judged run on the kernel with the fault shows. A known failure shows nothing, nor does what is red anyway (`known`)."""
    red = [result for result in judged.results if result.verdict is Verdict.FAIL and not result.waived and result.id not in known]
    troubled = [result.id for result in judged.results if result.verdict in (Verdict.ERROR, Verdict.MISS)]
    naming = [result.id for result in red if set(result.requirements) & set(fault.breaks)]
    examples = naming or [result.id for result in red] or troubled
    return Proof(fault.name, fault.digest, len(naming), len(red), len(troubled), examples[:SHOWN], str(judged.kernel))


def _run(
    host: str, tests: Sequence[str], folder: Path, jobs: int | None, enough: int = 0, first: Sequence[str] = ()
) -> Run:
    """A run on the kernel in `folder`; with a fault in it it ends when it has seen enough failures, some of which may turn out to be
    errors: of a device that can't be believed any more. LabError if the lab ended it."""
    options = running.Options(host, select=tests, kernel=[str(folder)], jobs=jobs, max_failures=enough, first=first)
    kept, judged = running.run(options)
    if judged.interrupted:
        raise KeyboardInterrupt
    failures = sum(result.verdict in (Verdict.FAIL, Verdict.ERROR) for result in judged.results)
    if not judged.complete and failures < enough:
        raise LabError(f"the run {kept.name} did not come to its end")
    return judged


def _red_anyway(chosen: Sequence[faults.Fault], plain: Path, jobs: int | None) -> list[str]:
    """What is red on the kernel without any fault: another than the default one may have its own failures."""
    red: list[str] = []
    for host in dict.fromkeys(fault.host for fault in chosen):
        say(f"host {host}, without a fault")
        tests = sorted({pattern for fault in chosen if fault.host == host for pattern in fault.tests})
        judged = _run(host, tests, plain, jobs)
        red += [result.id for result in judged.results if result.verdict is Verdict.FAIL]
    return red


def keep(proofs: dict[str, Proof]) -> None:
    """Writes what came out so far, by fault, for kept()."""
    draft = KEPT.with_suffix(".new")
    draft.parent.mkdir(parents=True, exist_ok=True)
    draft.write_text("".join(json.dumps(dataclasses.asdict(proof)) + "\n" for proof in proofs.values()))
    draft.replace(KEPT)


def kept(every: Sequence[faults.Fault]) -> dict[str, Proof]:
    """What keep() wrote, of those faults of `every` that are as they were then. LabError if it is damaged."""
    try:
        found = [Proof(**json.loads(line)) for line in KEPT.read_text().splitlines()]
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError) as error:
        raise LabError(f"{KEPT} can't be read ({error}); `git checkout` it") from error
    now = {fault.name: fault.digest for fault in every}
    return {proof.fault: proof for proof in found if now.get(proof.fault) == proof.digest}


def _say(proof: Proof, ran: int) -> None:
    shown = ", ".join(proof.examples)
    more = (proof.naming or proof.red or proof.troubled) - len(proof.examples)
    counted = f"{proof.naming} naming it, {proof.red} red, of {ran}"
    if not proof.naming:  # else the run ended with the first of them, and what it had not come to is no trouble
        counted += f"; {proof.troubled} error or miss"
    print(f"{proof.verdict:13s} {proof.fault}  ({counted})", flush=True)
    if shown:
        print(f"                {shown}" + (f" and {more} more" if more else ""), flush=True)


def listing(chosen: Sequence[faults.Fault], console: Console) -> None:
    """The faults, what each does, and what should notice."""
    shown = Table(box=None, header_style="bold")
    for heading in ("fault", "breaks", "host", "what it does"):
        shown.add_column(heading, overflow="fold")
    for fault in chosen:
        shown.add_row(fault.name, " ".join(fault.breaks), fault.host, fault.what)
    console.print(shown)
    print(f"{len(chosen)} faults")


def _cell(text: str) -> str:
    return printable(text).replace("|", "\\|")


def table(chosen: Sequence[faults.Fault], proofs: dict[str, Proof]) -> str:
    """The page for docs/: fault, promise and the tests that went red; what was not tried since it is as it is, is said there too."""
    mine = [proofs[fault.name] for fault in chosen if fault.name in proofs]
    caught = sum(proof.verdict == "caught" for proof in mine)
    kernels = sorted({proof.kernel for proof in mine})
    lines = [
        "# Do the suites notice?",
        "",
        "Kernels with one small fault each, and the tests that went red on them. Written by `iommu-cts lab prove --table`; the faults are",
        "in [lab/faults/](../lab/faults/). *Naming* are the red tests that are for a promise which the fault breaks; a run ends with the",
        "first of them, since each failure costs a boot.",
        "",
        f"{caught} of {len(mine)} faults were caught by a test that names a broken promise; Linux {', '.join(kernels)}. "
        f"{len(chosen) - len(mine)} were not tried yet.",
    ]
    for subject in dict.fromkeys(fault.subject for fault in chosen):
        lines += ["", f"## {subject}", "", "| fault | breaks | host | naming | red | for example |", "| --- " * 6 + "|"]
        lines += [_row(fault, proofs.get(fault.name)) for fault in chosen if fault.subject == subject]
    return "\n".join(lines) + "\n"


def _row(fault: faults.Fault, proof: Proof | None) -> str:
    about = f"| {_cell(fault.what)} | {' '.join(fault.breaks)} | {fault.host} |"
    if proof is None:
        return f"{about} | | not tried yet |"
    example = proof.examples[0] if proof.red else f"**{proof.verdict}**"
    return f"{about} {proof.naming} | {proof.red} | {example} |"


def _changes(chosen: Sequence[faults.Fault], source: ksrc.Source) -> dict[str, dict[str, str]]:
    """The changed files of each fault that has a place in this kernel; said of the others before anything is built."""
    changes = {}
    for fault in chosen:
        try:
            changes[fault.name] = faults.texts(fault, source.tree)
        except LabError as error:
            say(str(error))
    return changes


class _Trial:
    """Tries faults, and keeps what came out after each. `tried` are the proofs of this time, `wrong` the faults that could not be tried."""

    def __init__(self, chosen: Sequence[faults.Fault], every: Sequence[faults.Fault], jobs: int | None) -> None:
        self.tried: list[Proof] = []
        self.wrong: list[str] = []
        self._numbers = {fault.name: number for number, fault in enumerate(chosen, 1)}
        self._every = every
        self._proofs = kept(every)
        self._jobs = jobs

    def on_one_kernel(self, chosen: Sequence[faults.Fault], where: hosts.Host, spec: str | None) -> None:
        """Tries `chosen`, which are all for hosts with the kernel of `where`."""
        box, source = ksrc.with_toolbox(spec or where.ksrc, where.machine.toolbox)
        changes = _changes(chosen, source)
        with kernel.Variants(box, source, where.fragments, where.machine) as variants, ThreadPoolExecutor(1) as builder:
            builds = {name: builder.submit(variants.build, name, texts) for name, texts in changes.items()}
            try:
                known = _red_anyway(chosen, variants.plain.folder, self._jobs) if spec else []
                for fault in chosen:
                    self._one(fault, builds.get(fault.name), known)
            finally:
                builder.shutdown(cancel_futures=True)

    def _one(self, fault: faults.Fault, building: Future[Path] | None, known: Sequence[str]) -> None:
        say(f"fault {self._numbers[fault.name]} of {len(self._numbers)}: {fault.name}: {fault.what}")
        try:
            if building is None:
                raise LabError("it has no place in this kernel")
            image = building.result()
            for enough in ENOUGH:
                judged = _run(fault.host, fault.tests, image, self._jobs, enough, fault.breaks)
                proof = of_run(fault, judged, known)
                if judged.complete or proof.naming:
                    break
            shutil.rmtree(image)
            ran = sum(result.verdict not in (Verdict.SKIP, Verdict.MISS) for result in judged.results)
            if not ran:
                raise LabError(f"none of its tests ({', '.join(fault.tests)}) ran on {fault.host}")
        except LabError as error:
            self.wrong.append(fault.name)
            print(f"{'NOT TRIED':13s} {fault.name}: {error}", flush=True)
            return
        self.tried.append(proof)
        self._proofs[fault.name] = proof
        keep({one.name: self._proofs[one.name] for one in self._every if one.name in self._proofs})
        _say(proof, ran)


def _by_kernel(chosen: Sequence[faults.Fault]) -> list[tuple[hosts.Host, list[faults.Fault]]]:
    """The faults in groups whose hosts have the same kernel, each with one of these hosts; in the order of the first of each."""
    groups: dict[tuple[str | Path | None, ...], tuple[hosts.Host, list[faults.Fault]]] = {}
    for fault in chosen:
        where = hosts.find(fault.host)
        groups.setdefault((where.machine.name, where.ksrc, *where.fragments), (where, []))[1].append(fault)
    return list(groups.values())


def _try_all(chosen: Sequence[faults.Fault], every: Sequence[faults.Fault], source: str | None, jobs: int | None) -> int:
    trial = _Trial(chosen, every, jobs)
    for where, group in _by_kernel(chosen):
        trial.on_one_kernel(group, where, source)
    tried, wrong = trial.tried, trial.wrong
    caught = sum(proof.verdict == "caught" for proof in tried)
    print(f"{caught} of {len(tried)} faults caught" + (f", {len(wrong)} not tried: {', '.join(wrong)}" if wrong else ""))
    if any(proof.verdict in ("red elsewhere", "MISSED") for proof in tried):
        return 1
    return 0 if caught == len(chosen) else EXIT_LAB


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Tries the faults that the command line names; 1 if one of them was not caught, 3 if nobody knows of one."""
    every = faults.load()
    chosen = faults.select(every, arguments.fault)
    if arguments.untried:
        known = kept(every)
        chosen = [fault for fault in chosen if fault.name not in known]
    if arguments.list:
        listing(chosen, console)
        return 0
    if arguments.table:
        arguments.table.write_text(table(every, kept(every)))
        print(arguments.table)
        return 0
    return _try_all(chosen, every, arguments.ksrc, arguments.jobs)
