# SPDX-License-Identifier: GPL-2.0-only
"""--fail-on 'map > 2%': how much a change may be."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from lab.errors import UsageError
from results.compare import Comparison
from results.rows import LESS, MORE, Row
from results.samples import Key

_FORM = re.compile(r"(?P<pattern>\S+)\s*(?P<sign>[<>])\s*(?P<number>[+-]?\d+(\.\d+)?)\s*%")


@dataclass(frozen=True)
class Gate:
    """`limit` is a part of 1; what is beyond it, in its own direction, is too much."""

    text: str
    pattern: str
    above: bool
    limit: float

    def matches(self, key: Key) -> bool:
        """Is it for this row? A pattern with a colon is for path and measure together."""
        return fnmatchcase(f"{key.path}:{key.measure}" if ":" in self.pattern else key.measure, self.pattern)

    def hit_by(self, row: Row) -> bool:
        """Did the row change beyond the limit, as far as there is evidence?"""
        if not row.claims or row.verdict not in (MORE, LESS):
            return False
        change = row.change if row.change is not None else math.nan
        return change > self.limit if self.above else change < self.limit


@dataclass(frozen=True)
class Outcome:
    """What a gate says of a comparison: the rows beyond it, and those of which nobody knows, with why."""

    gate: Gate
    hits: list[Row]
    unknown: list[tuple[Key, str]]

    @property
    def word(self) -> str:
        """hit, unknown or held."""
        return "hit" if self.hits else "unknown" if self.unknown else "held"


def parse(text: str) -> Gate:
    """PATTERN > N% or PATTERN < -N%. UsageError says what is wrong."""
    found = _FORM.fullmatch(text.strip())
    if not found:
        raise UsageError(f"--fail-on {text!r}: write PATTERN > N% or PATTERN < -N%, such as 'map > 2%'")
    above, limit = found["sign"] == ">", float(found["number"]) / 100
    if limit < 0 if above else limit > 0:
        raise UsageError(f"--fail-on {text!r}: no change at all is beyond that; write > N% for an increase or < -N% for a decrease")
    return Gate(text.strip(), found["pattern"], above, limit)


def judge(gates: Sequence[Gate], compared: Comparison) -> list[Outcome]:
    """What each gate says. UsageError for one that is for no row."""
    outcomes = []
    for gate in gates:
        rows = [row for row in compared.rows if gate.matches(row.key)]
        absent = [one for one in compared.one_sided if gate.matches(one.key)]
        if not rows and not absent:
            measures = sorted({row.key.measure for row in compared.rows})
            raise UsageError(f"--fail-on {gate.text!r}: no row matches; there are {', '.join(measures) or 'none'}")
        unknown = [(row.key, row.why or "too few boots for a claim") for row in rows if row.why or not row.claims]
        unknown += [(one.key, f"only {one.side} has it") for one in absent]
        outcomes.append(Outcome(gate, [row for row in rows if gate.hit_by(row)], unknown))
    return outcomes
