# SPDX-License-Identifier: GPL-2.0-only
"""A gate for people: on the terminal, and as Markdown for the summary of a merge request."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from results import compare_words, gate
from results.gate import CHANGES, CLOSED, NOBODY_KNOWS, OPEN, Gate, Item
from results.headline import headline
from results.markdown import code, plain, table
from results.text import crop, printable

WIDTH = 100
LISTED = 20  # tests of one change on the terminal
FOLDED = 200  # and in Markdown, where the rest is counted: platforms cut long texts off
_STYLES = {OPEN: "bold green", CLOSED: "bold red", NOBODY_KNOWS: "bold magenta"}
_SHOWN_OPEN = (gate.NEW_FAILURE, gate.LOST, gate.NOT_KNOWN)  # in Markdown; the rest is folded


def heading(found: Gate) -> list[str]:
    """What was compared, and how many tests became what."""
    lines = [
        f"{name} {kept.id}: host {kept.host}, Linux {kept.kernel}, suite {kept.suite}, {len(kept.results)} tests"
        for name, kept in (("baseline ", found.baseline), ("candidate", found.candidate))
    ]
    counts = [f"{len(found.of(change))} {change}" for change in CHANGES if found.of(change)]
    lines.append(f"{found.both} tests on both sides: {', '.join(counts) or 'each came to the verdict that it had'}")
    if found.baseline.suite != found.candidate.suite:
        lines.append("WARNING: the suites differ, so that a test may be another one or be gone")
    if found.baseline.kernel == found.candidate.kernel and found.baseline.build != found.candidate.build:
        old, new = (kept.build[:12] if kept.build else "unknown" for kept in (found.baseline, found.candidate))
        lines.append(f"of Linux {found.candidate.kernel} these are two builds: {old} and {new}")
    return lines


def reason(item: Item) -> str:
    """Why the test is what it is, in one line."""
    return item.why or "" if item.known is None else f"known: {item.known}"


def problems(found: Gate) -> list[str]:
    """What is wrong with the runs beside their results."""
    sides = (("baseline", found.baseline), ("candidate", found.candidate))
    return [f"{name}: {text}" for name, kept in sides for text in kept.problems]


def _unstable(found: Gate) -> str:
    number = len(found.flaky)
    tests = f"{number} flaky test{'s' if number != 1 else ''}"
    return f"{tests}: several verdicts on one host, build of a kernel and suite, in {found.runs} runs"


def performance(found: Gate) -> list[str]:
    """What the benches say, a line for each limit."""
    if found.performance is None:
        return []
    return [f"{headline(found.performance.compared)}.", *compare_words.gate_lines(found.performance.outcomes)]


def print_gate(found: Gate, console: Console) -> None:
    """The gate on a terminal, its verdict last."""
    def say(text: str, style: str = "") -> None:
        console.print(Text(crop(printable(text), WIDTH), style), soft_wrap=True)

    for text in heading(found):
        say(text)
    for change in CHANGES:
        items = found.of(change)
        if not items:
            continue
        console.print()
        say(f"{change}  {len(items)}", "bold")
        for item in items[:LISTED]:
            say(f"  {item.words():<16} {item.test}{'  (flaky)' if item.flaky else ''}")
            if reason(item):
                say(f"    {reason(item)}", "dim")
        if len(items) > LISTED:
            say(f"  and {len(items) - LISTED} more")
    if found.flaky:
        console.print()
        say(_unstable(found), "bold")
        for test, words in list(found.flaky.items())[:LISTED]:
            say(f"  {'/'.join(words):<16} {test}")
    for title, lines in (("performance", performance(found)), ("problems of the runs", problems(found))):
        if lines:
            console.print()
            say(title, "bold")
        for text in lines:
            say(f"  {text}")
    console.print()
    unknown = "nobody knows whether the gate is open: the lab failed, or a run is not whole"
    say(unknown if found.word == NOBODY_KNOWS else f"the gate is {found.word}", _STYLES[found.word])


def markdown(found: Gate) -> str:
    """The same for GitHub and GitLab: what closes the gate is shown, the rest folded."""
    text = [f"## iommu-cts gate: {found.word}", "", *(f"- {plain(one)}" for one in heading(found)), ""]
    text += [f"- {plain(one)}" for one in performance(found)]
    text += [f"- problem of the runs: {code(one)}" for one in problems(found)] + [""]
    for change in CHANGES:
        items = found.of(change)
        if not items:
            continue
        title = f"{change}: {len(items)} test{'s' if len(items) != 1 else ''}"
        rows = table(["test", "was, is", "why"], [_row(item) for item in items[:FOLDED]])
        if len(items) > FOLDED:
            rows += [f"and {len(items) - FOLDED} more", ""]
        text += [f"### {title}", "", *rows] if change in _SHOWN_OPEN else _folded(title, rows)
    if found.flaky:
        rows = table(["test", "verdicts"], [[code(test), "/".join(words)] for test, words in list(found.flaky.items())[:FOLDED]])
        text += _folded(_unstable(found), rows)
    return "\n".join(text)


def _row(item: Item) -> list[str]:
    return [code(item.test) + (" (flaky)" if item.flaky else ""), item.words(), code(crop(reason(item), 300)) if reason(item) else ""]


def _folded(title: str, rows: Sequence[str]) -> list[str]:
    return ["<details>", f"<summary>{title}</summary>", "", *rows, "</details>", ""]
