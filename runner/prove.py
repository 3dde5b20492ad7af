# SPDX-License-Identifier: GPL-2.0-only
"""`iommu-cts lab prove`: do the suites notice a kernel that breaks a promise?

Each fault of lab/faults/ gets a kernel of its own, and the tests that should notice run on it. While they do, the next kernel is built.
What came out is kept beside the runs, and the table in docs/ is made from that.
"""

import argparse
import dataclasses
import json
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lab import faults, kernel, ksrc
from lab.arch import Arch
from lab.errors import LabError
from lab.host import find
from lab.progress import say
from results.model import Run, Verdict
from results.text import printable
from runner import run as running

KEPT = running.RUNS / "proofs.json"
EXIT_LAB = 3
SHOWN = 4  # tests named for each fault
ENOUGH = 10  # failures; each costs a boot, and known ones are among them


@dataclasses.dataclass(frozen=True)
class Proof:
    """What the fault with `digest` did: the tests it turned red, those of them that are for a promise it breaks, those that did not come
    to a verdict on the kernel; how many ran, and where and on what."""

    fault: str
    digest: str
    red: list[str]
    naming: list[str]
    troubled: list[str]
    tests: int
    kernel: str
    commit: str
    run: str

    @property
    def verdict(self) -> str:
        """In a word or two. Nothing red is no miss where tests were in trouble: nobody knows what they would have said."""
        if self.naming:
            return "caught"
        if self.red:
            return "red elsewhere"
        return "in trouble" if self.troubled else "MISSED"


def of_run(fault: faults.Fault, judged: Run, folder: Path, known: Sequence[str] = ()) -> Proof:
    """What a judged run on the kernel with the fault shows. A known failure shows nothing, nor does what is red anyway (`known`)."""
    red = [result for result in judged.results if result.verdict is Verdict.FAIL and not result.waived and result.id not in known]
    troubled = [result.id for result in judged.results if result.verdict in (Verdict.ERROR, Verdict.MISS)]
    naming = [result.id for result in red if set(result.requirements) & set(fault.breaks)]
    ran = sum(result.verdict not in (Verdict.SKIP, Verdict.MISS) for result in judged.results)
    return Proof(
        fault.name, fault.digest, [result.id for result in red], naming, troubled, ran, str(judged.kernel),
        str(judged.suite.get("commit", "")), folder.name,
    )  # fmt: skip


def _run(
    host: str, tests: Sequence[str], folder: Path, jobs: int | None, enough: int = 0, first: Sequence[str] = ()
) -> tuple[Path, Run]:
    """A run on the kernel in `folder`; with a fault in it it ends when it has seen enough failures, some of which may turn out to be
    errors: of a device that can't be believed any more. LabError if the lab ended it."""
    options = running.Options(host, select=tests, kernel=[str(folder)], jobs=jobs, max_failures=enough, first=first)
    kept, judged = running.run(options)
    if judged.interrupted:
        raise KeyboardInterrupt
    failures = sum(result.verdict in (Verdict.FAIL, Verdict.ERROR) for result in judged.results)
    if not judged.complete and failures < enough:
        raise LabError(f"the run {kept.name} did not come to its end")
    return kept, judged


def _red_anyway(chosen: Sequence[faults.Fault], plain: Path, jobs: int | None) -> list[str]:
    """What is red on the kernel without any fault: another than the default one may have its own failures."""
    red: list[str] = []
    for host in dict.fromkeys(fault.host for fault in chosen):
        say(f"host {host}, without a fault")
        tests = sorted({pattern for fault in chosen if fault.host == host for pattern in fault.tests})
        _, judged = _run(host, tests, plain, jobs)
        red += [result.id for result in judged.results if result.verdict is Verdict.FAIL]
    return red


def keep(proofs: dict[str, Proof]) -> None:
    """Writes what came out so far, by fault, for kept()."""
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    draft = KEPT.with_suffix(".new")
    draft.write_text(json.dumps([dataclasses.asdict(proof) for proof in proofs.values()], indent=1) + "\n")
    draft.replace(KEPT)


def kept(every: Sequence[faults.Fault]) -> dict[str, Proof]:
    """What keep() wrote, of those faults of `every` that are as they were then. LabError if it is damaged."""
    try:
        found = [Proof(**proof) for proof in json.loads(KEPT.read_text())]
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError) as error:
        raise LabError(f"{KEPT} can't be read ({error}); remove it to begin anew") from error
    now = {fault.name: fault.digest for fault in every}
    return {proof.fault: proof for proof in found if now.get(proof.fault) == proof.digest}


