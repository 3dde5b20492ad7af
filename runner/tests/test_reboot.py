# SPDX-License-Identifier: GPL-2.0-only
"""A machine that went down with a run on it: who did it, and what the kernel said."""

import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lab.errors import LabError
from results.journal import PlannedTest, Writer, read
from results.model import Result, Verdict
from results.tests.build_journal import tap_name
from results.waivers import WaiverFile
from runner import judge, reboot
from runner.collect import Seen, collect

PANIC = "<6>[   99.1] vfio-pci 0000:01:00.0: enabling\n<0>[  100.0] Kernel panic - not syncing: Fatal exception\n"


def planned(test: str) -> PlannedTest:
    return PlannedTest(id=test, path=test, title="t", requirements=[], kind="promise")


class Run:
    """The journal of a run on a real host, as far as it got."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.jsonl"
        self.writer = Writer(self.path)
        self.writer.write("run", journal=1, id="r", host="local", command=[], suite={}, environment={}, options={}, identity={})
        self.writer.write("plan", tests=[planned("a/b/first"), planned("a/b/second")], unselected=[])

    def event(self, ev: str, **keys: Any) -> None:
        self.writer.write("event", machine=1, event={"ev": ev, **keys})

    def boot(self, boot: str) -> None:
        self.event("hello", protocol=1, uname={"release": "7.3"}, boot=boot)
        self.writer.write("boot", machine=1, n=1)

    def test(self, name: str, ended: bool = True, started: bool = True) -> None:
        self.writer.write("next", machine=1, id=name)
        if started:
            self.event("test_start", id=name, pid=1, taint=0, monotonic_ns=1)
        if ended:
            self.event("output", id=name, fd="stdout", text=f"TAP version 13\n1..1\nok 1 {tap_name(name)}\n")
            self.event("test_end", id=name, outcome="exited", code=0, duration_ns=1, kmsg="read")

    def again(self) -> tuple[bool, Seen]:
        """Goes on with it, as `iommu-cts run --resume` does."""
        kept = collect(read(self.path))
        self.writer.close()
        self.writer = Writer(self.path, existing=True)
        self.writer.resume(command=[])
        noted = reboot.note(self.writer, kept)
        return noted, collect(read(self.path))

    def verdicts(self) -> dict[str, Result]:
        self.writer.write("end", why="finished")
        return {result.id: result for result in judge.judge(read(self.path), WaiverFile(), set(), date(2026, 1, 1)).results}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    words, boot = tmp_path / "pstore", tmp_path / "boot_id"
    words.mkdir()
    (words / "dmesg-ramoops-0").write_text(PANIC)
    os.utime(words / "dmesg-ramoops-0", (1 << 33, 1 << 33))
    boot.write_text("two\n")
    monkeypatch.setattr(reboot, "BOOT_ID", boot)
    monkeypatch.setattr(reboot, "PSTORE", (words,))
    return Run(tmp_path)


@pytest.mark.parametrize("started", [True, False])
def test_the_test_that_took_it_down_is_named_and_not_run_again(run: Run, started: bool) -> None:
    run.boot("one")
    run.test("a/b/first")
    run.test("a/b/second", ended=False, started=started)
    noted, seen = run.again()
    assert noted and seen.attempts["a/b/second"][-1].over
    found = run.verdicts()
    assert found["a/b/first"].verdict is Verdict.PASS
    second = found["a/b/second"]
    assert second.verdict is Verdict.FAIL and second.reason is not None and second.reason.code in ("lost", "splat")
    assert "Kernel panic" in "".join(evidence.text for evidence in second.evidence)


def test_between_tests_nobody_is_to_blame(run: Run) -> None:
    run.boot("one")
    run.test("a/b/first")
    noted, seen = run.again()
    assert noted and seen.attempts["a/b/first"][-1].lost is None
    found = run.verdicts()
    assert [found[name].verdict for name in ("a/b/first", "a/b/second")] == [Verdict.PASS, Verdict.MISS]


def test_the_same_boot_blames_nobody_and_the_test_is_run_again(run: Run) -> None:
    run.boot("two")
    run.test("a/b/first", ended=False)
    noted, seen = run.again()
    assert not noted and not seen.attempts["a/b/first"][-1].over


def test_a_machine_that_goes_down_without_a_test_is_not_tried_for_ever(run: Run) -> None:
    run.boot("one")
    assert run.again()[0]
    assert run.again()[0]
    with pytest.raises(LabError, match="went down 2 times while no test ran"):
        run.again()


def test_last_words_are_in_order_and_of_this_time(tmp_path: Path) -> None:
    for name, text, when in (("dmesg-efi-1", "<4>end\n", 200), ("dmesg-efi-2", "<4>begin\n", 200), ("dmesg-efi-9", "old", 50)):
        path = tmp_path / name
        path.write_text(text)
        os.utime(path, (when, when))
    assert reboot.last_words(100, (tmp_path, tmp_path / "none")).split() == ["begin", "end"]
