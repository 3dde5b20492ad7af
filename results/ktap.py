# SPDX-License-Identifier: GPL-2.0-only
"""results.ktap: a judged run as KTAP version 1 (the kernel's Documentation/dev-tools/ktap.rst).

Tests are nested by the components of their path. Evidence stands in diagnostic lines before a result line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from statistics import median

from results import claims_text
from results.model import Measurement, Result, Run, Verdict, leaf
from results.text import one_line, printable, seconds

# kunit_parser.py takes these, anywhere in a line, for the end of the kernel's output.
_KUNIT_END = re.compile(r"List of all partitions:|Kernel panic - not syncing: VFS:|reboot: System halted")


@dataclass
class _Group:
    """One level of nesting: its tests and groups by name, in the order of the plan."""

    entries: dict[str, Result | _Group] = field(default_factory=dict)


def render(run: Run) -> str:
    """The whole document."""
    root = _Group()
    for result in run.results:
        _insert(root, result)
    lines = _level(root)[0]
    for problem in run.problems:
        lines += _diagnostic(f"problem: {problem.kind}: {problem.text}")
    for claim in run.claims:
        lines += _diagnostic("\n".join([f"claim {claim.profile}: {claim.verdict}", *(f"  {line}" for line in claims_text.lines(claim))]))
    return "\n".join(lines) + "\n"


def _insert(group: _Group, result: Result) -> None:
    for part in result.path.split("/")[:-1]:
        inner = group.entries.setdefault(_name(part), _Group())
        while isinstance(inner, Result):  # a test has the name of a folder: both keep a name of their own
            part += "/"
            inner = group.entries.setdefault(_name(part), _Group())
        group = inner
    name = _name(leaf(result))
    while name in group.entries:
        name += "'"
    group.entries[name] = result


def _name(text: str) -> str:
    """A description may be anything but '#' and newline."""
    return one_line(text).replace("#", "_")


def _level(group: _Group) -> tuple[list[str], bool]:
    """The lines of one level, without the result line of the level itself, and whether all in it is well."""
    lines = ["KTAP version 1", f"1..{len(group.entries)}"]
    all_ok = True
    for number, (name, entry) in enumerate(group.entries.items(), 1):
        if isinstance(entry, Result):
            ok, directive = _outcome(entry)
            lines += _evidence(entry)
        else:
            inner, ok = _level(entry)
            directive = ""
            lines += ["  " + line for line in inner]
        all_ok = all_ok and ok
        lines.append(f"{'ok' if ok else 'not ok'} {number} {name}{directive}")
    return lines, all_ok


def _outcome(result: Result) -> tuple[bool, str]:
    """Is the result line `ok`, and what follows its name?"""
    text = one_line(f"{result.reason.code}: {result.reason.text}") if result.reason else ""
    if result.waived is not None:
        return True, f" # XFAIL {one_line(result.waived.reason)} {one_line(result.waived.url)}; {text}"
    if result.verdict is Verdict.SKIP:
        return True, f" # SKIP {text}"
    if result.verdict in (Verdict.ERROR, Verdict.MISS):
        return False, f" # ERROR {text}"
    if result.verdict is Verdict.FAIL:
        hang = result.reason is not None and result.reason.code == "hang"
        return False, f" # TIMEOUT {text}" if hang else f" # {text}"
    return True, ""


def _evidence(result: Result) -> list[str]:
    lines: list[str] = []
    if result.verdict in (Verdict.FAIL, Verdict.ERROR, Verdict.MISS):
        lines += _diagnostic(f"{leaf(result)}: requirements: {' '.join(result.requirements) or 'none'}")
    for evidence in result.evidence:
        lines += _diagnostic(f"{leaf(result)}: {evidence.kind}:")
        lines += _diagnostic(evidence.text, "  ")
    for note in result.notes:
        lines += _diagnostic(f"{leaf(result)}: note: {note}")
    if result.duration_ns is not None:
        lines += _diagnostic(f"{leaf(result)}: duration: {seconds(result.duration_ns)}")
    for measurement in result.measurements:
        lines += _diagnostic(f"{leaf(result)}: {describe(measurement)}")
    return lines


def describe(measurement: Measurement) -> str:
    """One line: the measure, its parameters, how many samples, the smallest, the median and the largest."""
    params = " ".join(f"{key}={value}" for key, value in measurement.params.items())
    samples = measurement.samples
    if not samples:
        return f"{measurement.measure} {params} n=0"
    return (
        f"{measurement.measure} {params} n={len(samples)} min={min(samples)} median={median(samples)} "
        f"max={max(samples)} {measurement.unit}"
    )


def _diagnostic(text: str, indent: str = "") -> list[str]:
    lines = printable(text).rstrip("\n").split("\n")
    return [f"# {indent}{_KUNIT_END.sub(_defuse, line)}".rstrip() for line in lines]


def _defuse(match: re.Match[str]) -> str:
    return match.group().replace(" ", "_")
