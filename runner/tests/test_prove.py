# SPDX-License-Identifier: GPL-2.0-only
"""What a run on a faulty kernel is worth, and the page that is made of it."""

import dataclasses
from pathlib import Path

import pytest

from lab import faults
from lab.errors import LabError
from results.tests.build_journal import DEVICE, Builder, planned
from runner import prove
from runner.tests.judging import Judge, judge_fixture

__all__ = ["judge_fixture"]

READ, WRITE = "gate/read/refused", "gate/write/refused"
READ_ID, WRITE_ID = f"{READ}@{DEVICE}", f"{WRITE}@{DEVICE}"
FAULT = faults.Fault("gate-open", "gate", "the gate is open", ("GATE-001",), ("gate/*",), "vtd", ())


def proof(run_of: Judge, build: Builder, known: tuple[str, ...] = ()) -> prove.Proof:
    return prove.of_run(FAULT, run_of(build.done()), known)


def two() -> Builder:
    return Builder(planned(READ, requirements=["GATE-001"]), planned(WRITE, requirements=["GATE-002"]))


def test_a_red_test_for_the_promise_catches_the_fault(run_of: Judge) -> None:
    found = proof(run_of, two().failed(READ_ID).passed(WRITE_ID))
    assert (found.verdict, found.naming, found.examples) == ("caught", 1, [READ_ID])


def test_another_red_test_is_no_catch(run_of: Judge) -> None:
    found = proof(run_of, two().passed(READ_ID).failed(WRITE_ID))
    assert (found.verdict, found.naming, found.red, found.examples) == ("red elsewhere", 0, 1, [WRITE_ID])


def test_all_green_is_a_miss(run_of: Judge) -> None:
    assert proof(run_of, two().passed(READ_ID).passed(WRITE_ID)).verdict == "MISSED"


def test_what_is_red_without_the_fault_is_no_catch(run_of: Judge) -> None:
    assert proof(run_of, two().failed(READ_ID).passed(WRITE_ID), known=(READ_ID,)).verdict == "MISSED"


def test_of_a_test_that_never_ran_nobody_knows(run_of: Judge) -> None:
    found = proof(run_of, two().passed(WRITE_ID))
    assert (found.verdict, found.troubled, found.examples) == ("in trouble", 1, [READ_ID])


def test_the_page_names_what_was_not_caught(run_of: Judge) -> None:
    caught = proof(run_of, two().failed(READ_ID).passed(WRITE_ID))
    other = dataclasses.replace(FAULT, name="gate-shut", what="the gate | is shut")
    missed = dataclasses.replace(caught, fault="gate-shut", naming=0, red=0, examples=[])
    page = prove.table([FAULT, other], {"gate-open": caught, "gate-shut": missed})
    assert "1 of 2 faults were caught" in page and "**MISSED**" in page and f"{READ_ID} |" in page
    assert all(line.count("|") == 7 for line in page.replace("\\|", "").splitlines() if line.startswith("|"))
    assert "1 of 1 faults were caught" in (page := prove.table([FAULT, other], {"gate-open": caught}))
    assert "1 were not tried yet" in page and "| not tried yet |" in page


def test_faults_are_grouped_by_the_kernel_of_their_hosts() -> None:
    on = [dataclasses.replace(FAULT, name=name, host=name) for name in ("amdvi", "smmuv3", "vtd", "smmuv3-64k", "vtd-ss")]
    groups = [[fault.name for fault in group] for _, group in prove._by_kernel(on)]
    assert groups == [["amdvi", "vtd", "vtd-ss"], ["smmuv3"], ["smmuv3-64k"]]


def test_what_came_out_is_kept_as_long_as_the_fault_is_the_same(
    run_of: Judge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prove, "KEPT", tmp_path / "proofs.jsonl")
    assert prove.kept([FAULT]) == {}
    found = proof(run_of, two().failed(READ_ID).passed(WRITE_ID))
    prove.keep({"gate-open": found})
    assert prove.kept([FAULT]) == {"gate-open": found}
    assert prove.kept([dataclasses.replace(FAULT, tests=("gate/read/*",))]) == {}
    prove.KEPT.write_text("{")
    with pytest.raises(LabError, match="proofs.jsonl can't be read"):
        prove.kept([FAULT])
