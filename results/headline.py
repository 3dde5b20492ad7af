# SPDX-License-Identifier: GPL-2.0-only
"""A comparison in one sentence, derived from its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from results.compare import Comparison
from results.rows import ERROR, LESS, MORE, NONE, Row, boots_to_claim
from results.samples import shown
from results.sides import INSTRUCTIONS

CLAUSES = 4  # so many are said one by one
_UNITS = ((30, "GiB"), (20, "MiB"), (10, "KiB"))
_WORK = ("ns", "us", "ms", "s", "cycles", "instructions")  # units of what takes something


def bytes_in_words(size: int) -> str:
    """A size for a sentence: 2 MiB, 24 KiB, 100 bytes."""
    for power, unit in _UNITS:
        if size % (1 << power) == 0:
            return f"{size >> power} {unit}"
    return f"{size} bytes"


def tables(rows: Sequence[Row]) -> list[list[Row]]:
    """The rows that have a size, table by table and sorted within; one more table for each test's rows without."""
    found: dict[object, list[Row]] = {}
    for row in sorted(rows, key=lambda row: row.key.order()):
        key = row.key
        found.setdefault((key.path, key.measure, key.others()) if key.size is not None else "", []).append(row)
    lines = found.pop("", [])
    return list(found.values()) + ([lines] if lines else [])


def percent(change: float) -> str:
    """The size of a change for a sentence."""
    size = abs(change) * 100
    return f"{size:.0f}" if size >= 100 else f"{size:.1f}" if size >= 1 else f"{size:.2f}"


def _percents(rows: Sequence[Row]) -> str:
    sizes = sorted(abs(row.change or 0.0) for row in rows)
    low, high = percent(sizes[0]), percent(sizes[-1])
    return low if low == high else f"{low} to {high}"


@dataclass(frozen=True)
class _Clause:
    """Rows next to each other that changed in the same direction."""

    subject: str
    rows: list[Row]
    where: str

    def words(self) -> str:
        return f"{self.subject} {_does(self.rows)}{self.where}"

    @property
    def largest(self) -> float:
        return max(abs(row.change or 0.0) for row in self.rows)


def _does(rows: Sequence[Row]) -> str:
    more = rows[0].verdict == MORE
    if all(row.unit in _WORK for row in rows):
        return f"takes {_percents(rows)} % {'more' if more else 'less'}"
    return f"is {_percents(rows)} % {'higher' if more else 'lower'}"


def _where(part: Sequence[Row], first: int, last: int, times: int = 1) -> str:
    """Where among rows of one number of pieces those from `first` to `last` are."""
    start, end = (("" if times == 1 else f"{times} x ") + bytes_in_words(part[at].key.size or 0) for at in (first, last))
    if first == 0 and last == len(part) - 1:
        return ""
    if first == last:
        return f" at {start}"
    if last == len(part) - 1:
        return f" at {start} and above"
    return f" up to {end}" if first == 0 else f" from {start} to {end}"


def _subjects(found: Sequence[list[Row]]) -> list[str]:
    """What each table is called: the measure, with as much more as tells it from the others of the same measure."""
    names = []
    for table in found:
        key = table[0].key
        like = [other[0].key for other in found if other[0].key.measure == key.measure]
        params = [shown(value) for name, value in key.others() if len({one.get(name) for one in like}) > 1]
        paths = len({one.path for one in like}) > 1
        named = " ".join([key.measure, *params])
        names.append(f"{named} of {key.path}" if paths else named)
    return names


def _runs(table: Sequence[Row]) -> list[tuple[int, int]]:
    """The first and last of neighbours that changed in the same direction."""
    runs, begin = [], 0
    for at in range(1, len(table) + 1):
        if at == len(table) or table[at].verdict != table[begin].verdict:
            if table[begin].verdict in (MORE, LESS):
                runs.append((begin, at - 1))
            begin = at
    return runs


def _clauses(subject: str, table: list[Row]) -> list[_Clause]:
    """Of one table. Each number of pieces goes through all sizes again; what is the same for every number is said once."""
    if table[0].key.size is None:
        return [_Clause(row.key.words(), [row], "") for row in table if row.verdict in (MORE, LESS)]
    parts: dict[int, list[Row]] = {}
    for row in table:
        parts.setdefault(row.key.times, []).append(row)
    found: dict[tuple[str, int | None, int | None], list[tuple[int, int, int]]] = {}
    for times, part in parts.items():
        for first, last in _runs(part):
            # None: from the smallest, to the largest that there are of this number of pieces.
            start = part[first].key.size if first else None
            end = part[last].key.size if last < len(part) - 1 else None
            found.setdefault((part[first].verdict, start, end), []).append((times, first, last))
    clauses = []
    for runs in found.values():
        if len(runs) == len(parts):
            times, first, last = max(runs, key=lambda run: run[2] - run[1])
            rows = [row for number, begin, stop in runs for row in parts[number][begin : stop + 1]]
            clauses.append(_Clause(subject, rows, _where(parts[times], first, last)))
            continue
        for times, first, last in runs:
            where = _where(parts[times], first, last, times) or f" at {times} piece{'s' if times > 1 else ''} of any size"
            clauses.append(_Clause(subject, parts[times][first : last + 1], where))
    return clauses


def _alike(rows: Sequence[Row]) -> str | None:
    """Everything changed, and in the same direction."""
    first = rows[0].verdict
    if len(rows) > 1 and first in (MORE, LESS) and all(row.verdict == first for row in rows):
        if len({row.key.measure for row in rows}) > 1 or any(row.key.size is None for row in rows):
            return f"everything {_does(rows)}"
    return None


def _unclaimed(compared: Comparison) -> list[str]:
    """What to think of what is said, if there are too few boots to claim it."""
    number, least = min(len(compared.old.boots), len(compared.new.boots)), boots_to_claim(compared.mode)
    if number >= least or not compared.rows:
        return []
    if compared.mode == INSTRUCTIONS:
        return ["one boot alone does not show that its numbers repeat"]
    return [f"with {number} boot{'s' if number > 1 else ''} on a side nothing can be claimed, that takes {least}"]


def headline(compared: Comparison) -> str:
    """The sentence, without a full stop."""
    rows = compared.rows
    if not rows:
        return "nothing was compared: there is no row that both sides have"
    found = tables(rows)
    clauses = [one for subject, table in zip(_subjects(found), found) for one in _clauses(subject, table)]
    clauses.sort(key=lambda one: -one.largest)
    nothing = "no change" if compared.mode == INSTRUCTIONS else "no evidence of a change"
    unchanged = compared.with_verdict(NONE)
    if alike := _alike(rows):
        parts = [alike]
    elif clauses:
        parts = [one.words() for one in clauses[:CLAUSES]]
        if len(clauses) > CLAUSES:
            left = sum(len(one.rows) for one in clauses[CLAUSES:])
            parts.append(f"{left} more row{'s' if left > 1 else ''} changed less")
        if unchanged:
            parts.append("no change elsewhere" if compared.mode == INSTRUCTIONS else "no evidence elsewhere")
    else:
        parts = [nothing] if unchanged else []
    text = [", ".join(parts)] if parts else []
    if errors := len(compared.with_verdict(ERROR)):
        text.append(f"{errors} of {len(rows)} rows in ERROR")
    if compared.one_sided:
        number = len(compared.one_sided)
        text.append(f"{number} row{'s' if number > 1 else ''} on one side only")
    return "; ".join([*text, *_unclaimed(compared)])
