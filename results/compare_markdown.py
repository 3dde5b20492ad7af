# SPDX-License-Identifier: GPL-2.0-only
"""A comparison as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from results import compare_words as words
from results.compare import Comparison
from results.conformance import Conformance
from results.gates import Outcome
from results.headline import headline, tables
from results.markdown import line, plain
from results.rows import Row
from results.sides import INSTRUCTIONS

DIGITS = 12


def render(compared: Sequence[tuple[Comparison, list[Outcome]]]) -> str:
    """All comparisons, one after the other, each with what the gates say of it; the legend comes once."""
    lines: list[str] = []
    for one, outcomes in compared:
        lines += [*_comparison(one), *_gates(outcomes)]
    lines += ["", *(f"- **{plain(term)}**: {plain(text)}" for term, text in words.legend(compared[0][0]))]
    return "\n".join(lines).strip() + "\n"


def _items(texts: Iterable[str]) -> list[str]:
    return [f"- {plain(text)}" for text in texts]


def _comparison(one: Comparison) -> list[str]:
    forced, others = words.warnings(one)
    lines = [f"**{plain(text)}**\n" for text in forced]
    lines += [f"**{plain(headline(one))}.**", "", *_items(words.subject(one)), *_items(f"WARNING: {text}" for text in others)]
    for table in tables(one.rows):
        lines += ["", f"### {plain(words.title(table, one.mode))}", "", *_table(table, one.mode)]
        notes = words.notes(table)
        lines += ["", *_items(notes)] if notes else []
    if one.one_sided:
        lines += ["", "### Rows on one side only, and what the other says of their test", ""]
        lines += _items(f"{row.side}: {row.key.words()}: {row.why}" for row in one.one_sided)
    if reach := words.reach(one):
        lines += ["", plain(reach)]
    return [*lines, "", *_conformance(one.conformance), ""]


def _table(table: Sequence[Row], mode: str) -> list[str]:
    timed = mode != INSTRUCTIONS
    heads = ["size", "avg new", "avg old", "min new", "min old", "%", *(["interval"] if timed else []), "n"]
    lines = [line(heads), line(["---", *["---:"] * (len(heads) - 1)])]
    for row in table:
        numbers = [row.new.average, row.old.average, row.new.minimum, row.old.minimum]
        cells = [words.label(row, mode), *(words.number(value, DIGITS) for value in numbers), words.verdict(row)]
        cells += [words.interval(row)] if timed else []
        lines.append(line(map(plain, [*cells, words.count(row)])))
    return lines


def _conformance(found: Conformance) -> list[str]:
    lines = [plain(words.conformance(found))]
    lines += ["", *_items(f"{one.words()} {one.test}" + (f" ({one.why})" if one.why else "") for one in found.differences[: words.LISTED])]
    if len(found.differences) > words.LISTED:
        lines.append(f"- and {len(found.differences) - words.LISTED} more")
    return lines


def _gates(outcomes: Sequence[Outcome]) -> list[str]:
    return _items(words.gate_lines(outcomes)) if outcomes else []
