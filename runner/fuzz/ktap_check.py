# SPDX-License-Identifier: GPL-2.0-only
"""Is a text KTAP as the kernel's Documentation/dev-tools/ktap.rst describes it?"""

from __future__ import annotations

import re

_PLAN = re.compile(r"1\.\.(\d+)")
_RESULT = re.compile(r"(?:not )?ok (\d+)(?: (?P<name>[^#]+?))?(?: # .+)?")


def check(text: str) -> list[tuple[bool, str]]:
    """The results of the top level: is it well, and its name. ValueError names the first line at fault."""
    if not text.endswith("\n"):
        raise ValueError("no newline at the end")
    lines = text[:-1].split("\n")
    found, at = _level(lines, 0, "")
    if at != len(lines):
        raise ValueError(f"line {at + 1}: does not belong to any level: {lines[at]!r}")
    return found


def _level(lines: list[str], at: int, indent: str) -> tuple[list[tuple[bool, str]], int]:
    """One level from its version line on; the results and the number of the first line after it."""
    found: list[tuple[bool, str]] = []
    if lines[at] != f"{indent}KTAP version 1":
        raise ValueError(f"line {at + 1}: no version: {lines[at]!r}")
    plan = _PLAN.fullmatch(lines[at + 1].removeprefix(indent))
    if plan is None:
        raise ValueError(f"line {at + 2}: no plan: {lines[at + 1]!r}")
    inner: list[tuple[bool, str]] | None = None
    at += 2
    while at < len(lines) and lines[at].startswith(indent):
        line = lines[at][len(indent) :]
        if line.startswith("  "):
            inner, at = _level(lines, at, indent + "  ")
            continue
        at += 1
        if line.startswith("#"):
            continue
        result = _RESULT.fullmatch(line)
        if result is None or int(result[1]) != len(found) + 1 or not result["name"]:
            raise ValueError(f"line {at}: no result with the number {len(found) + 1}: {line!r}")
        ok = line.startswith("ok")
        if inner is not None and ok != all(one for one, _ in inner):
            raise ValueError(f"line {at}: {line!r} is not what the level before it says")
        inner = None
        if result["name"] in (name for _, name in found):
            raise ValueError(f"line {at}: {result['name']!r} stands twice")
        found.append((ok, result["name"]))
    if len(found) != int(plan[1]):
        raise ValueError(f"{len(found)} results, and the plan says {plan[1]}")
    return found, at
