# SPDX-License-Identifier: GPL-2.0-only
"""Markdown that is made by a program: whatever a text holds, it stays text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from results.text import one_line


def plain(text: str) -> str:
    """Text of ours, in a line or in a cell of a table."""
    return re.sub(r"[\\`*<>\[\]|~]|(?<!\w)_|_(?!\w)", r"\\\g<0>", one_line(text))


def code(text: str) -> str:
    """Text that others wrote: in code no name is a mention, and no address a link."""
    return "`" + one_line(text).replace("`", "'").replace("|", "\\|") + "`"


def line(cells: Iterable[str]) -> str:
    """A row of a table. The cells are Markdown already."""
    return f"| {' | '.join(cells)} |"


def table(headings: Sequence[str], lines: Iterable[Iterable[str]]) -> list[str]:
    """The lines of a table, an empty one last. The cells are Markdown already."""
    return [line(headings), line("---" for _ in headings), *map(line, lines), ""]
