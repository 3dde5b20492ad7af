# SPDX-License-Identifier: GPL-2.0-only
"""The journal: what is written can be read again, and damage is told, not thrown."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from results import journal
from results.tests.build_journal import Builder, planned

TEST = planned("access/parked/read")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with journal.Writer(path, clock=lambda: 5.5) as writer:
        writer.write("run", journal=1, id="a", host="vtd", command=["x"], suite={}, environment={})
        writer.write("plan", tests=[TEST | {"skip": {"code": "no-cdev", "text": "none"}}],
                     unselected=[journal.Left("a/b/c", ["X-001"])])
        writer.write("boot", n=1)
        writer.write("event", event={"ev": "hello"})
        writer.write("noise", text="\u00e9\ud800\x00")
        writer.write("gap", expected=1, seen=3)
        writer.write("forged", machine=2, text="twice", ids=["a"], frames=["{}"])
        writer.write("boot_failed", machine=2, why="no answer", console="")
        writer.write("lost", id=None, why="no answer", console="")
        writer.write("power", action="off", why="done")
        writer.write("lab_error", error="no")
        writer.write("environment", environment={"a": 1})
        # each line is in the file before the writer is closed
        assert len(path.read_bytes().splitlines()) == 12
        writer.write("end", why="finished")
    seen = journal.read(path)
    assert seen.problems == [] and not seen.torn
    kinds = " ".join(type(entry).__name__.removesuffix("Entry") for entry in seen.entries)
    assert kinds == "Run Plan Boot Event Noise Gap Forged BootFailed Lost Power LabError Environment End"
    assert {entry.t for entry in seen.entries} == {5.5}
    plan = seen.entries[1]
    assert isinstance(plan, journal.PlanEntry)
    assert plan.tests[0].skip == journal.Skip("no-cdev", "none") and plan.tests[0].device == TEST["device"]
    assert plan.unselected == [journal.Left("a/b/c", ["X-001"])]


def test_a_journal_is_never_overwritten(tmp_path: Path) -> None:
    path = Builder().write(tmp_path)
    before = path.read_bytes()
    with pytest.raises(journal.JournalError, match="journal.jsonl: there is a journal already"):
        journal.Writer(path)
    assert path.read_bytes() == before


def test_a_journal_that_is_written_is_nobody_elses(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with journal.Writer(path) as writer:
        writer.write("boot", n=1)
        with pytest.raises(journal.JournalError, match="the run is still going on"):
            journal.Writer(path, existing=True)
    journal.Writer(path, existing=True).close()


def test_a_torn_line_is_cut_off_when_the_run_goes_on(tmp_path: Path) -> None:
    whole = Builder(TEST).passed(TEST["id"]).text()
    path = tmp_path / "journal.jsonl"
    for torn in (b"", b'{"t":1,"kind":"boo', b"x"):
        path.write_bytes(whole + torn)
        with journal.Writer(path, existing=True) as writer:
            assert path.read_bytes() == whole + torn  # a look changes nothing
            assert writer.resume(command=["x"]) == len(torn)
            writer.write("boot", n=2)
        seen = journal.read(path)
        assert path.read_bytes().startswith(whole) and not seen.torn and not seen.problems
        assert isinstance(seen.entries[-2], journal.ResumeEntry) and seen.entries[-2].cut == len(torn)


def test_threads_do_not_mix_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with journal.Writer(path) as writer:
        writer.write("run", journal=1, id="a", host="vtd", command=[], suite={}, environment={})

        def write(text: str) -> None:
            for _ in range(200):
                writer.write("noise", text=text * 100)

        threads = [threading.Thread(target=write, args=(text,)) for text in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    seen = journal.read(path)
    assert len(seen.entries) == 801 and not seen.problems


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(journal.JournalError, match="cannot create the journal: No such file"):
        journal.Writer(tmp_path / "none" / "journal.jsonl")
    with pytest.raises(journal.JournalError, match="cannot read the journal: No such file"):
        journal.read(tmp_path / "journal.jsonl")


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that stops halfway leaves a torn last line, and nothing is written behind it."""
    path = tmp_path / "journal.jsonl"
    writer = journal.Writer(path)
    writer.write("lab_error", error="first")
    real, room = os.write, [5]

    def write(fd: int, data: bytes) -> int:
        if not room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(fd, data[: room.pop()])

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(journal.JournalError, match="No space left on device.*make room and go on by `iommu-cts run --resume"):
        writer.write("lab_error", error="second")
    monkeypatch.undo()
    with pytest.raises(journal.JournalError, match="closed"):
        writer.write("lab_error", error="third")
    writer.close()
    assert journal.read(path).torn and path.read_bytes().count(b"\n") == 1


