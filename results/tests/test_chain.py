# SPDX-License-Identifier: GPL-2.0-only
"""The links of a journal's lines: what somebody does to one line is found, and named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from results import journal

LINES = 7


def _write(path: Path, lines: int = LINES) -> list[bytes]:
    with journal.Writer(path, clock=lambda: 5.5) as writer:
        writer.write("run", journal=1, id="a", host="vtd", command=['"after":"'], suite={}, environment={})
        for number in range(2, lines + 1):
            writer.write("power", action="on", why=f"reason {number}")
    return path.read_bytes().splitlines(keepends=True)


def test_what_nobody_touched_hangs_together(tmp_path: Path) -> None:
    _write(tmp_path / "journal.jsonl")
    seen = journal.read(tmp_path / "journal.jsonl")
    assert seen.linked and seen.breaks == [] and len(seen.entries) == LINES


def _cut(lines: list[bytes]) -> None:
    del lines[3]


def _cut_two(lines: list[bytes]) -> None:
    del lines[3:5]


def _cut_first(lines: list[bytes]) -> None:
    del lines[0]


def _swap(lines: list[bytes]) -> None:
    lines[3], lines[4] = lines[4], lines[3]


def _change(lines: list[bytes]) -> None:
    lines[3] = lines[3].replace(b"reason", b"season")


def _garble(lines: list[bytes]) -> None:
    lines[3] = b"?" + lines[3][1:]


def _double(lines: list[bytes]) -> None:
    lines.insert(4, lines[3])


def _add(lines: list[bytes]) -> None:
    lines.insert(4, b'{"t":5.5,"kind":"power","action":"on","why":"mine"}\n')


@pytest.mark.parametrize(
    "do, found",
    [
        (_cut, ["line 4 was number 5 and follows number 3: line 4 was cut out"]),
        (_cut_two, ["line 4 was number 6 and follows number 3: lines 4 to 5 were cut out"]),
        (_cut_first, ["line 1 was number 2 and follows number 0: line 1 was cut out"]),
        (
            _swap,
            [
                "line 4 was number 5 and follows number 3: line 4 was cut out",
                "line 5 was number 4 and follows number 5: lines were moved, or added",
                "line 6 was number 6 and follows number 4: line 5 was cut out",
            ],
        ),
        (_change, ["line 5 does not follow from the line before: line 4 was changed, or this one"]),
        (
            _garble,
            ["line 4 is no JSON object any more", "line 5 does not follow from the line before: line 4 was changed, or this one"],
        ),
        (_double, ["line 5 was number 4 and follows number 4: lines were moved, or added"]),
        (
            _add,
            [
                "line 5 has no link to the line before: it was added, or changed",
                "line 6 was number 5 and follows number 5: lines were moved, or added",
            ],
        ),
    ],
)
def test_what_was_done_to_a_line_is_named(tmp_path: Path, do: Callable[[list[bytes]], None], found: list[str]) -> None:
    path = tmp_path / "journal.jsonl"
    lines = _write(path)
    do(lines)
    path.write_bytes(b"".join(lines))
    assert journal.read(path).breaks == found


def test_every_byte_of_every_line_but_the_last_counts(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    lines = _write(path, 3)
    data = path.read_bytes()
    for at in range(len(data) - len(lines[-1])):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
        assert journal.parse(changed).breaks, at


def test_a_run_that_is_gone_on_with_hangs_together(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    _write(path)
    path.write_bytes(path.read_bytes() + b'{"t":5')
    with journal.Writer(path, existing=True) as writer:
        assert writer.resume(command=["x"]) == 6
        writer.write("end", why="finished")
    seen = journal.read(path)
    assert seen.breaks == [] and len(seen.entries) == LINES + 2


def test_a_journal_without_links_stays_without(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text('{"t":1,"kind":"run","journal":1,"id":"a","host":"vtd","command":[],"suite":{},"environment":{}}\n')
    with journal.Writer(path, existing=True) as writer:
        writer.resume(command=["x"])
    seen = journal.read(path)
    assert not seen.linked and seen.breaks == [] and b"after" not in path.read_bytes()


def test_of_a_journal_in_pieces_not_every_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    lines = _write(path, 60)
    path.write_bytes(b"".join([lines[0], *reversed(lines[1:])]))
    breaks = journal.read(path).breaks
    assert len(breaks) == 21 and breaks[-1] == "and 39 lines more do not follow from the line before"
