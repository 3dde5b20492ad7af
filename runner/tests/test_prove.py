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

OPEN = "gate/read/refused"
SHUT = "gate/write/refused"
FAULT = faults.Fault("gate-open", "gate", "the gate is open", ("GATE-001",), ("gate/*",), "vtd", ())


def proof(run_of: Judge, build: Builder) -> prove.Proof:
    return prove.of_run(FAULT, run_of(build.done()), Path("a-run"))


def two() -> Builder:
    return Builder(planned(OPEN, requirements=["GATE-001"]), planned(SHUT, requirements=["GATE-002"]))


def test_a_red_test_for_the_promise_catches_the_fault(run_of: Judge) -> None:
    found = proof(run_of, two().failed(f"{OPEN}@{DEVICE}").passed(f"{SHUT}@{DEVICE}"))
    assert (found.verdict, found.naming, found.tests) == ("caught", [f"{OPEN}@{DEVICE}"], 2)


def test_another_red_test_is_no_catch(run_of: Judge) -> None:
    found = proof(run_of, two().passed(f"{OPEN}@{DEVICE}").failed(f"{SHUT}@{DEVICE}"))
    assert (found.verdict, found.naming, found.red) == ("red elsewhere", [], [f"{SHUT}@{DEVICE}"])


def test_a_test_that_never_ran_is_no_catch(run_of: Judge) -> None:
    found = proof(run_of, two().passed(f"{SHUT}@{DEVICE}"))
    assert (found.verdict, found.troubled, found.tests) == ("MISSED", [f"{OPEN}@{DEVICE}"], 1)


def test_the_page_names_what_was_not_caught(run_of: Judge) -> None:
    caught = proof(run_of, two().failed(f"{OPEN}@{DEVICE}").passed(f"{SHUT}@{DEVICE}"))
    other = dataclasses.replace(FAULT, name="gate-shut", what="the gate | is shut")
    missed = dataclasses.replace(caught, fault="gate-shut", naming=[], red=[])
    page = prove.table([FAULT, other], {"gate-open": caught, "gate-shut": missed})
    assert "1 of 2 faults were caught" in page and "**MISSED**" in page and f"{OPEN}@{DEVICE} |" in page
    assert all(line.count("|") == 7 for line in page.replace("\\|", "").splitlines() if line.startswith("|"))
    with pytest.raises(LabError, match="1 faults were not tried yet: gate-shut"):
        prove.table([FAULT, other], {"gate-open": caught})


def test_what_came_out_is_kept(run_of: Judge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prove, "KEPT", tmp_path / "runs" / "proofs.json")
    assert prove.kept() == {}
    found = proof(run_of, two().failed(f"{OPEN}@{DEVICE}").passed(f"{SHUT}@{DEVICE}"))
    prove.keep({"gate-open": found})
    assert prove.kept() == {"gate-open": found}
    prove.KEPT.write_text("[{")
    with pytest.raises(LabError, match="proofs.json can't be read"):
        prove.kept()