def _say(proof: Proof) -> None:
    tests = proof.naming or proof.red or proof.troubled
    more = f" and {len(tests) - SHOWN} more" if len(tests) > SHOWN else ""
    counted = f"{len(proof.naming)} naming it, {len(proof.red)} red, {len(proof.troubled)} error or miss, of {proof.tests}"
    print(f"{proof.verdict:13s} {proof.fault}  ({counted})", flush=True)
    if tests:
        print(f"                {', '.join(tests[:SHOWN])}{more}", flush=True)


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
        "in [lab/faults/](../lab/faults/). *Naming* are the red tests that are for a promise which the fault breaks; a run ends when it",
        f"has seen {ENOUGH} failures.",
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
    example = (proof.naming or proof.red or [f"**{proof.verdict}**"])[0]
    return f"{about} {len(proof.naming)} | {len(proof.red)} | {example} |"


def _changes(chosen: Sequence[faults.Fault], source: ksrc.Source) -> dict[str, dict[str, str]]:
    """The changed files of each fault that has a place in this kernel; said of the others before anything is built."""
    changes = {}
    for fault in chosen:
        try:
            changes[fault.name] = faults.texts(fault, source.tree)
        except LabError as error:
            say(str(error))
    return changes


def _groups(chosen: Sequence[faults.Fault]) -> dict[tuple[Arch, tuple[Path, ...]], list[faults.Fault]]:
    """The faults by what a kernel is built for: their hosts' architecture and flavour."""
    groups: dict[tuple[Arch, tuple[Path, ...]], list[faults.Fault]] = {}
    for fault in chosen:
        where = find(fault.host)
        groups.setdefault((where.machine, tuple(where.fragments)), []).append(fault)
    return groups


def _try_all(chosen: Sequence[faults.Fault], every: Sequence[faults.Fault], source: str | None, jobs: int | None) -> int:
    tried: list[Proof] = []
    wrong: list[str] = []
    for (arch, fragments), group in _groups(chosen).items():
        _try_group(group, every, source, jobs, arch, fragments, tried, wrong)
    caught = sum(proof.verdict == "caught" for proof in tried)
    print(f"{caught} of {len(tried)} faults caught" + (f", {len(wrong)} not tried: {', '.join(wrong)}" if wrong else ""))
    if any(proof.verdict in ("red elsewhere", "MISSED") for proof in tried):
        return 1
    return 0 if caught == len(chosen) else EXIT_LAB


def _try_group(
    chosen: Sequence[faults.Fault], every: Sequence[faults.Fault], source: str | None, jobs: int | None,
    arch: Arch, fragments: Sequence[Path], tried: list[Proof], wrong: list[str],
) -> None:  # fmt: skip
    """Tries faults that are for kernels of one architecture and flavour; adds to `tried`, or the name of one that can't be to `wrong`."""
    box, tree = ksrc.with_toolbox(source, arch.toolbox)
    changes = _changes(chosen, tree)
    proofs = kept(every)
    with kernel.Variants(box, tree, fragments, arch) as variants, ThreadPoolExecutor(1) as builder:
        builds = {name: builder.submit(variants.build, name, texts) for name, texts in changes.items()}
        try:
            known = _red_anyway(chosen, variants.plain.folder, jobs) if source else []
            for number, fault in enumerate(chosen, 1):
                say(f"fault {number} of {len(chosen)}: {fault.name}: {fault.what}")
                try:
                    if fault.name not in builds:
                        raise LabError("it has no place in this kernel")
                    image = builds[fault.name].result()
                    folder, judged = _run(fault.host, fault.tests, image, jobs, ENOUGH, fault.breaks)
                    shutil.rmtree(image)
                    proof = of_run(fault, judged, folder, known)
                    if not proof.tests:
                        raise LabError(f"none of its tests ({', '.join(fault.tests)}) ran on {fault.host}")
                except LabError as error:
                    wrong.append(fault.name)
                    print(f"{'NOT TRIED':13s} {fault.name}: {error}", flush=True)
                    continue
                tried.append(proof)
                proofs[fault.name] = proof
                keep({fault.name: proofs[fault.name] for fault in every if fault.name in proofs})
                _say(proof)
        finally:
            builder.shutdown(cancel_futures=True)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Tries the faults that the command line names; 1 if one of them was not caught, 3 if nobody knows of one."""
    every = faults.load()
    chosen = faults.select(every, arguments.fault)
    if arguments.list:
        listing(chosen, console)
        return 0
    if arguments.table:
        arguments.table.write_text(table(every, kept(every)))
        print(arguments.table)
        return 0
    return _try_all(chosen, every, arguments.ksrc, arguments.jobs)
