# SPDX-License-Identifier: GPL-2.0-only
"""What the pages of the manual show: the commands behind `$`, each with what it prints, in the order of a user's first hour.

In the output `[...]` stands for any lines. Numbers and digests are those of one day, and are not compared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from lab import cache

TOP = Path(__file__).resolve().parents[2]
PAGES = ("vendor", "distribution", "maintainer")
ANY = "[...]"


@dataclass
class Command:
    """A command line of a page; `code` is what the page says that it exits with."""

    line: str
    output: list[str] = field(default_factory=list)
    code: int = 0


def commands(page: str) -> list[Command]:
    """Those of docs/<page>.md. Blocks are indented by four blanks; `$ echo $?` belongs to the command before."""
    found: list[Command] = []
    inside = False
    for line in (TOP / "docs" / f"{page}.md").read_text("utf-8").splitlines():
        if line.startswith("    $ "):
            inside = True
            found.append(Command(line.removeprefix("    $ ").split("   # ")[0].rstrip()))
        elif inside and (line.startswith("    ") or not line):
            found[-1].output.append(line.removeprefix("    "))
        else:
            inside = False
    shown: list[Command] = []
    for one in found:
        if one.line == "echo $?":
            shown[-1].code = int(one.output[0])
            continue
        while one.output and not one.output[-1]:
            one.output.pop()
        shown.append(one)
    return shown


def same(line: str) -> str:
    """A line without what differs from one day or machine to the next."""
    line = re.sub(r"^/\S*/\.cache/", "/home/me/.cache/", line.replace(f"{cache.root()}/", "/home/me/.cache/iommu-cts/"))
    line = re.sub(r" with changes(?=,)|(?<=[0-9a-f]{12})\+", "", line)
    line = re.sub(r"SHA256:[A-Za-z0-9+/]+", "SHA256:#", line)
    return re.sub(r"\s+", " ", re.sub(r"\b[0-9a-f]{7,}\b|\d+", "#", line)).strip()


def differs(shown: list[str], said: list[str]) -> str | None:
    """The first line of a page that a command has not printed where it should; None if there is none."""
    left = [same(line) for line in said]
    loose = False
    for line in shown:
        if line == ANY:
            loose = True
            continue
        wanted = same(line)
        if loose:
            if wanted not in left:
                return line
            left = left[left.index(wanted) + 1:]
        elif not left or left.pop(0) != wanted:
            return line
        loose = False
    return None if loose or not any(left) else f"(there is more: {left[0]})"
