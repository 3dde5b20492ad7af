# SPDX-License-Identifier: GPL-2.0-only
"""What the text and the Markdown of a comparison have in common: who was compared, numbers, notes and the legend."""

from __future__ import annotations

from collections.abc import Sequence

from results import inference
from results.compare import Comparison, order_of_boots
from results.conformance import Conformance
from results.gates import Outcome
from results.rows import AGREEMENT, AGREEING_BOOTS, NONE, SMALLEST, Row, boots_for_one_percent, boots_to_claim
from results.samples import OUTLIER_MADS, Figures, shown
from results.sides import INSTRUCTIONS, UNKNOWN, Side, together

NO_EVIDENCE = "~"
LISTED = 20  # tests with another verdict; --json has them all


def unit(row: Row, mode: str) -> str:
    """The unit for a reader: where the clock counts instructions, one ns is one instruction."""
    return "instructions" if mode == INSTRUCTIONS and row.unit == "ns" else row.unit


def title(table: Sequence[Row], mode: str) -> str:
    """What a table is of."""
    key = table[0].key
    if key.size is None:
        return "without a size"
    others = [f"{name}={shown(value)}" for name, value in key.others()]
    better = ", more is better" if table[0].better == "more" else ""
    return f"{key.measure}  ({', '.join([key.path, *others])}), {unit(table[0], mode)}{better}"


def number(value: float, digits: int) -> str:
    """A number in at most about so many characters; k, M, G ... are powers of 1000."""
    if abs(value) < 10:
        return f"{value:.3g}"
    scaled = value
    for suffix in ("", "k", "M", "G", "T", "P"):
        text = f"{scaled:.0f}{suffix}"
        if len(text) <= digits:
            return text
        scaled /= 1000
    return f"{value:.0e}"


def percent(change: float) -> str:
    """A change with its sign."""
    value = change * 100
    if abs(value) < 100:
        return f"{value:+.2f}"
    return ("+" if value > 0 else "-") + number(abs(value), 5)


def part(value: float) -> str:
    """A part of 1 without a sign: 0.1 %."""
    return f"{value * 100:g} %"


def verdict(row: Row) -> str:
    """The change, or that there is no evidence of one; in parentheses where there are too few boots to claim either."""
    if row.change is None:
        return "ERROR"
    if not row.claims:
        return f"({percent(row.change)})"
    return NO_EVIDENCE if row.verdict == NONE else percent(row.change)


def interval(row: Row) -> str:
    """The interval of the change, if there is one."""
    return "-" if row.low is None or row.high is None else f"[{percent(row.low)}, {percent(row.high)}]"


def _size(mine: Figures) -> str:
    return f"{mine.boots}x{mine.samples}"


def label(row: Row, mode: str) -> str:
    """What a row is called in its table."""
    return row.key.range() or f"{row.key.words()}, {unit(row, mode)}"


def count(row: Row) -> str:
    """Boots and the samples of each."""
    new, old = _size(row.new), _size(row.old)
    return new if new == old else f"{new},{old}"


def _one(side: Side) -> str:
    boots = f"{len(side.boots)} boot{'s' if len(side.boots) != 1 else ''}"
    return ", ".join(dict.fromkeys([side.label, f"Linux {side.releases()}", side.name, boots]))


def _both(old: str, new: str) -> str:
    return together([new, old])


def _calibration(compared: Comparison) -> str:
    one = compared.calibration
    if one is None:
        return f"calibration: none of {compared.old.host} in {compared.mode}; the smallest change is {part(SMALLEST)}"
    return (
        f"calibration: {one.bench}, {one.boots} boots of Linux {one.taken_on.release or 'unknown'} in {one.splits} splits, "
        f"{one.alarms} false alarm{'s' if one.alarms != 1 else ''}"
    )


def subject(compared: Comparison) -> list[str]:
    """What was compared, a line each."""
    old, new = compared.old, compared.new
    counted = "instructions (QEMU -icount)" if compared.mode == INSTRUCTIONS else "time"
    lines = [f"old  {_one(old)}", f"new  {_one(new)}"]
    lines.append(f"host {_both(old.host, new.host)}, in {counted}, boots {order_of_boots(old, new)}")
    made = {"suite": _both(old.suites(), new.suites())}
    for what, names in (("toolbox", ("toolbox", "key")), ("QEMU", ("qemu",)), ("processor", ("processor",))):
        made[what] = _both(old.all_of(*names), new.all_of(*names))
    lines.append(", ".join(f"{what} {which}" for what, which in made.items() if which != UNKNOWN))
    return [*lines, _calibration(compared)]


