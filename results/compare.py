# SPDX-License-Identifier: GPL-2.0-only
"""Compares what kernels were measured as; docs/compare.md says how to read it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lab.errors import UsageError
from results import conformance
from results.calibration import Calibration
from results.rows import SMALLEST, Judged, Row, judge
from results.samples import Key, Measured
from results.sides import TIME, Side, rows


@dataclass(frozen=True)
class OneSided:
    """A row that only one side has, "old" or "new", and what the other says of its test."""

    key: Key
    side: str
    why: str


@dataclass(frozen=True)
class Comparison:
    """Two sides compared. `forced` are the reasons against it that were overruled, `warnings` what else to think of."""

    old: Side
    new: Side
    mode: str
    forced: list[str]
    warnings: list[str]
    calibration: Calibration | None
    judged: Judged
    one_sided: list[OneSided]
    conformance: conformance.Conformance

    @property
    def rows(self) -> list[Row]:
        """Those that both sides have."""
        return self.judged.rows

    def with_verdict(self, *verdicts: str) -> list[Row]:
        """The rows with one of these verdicts."""
        return [row for row in self.rows if row.verdict in verdicts]


def one_sided(old: Side, new: Side, before: Mapping[Key, Measured], after: Mapping[Key, Measured]) -> list[OneSided]:
    """The rows that only one side has."""
    found = []
    for name, other, mine, others in (("old", new, before, after), ("new", old, after, before)):
        found += [OneSided(key, name, _absence(key, other)) for key in sorted(mine.keys() - others.keys(), key=Key.order)]
    return found


def _absence(key: Key, other: Side) -> str:
    """What a side that has not got a row says of its test."""
    told = [result for boot in other.boots for result in boot.results if result.path == key.path]
    if not told:
        return "not run"
    words = Counter(result.word() for result in told)
    reason = conformance.why(told)
    return "/".join(words) + (f" {reason}" if reason else "" if set(words) - {"PASS", "DONE"} else ", without this row")


def refusals(old: Side, new: Side) -> list[str]:
    """Why the two must not be compared."""
    found = []
    for what, was, is_ in (
        ("host", old.host, new.host),
        ("mode", old.mode, new.mode),
        ("accelerator", old.all_of("accelerator"), new.all_of("accelerator")),
    ):
        if was != is_:
            found.append(f"another {what}, old {was}, new {is_}")
    for side in (old, new):
        if side.unfit:
            found.append(f"the kernel of {side.name} is not fit to be measured: {', '.join(side.unfit)}")
    return found


def _warnings(old: Side, new: Side) -> list[str]:
    found = []
    for what, was, is_ in (
        ("suite", old.suites(), new.suites()),
        ("toolbox", old.all_of("toolbox", "key"), new.all_of("toolbox", "key")),
        ("QEMU", old.all_of("qemu"), new.all_of("qemu")),
        ("processor", old.all_of("processor"), new.all_of("processor")),
    ):
        if was != is_:
            found.append(f"another {what}: old {was}, new {is_}")
    for name, side in (("old", old), ("new", new)):
        if len({boot.release for boot in side.boots}) > 1:
            found.append(f"{name}'s boots are of several kernels: {side.releases()}")
        found += [f"{name}: {note}" for note in side.notes]
    return found


def order_of_boots(old: Side, new: Side) -> str:
    """How the boots of the two sides followed each other."""
    began = [(boot.run.started, name) for name, side in (("old", old), ("new", new)) for boot in side.boots]
    if len({started for started, _ in began}) < len(began) or any(started is None for started, _ in began):
        return "in unknown order"
    names = [name for _, name in sorted(began, key=lambda one: str(one[0]))]
    changes = sum(one != other for one, other in zip(names, names[1:]))
    if changes <= 1:
        return "one side after the other"
    # Of ABAB and ABBA no side has more than two in a row.
    in_a_row = any(len(set(names[at : at + 3])) == 1 for at in range(len(names) - 2))
    return "partly interleaved" if in_a_row else "interleaved"


def compare(sides: Sequence[Side], force: bool, calibration: Callable[[str, str], Calibration | None]) -> list[Comparison]:
    """Each side against the first. UsageError if one must not be, unless `force`. `calibration` finds that of a host and a mode."""
    measured = rows(list(sides))
    return [
        _pair(sides[0], side, measured[0], mine, force, calibration) for side, mine in zip(sides[1:], measured[1:])
    ]


def _pair(
    old: Side, new: Side, before: Mapping[Key, Measured], after: Mapping[Key, Measured], force: bool,
    calibration: Callable[[str, str], Calibration | None],
) -> Comparison:  # fmt: skip
    against = refusals(old, new)
    if against and not force:
        way_out = "measure alike what is compared, on kernels without debugging, or compare it anyway with --force"
        raise UsageError("; ".join(["not comparable: " + against[0], *against[1:], way_out]))
    mode = old.mode if old.mode == new.mode else TIME
    calibrated = calibration(old.host, mode) if old.host == new.host else None
    judged = judge(mode, before, after, calibrated.smallest if calibrated else lambda _: SMALLEST, (len(old.boots), len(new.boots)))
    warnings = _warnings(old, new)
    if calibrated:
        warnings += calibrated.unlike(old)
    missing = one_sided(old, new, before, after)
    if not judged.rows and not missing:
        warnings.append("no test of either side measured anything")
    return Comparison(old, new, mode, against, warnings, calibrated, judged, missing, conformance.compare(old, new))
