# SPDX-License-Identifier: GPL-2.0-only
"""A comparison as text for a mail."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from results import compare_words as words
from results.compare import Comparison
from results.conformance import Conformance
from results.gates import Outcome
from results.headline import headline, tables
from results.rows import Row
from results.sides import INSTRUCTIONS
from results.text import crop, printable

WIDTH = 75
DIGITS = (9, 7, 5)  # of a number: the first with which the table fits
TERM = 14


def render(compared: Sequence[tuple[Comparison, list[Outcome]]]) -> str:
    """All comparisons, one after the other, each with what the gates say of it; the legend comes once."""
    lines: list[str] = []
    for number, (one, outcomes) in enumerate(compared, 1):
        if len(compared) > 1:
            lines += [f"-- {number} of {len(compared)} --", ""]
        lines += [*_comparison(one), *_gates(outcomes)]
    lines += _legend(compared[0][0])
    return "\n".join(printable(line).rstrip() for line in lines) + "\n"


def _wrapped(text: str, indent: str = "", first: str | None = None) -> list[str]:
    begin = indent if first is None else first
    return textwrap.wrap(text, WIDTH, initial_indent=begin, subsequent_indent=indent, break_on_hyphens=False)


def _comparison(one: Comparison) -> list[str]:
    forced, others = words.warnings(one)
    lines = [line for text in forced for line in _wrapped(text, "  ", "")]
    lines += _wrapped(f"{headline(one)}.") + [""]
    lines += [line for text in words.subject(one) for line in _wrapped(text, "     ", "")]
    lines += [line for text in others for line in _wrapped(f"WARNING: {text}", "     ", "")]
    for table in tables(one.rows):
        lines += ["", *_table(table, one.mode)]
    lines += _one_sided(one)
    if reach := words.reach(one):
        lines += ["", *_wrapped(reach)]
    return [*lines, *_conformance(one.conformance), ""]


def _pairs(table: Sequence[Row], digits: int) -> list[list[str]]:
    """The columns avg and min as pairs, aligned at the comma."""
    columns = []
    for name in ("average", "minimum"):
        pairs = [[words.number(getattr(side, name), digits) for side in (row.new, row.old)] for row in table]
        left, right = (max(len(pair[at]) for pair in pairs) for at in (0, 1))
        columns.append([f"{new:>{left}},{old:<{right}}" for new, old in pairs])
    return columns


def _table(table: Sequence[Row], mode: str) -> list[str]:
    for digits in DIGITS:
        lines = _grid(table, mode, digits)
        if max(map(len, lines)) <= WIDTH:
            break
    notes = [line for text in words.notes(table) for line in _wrapped(text, "    ", "  ")]
    return [*_wrapped(words.title(table, mode), "    ", ""), *lines, *notes]


def _grid(table: Sequence[Row], mode: str, digits: int) -> list[str]:
    """The table's lines. A row without a size has its name on a line of its own."""
    sized = table[0].key.size is not None
    columns = [["size", *(words.label(row, mode) for row in table)]] if sized else []
    average, minimum = _pairs(table, digits)
    columns += [["avg new,old", *average], ["min new,old", *minimum], ["%", *map(words.verdict, table)]]
    if mode != INSTRUCTIONS:
        columns.append(["interval", *map(words.interval, table)])
    columns.append(["n", *map(words.count, table)])
    widths = [max(map(len, column)) for column in columns]
    lines = []
    for at, cells in enumerate(zip(*columns)):
        if at and not sized:
            lines.append("  " + crop(words.label(table[at - 1], mode), WIDTH - 2))
        # Headings and pairs stand in the middle, all else to the right.
        placed = [cell.rjust(width) if at and "," not in cell else cell.center(width) for cell, width in zip(cells, widths)]
        lines.append(("  " if sized else "    ") + " , ".join(placed))
    return lines


def _one_sided(one: Comparison) -> list[str]:
    if not one.one_sided:
        return []
    lines = ["", "rows on one side only, and what the other says of their test"]
    for row in one.one_sided:
        lines += _wrapped(f"{row.side}  {row.key.words()}: {row.why}", "       ", "  ")
    return lines


def _conformance(found: Conformance) -> list[str]:
    lines = ["", *_wrapped(words.conformance(found), "    ", "")]
    for one in found.differences[: words.LISTED]:
        lines += _wrapped(f"{one.words()}  {one.test}" + (f"  ({one.why})" if one.why else ""), "    ", "  ")
    if len(found.differences) > words.LISTED:
        lines.append(f"  and {len(found.differences) - words.LISTED} more; --json has them all")
    return lines


def _gates(outcomes: Sequence[Outcome]) -> list[str]:
    lines = [line for text in words.gate_lines(outcomes) for line in _wrapped(text, "    ", "")]
    return [*lines, ""] if lines else []


def _legend(one: Comparison) -> list[str]:
    lines = []
    for term, text in words.legend(one):
        lines += _wrapped(text, " " * TERM, f"{term:<{TERM}}")
    return lines