def warnings(compared: Comparison) -> tuple[list[str], list[str]]:
    """What comes first of all (it should not have been compared), and what else to think of."""
    return [f"FORCED, though not comparable: {reason}" for reason in compared.forced], compared.warnings


def notes(table: Sequence[Row]) -> list[str]:
    """What is odd in a table: rows in ERROR, and the samples of each side."""
    found = [f"{row.key.range() or row.key.words()}: ERROR, {row.why}" for row in table if row.why]
    both = (("new", [row.new for row in table]), ("old", [row.old for row in table]))
    outliers = [f"{number} in {name}" for name, mine in both if (number := sum(one.outliers for one in mine))]
    if outliers:
        found.append(f"outliers, kept: {', '.join(outliers)}")
    unsteady = [
        f"{name} {row.key.range() or row.key.words()} ({one.unsteady} of {one.boots} boots)"
        for name, mine in both for row, one in zip(table, mine) if one.unsteady
    ]  # fmt: skip
    return [*found, f"not steady: {', '.join(unsteady)}"] if unsteady else found


def reach(compared: Comparison) -> str | None:
    """What more boots would show; None where boots repeat, and where nothing is known."""
    if compared.mode == INSTRUCTIONS:
        return None
    least = boots_to_claim(compared.mode)
    needed = boots_for_one_percent(compared.rows)
    if needed is None:
        return f"a claim takes at least {least} boots on each side"
    middle, worst, key = needed
    return (
        f"a claim takes at least {least} boots on each side; to see a change of 1 % takes about {middle} in the middle row, "
        f"{worst} in the one whose boots differ most ({key.words()})"
    )


def gate_lines(outcomes: Sequence[Outcome]) -> list[str]:
    """What each --fail-on says."""
    lines = []
    for one in outcomes:
        lines.append(f"--fail-on '{one.gate.text}': {one.word}")
        lines += [f"  {row.key.words()}: {percent(row.change or 0.0)} %" for row in one.hits]
        lines += [f"  {key.words()}: unknown, {why}" for key, why in one.unknown]
    return lines


def legend(compared: Comparison) -> list[tuple[str, str]]:
    """What the columns are, term by term."""
    counted = compared.mode == INSTRUCTIONS
    whose = "the least of each boot: what is more depends on the kernel's objects that a call happens to get" if counted else (
        "the boots' medians, so that a few slow samples don't move it"
    )
    terms = [
        ("new,old", "columns of pairs: new first"),
        ("%", f"how much more new takes than old, positive: more; of {whose}"),
        (NO_EVIDENCE, "no evidence of a change; it does not show that there is none"),
        ("avg, min", "of all samples, for the eye: the % is not made of them"),
        ("n", "boots x samples in each; two numbers where new and old differ"),
        ("outlier", f"a sample more than {OUTLIER_MADS} median absolute deviations from its boot's median"),
        ("not steady", "in a boot the first third of the samples is not like the last one"),
    ]
    if min(len(compared.old.boots), len(compared.new.boots)) < boots_to_claim(compared.mode):
        terms.insert(2, ("(%)", "seen, but of too few boots: nothing is claimed"))
    if counted:
        terms.append((
            "evidence",
            f"boots of one kernel agree within {part(AGREEMENT)} (else the row is an ERROR), and the change is beyond that and beyond what "
            f"they differ by; takes {AGREEING_BOOTS} boots on each side",
        ))  # fmt: skip
        terms.append((
            "instructions",
            "what the processor executes. Not in them: caches, TLB and IOTLB misses, what MMIO costs, contention. A compiler that inlines "
            "otherwise moves a count without any change of what is done",
        ))  # fmt: skip
        return terms
    labels = compared.judged
    how = f"all {labels.labellings}" if labels.exact else f"{labels.labellings} random"
    terms.insert(2, ("interval", f"where the % is; all intervals together hold in {part(1 - inference.ALPHA)} of comparisons"))
    test = f" ({how} here)" if labels.labellings else ""
    terms.append((
        "evidence",
        f"the interval excludes 0, other labellings of the boots{test} seldom look as different (all rows together at most "
        f"{part(inference.ALPHA)}), and the change is not smaller than calibration allows",
    ))  # fmt: skip
    return terms


def conformance(found: Conformance) -> str:
    """How many tests came to another verdict, and which way."""
    text = f"conformance: {len(found.differences)} of {found.both} tests have another verdict"
    if found.differences:
        text += " (" + ", ".join(f"{number} {way}" for way, number in found.counts().items()) + ")"
    only = [f"{number} only in {side}" for number, side in ((found.only_old, "old"), (found.only_new, "new")) if number]
    return ", ".join([text, *only])
