# SPDX-License-Identifier: GPL-2.0-only
"""Verdicts that change between runs are told, and with them what was said each time."""

from results.tests.build_journal import DEVICE, Builder, planned
from runner.again import changes
from runner.tests.judging import Judge, judge_fixture

__all__ = ["judge_fixture"]

READ, WRITE = "gate/read/refused", "gate/write/refused"
READ_ID, WRITE_ID = f"{READ}@{DEVICE}", f"{WRITE}@{DEVICE}"


def two() -> Builder:
    return Builder(planned(READ), planned(WRITE))


def test_the_same_each_time(run_of: Judge) -> None:
    again = [run_of(two().passed(READ_ID).failed(WRITE_ID).done()) for _ in range(3)]
    assert changes(again) == {}


def test_one_that_changed(run_of: Judge) -> None:
    first, second = run_of(two().passed(READ_ID).passed(WRITE_ID).done()), run_of(two().passed(READ_ID).failed(WRITE_ID).done())
    assert changes([first, first, second]) == {WRITE_ID: ["PASS", "PASS", "FAIL"]}


def test_one_that_was_not_planned_each_time(run_of: Judge) -> None:
    one = run_of(Builder(planned(READ)).passed(READ_ID).done())
    both = run_of(two().passed(READ_ID).passed(WRITE_ID).done())
    assert changes([one, both, one]) == {WRITE_ID: ["(not planned)", "PASS", "(not planned)"]}
