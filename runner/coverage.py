# SPDX-License-Identifier: GPL-2.0-only
"""`iommu-cts coverage`: each requirement with the tests that show it, what kept runs said of it, and why some have no test.

docs/coverage.md is the same without runs. `python3 -m runner.coverage` says whether it is what the suites are.
"""

import dataclasses
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jsonschema
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lab import binaries, ksrc
from lab.errors import LabError, UsageError
from results import build
from results.markdown import plain, table
from results.model import COUNTS
from results.text import printable
from runner import catalogue, suite
from runner.catalogue import Requirement, Test

DOCUMENT = suite.TOP / "docs" / "coverage.md"
SCHEMA = suite.TOP / "results" / "schema" / "coverage-1.json"
REMAKE = "iommu-cts coverage --markdown docs/coverage.md"

# What a host's verdict on a requirement is: the first of these that one of its results is.
_WORST_FIRST = ("fail", "error", "miss", "known", "pass", "done", "skip")
_STYLES = {
    "fail": "bold red", "error": "bold magenta", "miss": "bold magenta", "known": "yellow",
    "pass": "green", "done": "green", "skip": "cyan",
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Kept:
    """A kept run as its results.json has it. `results` are those of the schema results-1.json."""

    id: str
    host: str
    started: str
    results: list[dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class Said:
    """What a host's results say of a requirement: a name of COUNTS, how many there are of each, why if all were skipped."""

    verdict: str
    counts: dict[str, int]
    reason: str | None = None

    def words(self) -> str:
        """For a reader: KCIDB's verdict, or KNOWN for a waived failure."""
        return f"{self.verdict.upper()} {self.reason}" if self.reason else self.verdict.upper()


@dataclasses.dataclass(frozen=True)
class Row:
    """One requirement, the tests that name it, and by host what was seen."""

    requirement: Requirement
    tests: list[Test]
    said: dict[str, Said]

    @property
    def state(self) -> str:
        """tested, or the kind of `untested`."""
        return self.requirement.untested.kind if self.requirement.untested else "tested"


STATES = ("tested", catalogue.LATER, catalogue.IMPOSSIBLE)


def read_run(folder: Path) -> Kept:
    """The reports of a kept run. UsageError if there are none, LabError if they are no reports."""
    path = folder / "results.json"
    if not path.is_file():
        raise UsageError(f"{folder.name} has no results.json; `iommu-cts report {folder.name}` makes it")
    try:
        document = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise LabError(f"{path} is no JSON: {error}; `iommu-cts report {folder.name}` makes it again") from error
    build.check(document)
    run = document["run"]
    return Kept(run["id"], run["host"], run["started"] or "", document["results"])


def newest(runs: Iterable[Kept]) -> dict[str, Kept]:
    """The newest run of each host, by its name."""
    return {run.host: run for run in sorted(runs, key=lambda run: (run.host, run.started, run.id))}


def _said(results: Sequence[Mapping[str, Any]]) -> Said | None:
    counts = Counter("known" if result["waived"] else result["verdict"].lower() for result in results)
    if not counts:
        return None
    verdict = next(name for name in _WORST_FIRST if counts[name])
    reasons = Counter(result["reason"]["code"] for result in results if result["reason"])
    reason = min(reasons, key=lambda code: (-reasons[code], code)) if verdict == "skip" and reasons else None
    return Said(verdict, {name: counts[name] for name in COUNTS if counts[name]}, reason)


def rows(requirements: Mapping[str, Requirement], tests: Iterable[Test], runs: Mapping[str, Kept]) -> list[Row]:
    """One row for each requirement, in the order of the catalogue. What a run says of it is what the run's own tests named."""
    naming: dict[str, list[Test]] = {name: [] for name in requirements}
    for test in tests:
        for name in test.requirements:
            naming[name].append(test)
    seen: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for host, run in runs.items():
        for result in run.results:
            for name in result["requirements"]:
                seen.setdefault((name, host), []).append(result)
    found = []
    for name, requirement in requirements.items():
        said = {host: _said(seen.get((name, host), [])) for host in runs}
        found.append(Row(requirement, naming[name], {host: one for host, one in said.items() if one}))
    return found


def _subjects(found: Iterable[Row]) -> dict[str, list[Row]]:
    subjects: dict[str, list[Row]] = {}
    for row in found:
        subjects.setdefault(row.requirement.subject, []).append(row)
    return subjects


def _named(tests: Iterable[Test], depth: int, quote: str = "") -> str:
    """The paths of the tests to so many components, each with how many tests it stands for where that is more than one."""
    counts = Counter("/".join(test.path.split("/")[:depth]) for test in tests)
    return ", ".join(f"{quote}{path}{quote}" + (f" ({number})" if number > 1 else "") for path, number in counts.items())


def totals(found: Sequence[Row]) -> dict[str, int]:
    """How many requirements are in each of STATES."""
    counts = Counter(row.state for row in found)
    return {state: counts[state] for state in STATES}


def _last_line(found: Sequence[Row]) -> str:
    must = [row for row in found if row.requirement.level == "must" and row.requirement.kind == "promise"]
    counts = totals(found)
    return (
        f"{len(found)} requirements: {counts['tested']} tested, {counts['later']} later, {counts['impossible']} impossible; "
        f"of {len(must)} promises that must hold {totals(must)['tested']} are tested"
    )


def _verdict(said: Said | None) -> Text:
    return Text(said.words(), _STYLES[said.verdict]) if said else Text()


def print_table(found: Sequence[Row], runs: Mapping[str, Kept], console: Console) -> None:
    """The whole table, one subject after another."""
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("requirement", "level", "tests", "what is promised, and which tests show it or why none does", *runs):
        shown.add_column(heading, overflow="fold", no_wrap=heading in ("requirement", "level", "tests"))
    for subject, mine in _subjects(found).items():
        shown.add_row(Text(subject, "bold"))
        for row in mine:
            one = row.requirement
            why = _named(row.tests, 2) if row.tests else one.untested.words() if one.untested else ""
            level = one.level if one.kind == "promise" else one.kind
            count = Text(str(len(row.tests))) if row.tests else Text(row.state, "yellow")
            what = Text(printable(one.title)).append(f"\n{printable(why)}", "dim")
            shown.add_row(one.id, level, count, what, *(_verdict(row.said.get(host)) for host in runs))
    console.print(shown)
    for host, run in runs.items():
        console.print(f"{host}: {run.id}")
    console.print(_last_line(found))


def document(found: Sequence[Row], runs: Mapping[str, Kept]) -> dict[str, Any]:
    """The object of --json, as results/schema/coverage-1.json has it. LabError if it isn't: an error of this program."""
    built = {
        "schema": "iommu-cts/coverage",
        "version": 1,
        "runs": [{"host": host, "id": run.id} for host, run in runs.items()],
        "counts": totals(found),
        "requirements": [
            dataclasses.asdict(row.requirement)
            | {"needs": list(row.requirement.needs), "tests": [test.path for test in row.tests]}
            | {"verdicts": {host: dataclasses.asdict(said) for host, said in row.said.items()}}
            for row in found
        ],
    }
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
    error = jsonschema.exceptions.best_match(validator.iter_errors(built))
    if error is not None:
        raise LabError(f"the coverage does not follow {SCHEMA.name} at {error.json_path}: {error.message}")
    return built


def _shown_by(row: Row) -> str:
    if row.requirement.untested:
        return plain(row.requirement.untested.words())
    return f"{len(row.tests)}: {_named(row.tests, 3, '`')}"


def _what(requirement: Requirement) -> str:
    return plain(requirement.title) + (f"<br>Note: {plain(requirement.note)}" if requirement.note else "")


def markdown(found: Sequence[Row], runs: Mapping[str, Kept]) -> str:
    """docs/coverage.md: deterministic, and without verdicts where there are no runs."""
    text = ["# What is promised, and which tests show it", "", f"Made by `{REMAKE}`, not by hand. What exactly each"]
    text += ["requirement says, and where it comes from, stands in [suites/requirements/](../suites/requirements/README.md).", ""]
    text += [f"{_last_line(found)}.", ""]
    if runs:
        text += ["Verdicts are those of " + ", ".join(f"{run.id} on {host}" for host, run in runs.items()) + ".", ""]
    subjects = _subjects(found)
    text += table(
        ["subject", "requirements", *STATES],
        ([f"[{subject}](#{subject})", str(len(mine)), *map(str, totals(mine).values())] for subject, mine in subjects.items()),
    )
    for subject, mine in subjects.items():
        text += [f"## {subject}", ""]
        text += table(
            ["id", "what is promised", "level", "kind", "tests, or why there is none", *runs],
            (
                [row.requirement.id, _what(row.requirement), row.requirement.level, row.requirement.kind, _shown_by(row)]
                + [row.said[host].words() if host in row.said else "" for host in runs]
                for row in mine
            ),
        )
    return "\n".join(text)


def stale(tests: Iterable[Test]) -> str | None:
    """What is wrong with docs/coverage.md; None if it is what the suites are."""
    if not DOCUMENT.is_file():
        return f"docs/coverage.md is not there: make it by `{REMAKE}`"
    if DOCUMENT.read_text("utf-8") != markdown(rows(catalogue.requirements(), tests, {}), {}):
        return f"docs/coverage.md is not what the suites are: make it again by `{REMAKE}`"
    return None


def main() -> int:
    """Builds the suites and returns 1 if docs/coverage.md is stale."""
    try:
        box, source = ksrc.with_toolbox(None)
        problem = stale(catalogue.load(binaries.build(box, source, suite.label()).suites))
    except LabError as error:
        print(f"docs/coverage.md: {error}", file=sys.stderr)
        return 3
    if problem:
        print(problem, file=sys.stderr)
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
