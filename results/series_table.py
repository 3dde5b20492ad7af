# SPDX-License-Identifier: GPL-2.0-only
"""A series as a table: what became of each revision, which tests say something else than on the first, and what it takes more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lab.errors import UsageError
from results import calibration, compare_text, compare_words, conformance, sides
from results.compare import Comparison, compare
from results.conformance import Conformance
from results.headline import headline
from results.model import COUNTS
from results.rows import ERROR
from results.series import BUILD, STAGES, Revision, Series, bench_of, is_measured
from results.sides import Side
from results.text import printable

EXIT_BROKEN = 1
EXIT_LAB = 3
COMMIT = 12  # digits of a commit
UNJUDGED = {"ERROR", "MISS"}


def broken(found: Conformance) -> list[str]:
    """The tests that fail now and did not before, known failures aside."""
    return [one.test for one in found.differences if "FAIL" in one.new and not {"FAIL", "KNOWN"} & set(one.old)]


@dataclass(frozen=True)
class Known:
    """What is known of a series, by the revisions' labels: what tests say, what was measured, which verdicts differ from those of the
    first revision, how the measured rows compare with it; and why they do not, if there is a reason that is not shown elsewhere."""

    tested: dict[str, Side]
    measured: dict[str, Side]
    verdicts: dict[str, Conformance]
    compared: dict[str, Comparison]
    against: str | None


def known(folder: Path, series: Series) -> Known:
    """Reads the runs and the benches beside series.json. UsageError if one can't be read."""
    tested = {one.label: sides.load(str(folder / one.run)) for one in series.revisions if one.run is not None}
    measured = {
        one.label: sides.load(str(bench_of(folder, one))) for one in series.revisions if one.failed is None and is_measured(folder, one)
    }
    first = series.revisions[0]
    return Known(tested, measured, _verdicts(first, tested), *_compared(first, measured))


def show(folder: Path, series: Series, console: Console) -> int:
    """Prints what is known of each revision and returns the exit code."""
    found = known(folder, series)
    tested, measured, verdicts, compared, against = found.tested, found.measured, found.verdicts, found.compared, found.against
    console.print(Text(f"{series.id}  host {series.host}, {series.ksrc}", "bold"))
    console.print(_table(series, tested, measured, verdicts))
    for revision in series.revisions:
        _more(revision, verdicts.get(revision.label), compared.get(revision.label), console)
    if against:
        console.print(Text(f"\nnothing was compared: {against}"), soft_wrap=True)
    if compared:
        print("\n" + compare_text.render([(one, []) for one in compared.values()]), end="")
    promises = [*verdicts.values(), *(one.conformance for one in compared.values())]
    if any(broken(found) for found in promises):
        return EXIT_BROKEN
    seen = [result.word() for side in (*tested.values(), *measured.values()) for told in side.results().values() for result in told]
    failed = any(one.failed for one in series.revisions) or UNJUDGED & set(seen)
    return EXIT_LAB if failed or against or any(one.with_verdict(ERROR) for one in compared.values()) else 0


def _verdicts(first: Revision, tested: Mapping[str, Side]) -> dict[str, Conformance]:
    """What tests say of each further revision that they do not say of the first."""
    if first.label not in tested:
        return {}
    return {label: conformance.compare(tested[first.label], side) for label, side in tested.items() if label != first.label}


def _compared(first: Revision, measured: Mapping[str, Side]) -> tuple[dict[str, Comparison], str | None]:
    """Each further revision against the first; and why not, if there is a reason that is not shown elsewhere."""
    others = [label for label in measured if label != first.label]
    if first.label not in measured or not others:
        return {}, None
    try:
        found = compare([measured[label] for label in (first.label, *others)], False, calibration.find)
    except UsageError as error:
        return {}, str(error)
    return dict(zip(others, found)), None


def _table(
    series: Series, tested: Mapping[str, Side], measured: Mapping[str, Side], verdicts: Mapping[str, Conformance]
) -> Table:
    table = Table(box=None, header_style="bold")
    for heading in ("revision", "commit", "builds", "boots"):
        table.add_column(heading)
    for heading in (*COUNTS[:-1], "changed", "measured"):  # a measurement is done; those have a column
        table.add_column(heading, justify="right")
    table.add_column("subject", overflow="ellipsis", no_wrap=True)
    for one in series.revisions:
        builds = one.failed is None or one.failed.stage != BUILD
        booted = one.label in tested or one.label in measured
        side = tested.get(one.label)
        found = _counts(side) if side else {}
        cells = [str(found.get(row, 0) or ".") if side else "-" for row in COUNTS[:-1]]
        changed = verdicts.get(one.label)
        cells.append("-" if changed is None else str(len(changed.differences)))
        cells.append(f"{len(measured[one.label].boots)} boots" if one.label in measured else "-")
        table.add_row(
            Text(one.name), one.commit[:COMMIT], "yes" if builds else Text("NO", "bold red"),
            "yes" if booted else "-" if not builds else Text("NO", "bold red"), *cells, Text(printable(one.subject)),
        )  # fmt: skip
    return table


def _counts(side: Side) -> Counter[str]:
    return Counter(result.word().lower() for told in side.results().values() for result in told)


def _more(revision: Revision, found: Conformance | None, compared: Comparison | None, console: Console) -> None:
    """What the table has no room for."""
    lines: list[str] = []
    if revision.failed:
        lines += [f"{revision.name} {STAGES[revision.failed.stage]}:", *_indented(revision.failed.text.splitlines())]
    if found and found.differences:
        lines += [f"{revision.name}: {compare_words.conformance(found)}"]
        shown = found.differences[: compare_words.LISTED]
        lines += _indented([f"{one.words()}  {one.test}" + (f"  ({one.why})" if one.why else "") for one in shown])
        if len(found.differences) > len(shown):
            lines += _indented([f"and {len(found.differences) - len(shown)} more"])
    if compared:
        lines += [f"{revision.name}: measured: {headline(compared)}"]
    for line in lines:
        console.print(Text(printable(line)), soft_wrap=True)


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]
