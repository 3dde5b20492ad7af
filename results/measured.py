# SPDX-License-Identifier: GPL-2.0-only
"""What one kernel was measured as, for a terminal; and whether its boots agree."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from results.rows import AGREEMENT
from results.samples import Figures, Key, figures
from results.sides import INSTRUCTIONS, MEASURED, Side, rows
from results.text import printable

LOOP = "bench/loop/cost"
LOOP_MAX = 0.005  # what measuring may add to a bare loop, where instructions are counted


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 1000 else f"{value:.4g}"


def _loop(found: dict[Key, Figures]) -> float | None:
    """What the loop that measures takes more than a bare one, as a part of that; None if it was not measured."""
    loops = {key.get("loop"): row.middle for key, row in found.items() if key.path == LOOP and key.measure == "loop"}
    bare, usual = loops.get("bare"), loops.get("usual")
    return usual / bare - 1 if bare and usual is not None else None


def _tests(side: Side, console: Console) -> None:
    """What was not measured, and why."""
    for told in side.results().values():
        result = told[0]
        if result.verdict not in ("DONE", "PASS"):
            why = f"{result.reason.code}: {result.reason.text}" if result.reason else ""
            console.print(Text(f"{result.word()} {result.id}  {why}"), soft_wrap=True)


def _notes(side: Side, console: Console) -> None:
    """What the tests noted of how they measured, each once."""
    for note in dict.fromkeys(note for told in side.results().values() for one in told if one.verdict in MEASURED for note in one.notes):
        console.print(Text(printable(note)), soft_wrap=True)


def print_bench(side: Side, console: Console) -> int:
    """Prints each row with its samples, and what is not as it should be; returns how many things are not."""
    (measured,) = rows([side])
    found = {key: figures(row) for key, row in sorted(measured.items(), key=lambda item: item[0].order())}
    counted = side.mode == INSTRUCTIONS
    console.print(Text(f"{side.name}  host {side.host}, Linux {side.releases()}, {len(side.boots)} boots, in {side.mode}", "bold"))
    table = Table(box=None, header_style="bold")
    shown = ("least", "average") if counted else ("median", "min")
    for heading in ("row", "unit", "n", *shown, "boots differ by", ""):
        table.add_column(heading, justify="left" if heading in ("row", "unit", "") else "right")
    wrong = 0
    for key, row in found.items():
        unit = side.unit(measured[key].unit)
        bad = measured[key].counted and row.spread > AGREEMENT
        wrong += bad
        table.add_row(
            Text(key.words()), unit, f"{row.boots}x{row.samples}", _number(row.middle),
            _number(row.average if counted else row.minimum),
            f"{100 * row.spread:.3f} %", Text("ERROR", "bold magenta") if bad else "",
        )  # fmt: skip
    console.print(table)
    _tests(side, console)
    _notes(side, console)
    if counted and len(side.boots) > 1:
        worst = max((row.spread for key, row in found.items() if measured[key].counted), default=0.0)
        agree = f"{len(found) - wrong} of {len(found)} rows agree to {100 * AGREEMENT:g} % between boots"
        console.print(f"{agree}; the worst differs by {100 * worst:.3f} %")
    elif counted:
        console.print("one boot: that boots agree was not shown")
    cost = _loop(found)
    if cost is not None:
        late = counted and cost > LOOP_MAX
        wrong += late
        console.print(f"measuring adds {100 * cost:+.2f} % to a bare loop of calls" + (" ERROR" if late else ""))
    return wrong
