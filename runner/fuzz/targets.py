# SPDX-License-Identifier: GPL-2.0-only
"""Fuzz targets in Python: the reader of the stream, and all that is made of a journal.

A target takes any bytes. What it raises is a crash: either a reader did, which never should, or something does not hold that holds
for every input.
"""

from __future__ import annotations

import io
import json
import random
import re
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from rich.console import Console

from results import build, junit, ktap
from results.journal import EventEntry, ForgedEntry, Journal, LostEntry, NoiseEntry, Writer, read
from results.model import Result, Run
from results.summary import print_summary
from results.waivers import Waiver, WaiverFile
from runner.catalogue import skip_codes
from runner.collect import collect
from runner.fuzz import ktap_check, mutate
from runner.judge import exit_code, judge
from runner.stream import LINE_MAX, NOISE_CHARS, Frame, Gap, Item, Noise, StreamReader

TODAY = date(2027, 1, 15)
WAIVERS = WaiverFile("waivers.toml", [Waiver(1, "it is broken", "https://example.org/1", date(2027, 3, 31), test="access/bind/twice")])


@dataclass(frozen=True)
class Target:
    """`run` raises on what should not be. `mutate` makes new bytes from bytes and a seed."""

    run: Callable[[bytes], None]
    mutate: Callable[[bytes, int], bytes]


def run_stream(data: bytes) -> None:
    """However it is cut in pieces, the stream gives the same items, and each frame has stood in it as it was written."""
    items = _items(data, random.Random(zlib.crc32(data)))
    whole = StreamReader()
    assert items == whole.feed(data) + whole.close(), "pieces are read otherwise than the whole"
    sent = _frames(data)
    expected = 0
    for item in items:
        if isinstance(item, Noise):
            assert len(item.text) <= NOISE_CHARS
        elif isinstance(item, Gap):
            assert (item.expected, item.expected != item.seen) == (expected, True)
            expected = item.seen
        elif isinstance(item, Frame):
            assert any(_same(item.event, event) for event in sent.get(item.seq, [])), f"frame {item.seq} was not sent so"
            assert item.seq == expected or (item.seq == 0 and item.ev == "hello"), f"no gap before frame {item.seq}"
            expected = item.seq + 1
    _check_kept(items)


def _items(data: bytes, rng: random.Random) -> list[Item]:
    reader = StreamReader()
    items: list[Item] = []
    while data:
        size = rng.randrange(1, rng.choice((8, 512, 8192)))
        items += reader.feed(data[:size])
        assert len(reader._partial) <= LINE_MAX
        data = data[size:]
    return items + reader.close()


def _frames(data: bytes) -> dict[int, list[Any]]:
    """What the stream says where a checksum is right, looked for in another way than the reader's."""
    found: dict[int, list[Any]] = {}
    for line in data.split(b"\n"):
        at = line.find(b"@cts ")
        while at >= 0:
            words = line[at:].rstrip(b"\r").split(b" ", 3)
            if len(words) == 4 and words[2] == b"%08x" % zlib.crc32(words[3]):
                try:
                    found.setdefault(int(words[1]), []).append(json.loads(words[3]))
                except (ValueError, RecursionError):
                    pass
            at = line.find(b"@cts ", at + 1)
    return found


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: 1 is not true, and 1.0 is not 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _check_kept(items: list[Item]) -> None:
    """Whatever was read can be written to a journal, and is read there again."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.jsonl"
        with Writer(path, lambda: 1.0) as writer:
            writer.write("run", journal=1, id="i", host="h", command=[], suite={}, environment={})
            for item in items:
                if isinstance(item, Frame):
                    writer.write("event", event=item.event)
        journal = read(path)
    kept = [entry.event for entry in journal.entries if isinstance(entry, EventEntry)]
    frames = [item.event for item in items if isinstance(item, Frame)]
    assert not journal.problems and not journal.torn, journal.problems
    assert len(kept) == len(frames) and all(map(_same, kept, frames))


def run_journal(data: bytes) -> None:
    """Every report can be made of it. What was over before a tear is judged as if there had been none."""
    whole = _read(data)
    run = _judge(whole)
    assert run == _judge(whole), "the same journal is judged in two ways"
    _check_reports(run)
    cut = random.Random(zlib.crc32(data)).randrange(len(data) + 1)
    torn = _read(data[:cut])
    early = {result.id: result for result in _judge(torn).results}
    late = {result.id: result for result in run.results}
    for test in _over(torn, whole) & set(early):
        assert early[test] == late[test], f"{test}: {early[test]} became {late[test]}"


def _read(data: bytes) -> Journal:
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(data)
        return read(Path(file.name))


def _judge(journal: Journal) -> Run:
    return judge(journal, WAIVERS, skip_codes(), TODAY)


def _over(torn: Journal, whole: Journal) -> set[str]:
    """The tests that had ended when the journal tore, and of which nothing more is said after that.

    None where devices are told of later: whose a fault is depends on them.
    """
    assert whole.entries[: len(torn.entries)] == torn.entries, "a tear changed what is before it"
    rest = whole.entries[len(torn.entries) :]
    later = [entry.event for entry in rest if isinstance(entry, EventEntry)]
    if any(event.get("ev") in ("device", "taken") for event in later):
        return set()
    named = {event["id"] for event in later if isinstance(event.get("id"), str)}
    named |= {entry.id for entry in rest if isinstance(entry, (LostEntry, NoiseEntry)) and entry.id is not None}
    named |= {test for entry in rest if isinstance(entry, ForgedEntry) for test in entry.ids}
    return {test for test, attempts in collect(torn).attempts.items() if all(one.end for one in attempts)} - named


def _check_reports(run: Run) -> None:
    document = build.build(run, exit_code(run))
    assert _same(json.loads(build.dump(document), parse_constant=_refuse), document)
    top = ktap_check.check(ktap.render(run))
    assert all(ok for ok, _ in top) == all(map(_is_well, run.results))
    cases = list(ElementTree.fromstring(junit.render(run)).iter("testcase"))
    assert len(cases) == len(run.results) + len(run.problems)
    assert (exit_code(run) == 0) <= (not run.problems and all(map(_is_well, run.results)))
    shown = _Lines()
    print_summary(run, shown)
    assert not re.search("[\x00-\x08\x0b-\x1f]", shown.text), "a control character would reach the terminal"


class _Lines(Console):
    """A console that only collects: laying out what is printed takes longer than everything else."""

    def __init__(self) -> None:
        super().__init__(file=io.StringIO(), width=200)
        self.text = ""

    def print(self, *objects: Any, **_: Any) -> None:
        self.text += " ".join(map(str, objects)) + "\n"


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _is_well(result: Result) -> bool:
    return result.verdict in ("PASS", "SKIP", "DONE") or result.waived is not None


TARGETS = {"stream": Target(run_stream, mutate.stream), "journal": Target(run_journal, mutate.journal)}


def find(name: str) -> Target:
    """The target that is fuzzed; for runner/fuzz/python.c."""
    return TARGETS[name]