def test_every_cut_of_a_journal_can_be_read(tmp_path: Path) -> None:
    data = Builder(TEST).passed(TEST["id"]).done().text()
    path = tmp_path / "journal.jsonl"
    ends = [at + 1 for at, byte in enumerate(data) if byte == ord("\n")]
    for cut in range(len(data) + 1):
        path.write_bytes(data[:cut])
        seen = journal.read(path)
        assert len(seen.entries) == sum(end <= cut for end in ends)
        assert seen.torn == (cut not in (0, *ends))
        assert bool(seen.problems) == (cut < ends[0])


@pytest.mark.parametrize("line, problem", [
    (b"{", "no JSON"),
    (b"\xff\xfe", "no JSON"),
    (b'{"t":NaN,"kind":"boot","n":1}', "no JSON"),
    (b'{"t":1,"kind":"event","event":{"a":1e999}}', "no JSON"),
    (b'{"t":1,"kind":"event","event":{"a":%s}}' % (b"[" * 79 + b"]" * 79), "no JSON"),
    (b"[" * 100000, "no JSON"),
    (b"[1]", "no JSON object"),
    (b'{"t":1}', "no 'kind'"),
    (b'{"t":1,"kind":"boot"}', "boot: no 'n'"),
    (b'{"t":1,"kind":"boot","n":"1"}', "boot: 'n' is no integer"),
    (b'{"t":1,"kind":"boot","n":true}', "boot: 'n' is no integer"),
    (b'{"t":1,"kind":"boot","n":18446744073709551616}', "boot: 'n' has more than 64 bits"),
    (b'{"t":1%s,"kind":"boot","n":1}' % (b"0" * 400), "boot: 't' has more than 64 bits"),
    (b'{"t":"1","kind":"boot","n":1}', "boot: 't' is no number"),
    (b'{"t":1e300,"kind":"boot","n":1}', "boot: 't' is no time: 1e+300"),
    (b'{"kind":"boot","n":1}', "boot: no 't'"),
    (b'{"t":1,"kind":"event","event":[]}', "event: 'event' is no object"),
    (b'{"t":1,"kind":"plan","tests":{}}', "plan: 'tests' is no list"),
    (b'{"t":1,"kind":"plan","tests":[5]}', "plan: 'tests[0]' is no object"),
    (b'{"t":1,"kind":"plan","tests":[{"id":"","path":"","title":null,"kind":"","requirements":[1]}]}',
     "plan: tests[0]: 'requirements[0]' is no string"),
    (b'{"t":1,"kind":"plan","tests":[{"id":"a","path":"a","title":null,"kind":"x"}]}',
     "plan: a: 'kind' is none of promise, characterisation, measurement"),
    (b'{"t":1,"kind":"run","journal":1,"id":"","host":"","command":[],"suite":{},"environment":{}}',
     "'run' has to be the first line and no other"),
])
def test_a_bad_line_is_told_and_hides_no_other(tmp_path: Path, line: bytes, problem: str) -> None:
    lines = Builder(TEST).done().text().splitlines()
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"\n".join([lines[0], line, *lines[1:], b""]))
    seen = journal.read(path)
    assert seen.problems == [f"line 2: {problem}"]
    assert len(seen.entries) == len(lines)


def test_first_line(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    lines = Builder(TEST).done().text().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[1:]))
    assert journal.read(path).problems == ["line 1: 'run' has to be the first line and no other"]
    path.write_bytes(lines[0].replace(b'"journal": 1', b'"journal": 2'))
    assert journal.read(path).problems == ["line 1: run: journal version 2; this program reads version 1"]
    path.write_bytes(b"")
    assert journal.read(path).problems == ["the journal has no complete line"]


def test_kinds_and_keys_of_a_later_version_are_ignored(tmp_path: Path) -> None:
    seen = Builder(TEST).add("weather", sky="blue").add("boot", n=2, colour="red").read(tmp_path)
    assert seen.problems == [] and isinstance(seen.entries[-1], journal.BootEntry)
