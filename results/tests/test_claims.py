# SPDX-License-Identifier: GPL-2.0-only
"""What a run says of a claim, and how it is told."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console

from lab.errors import UsageError
from results import build, claims, claims_text, junit, ktap, report
from results.model import Claim, Reason, Result, Run, State, Verdict, Waived
from results.summary import print_summary
from results.tests.build_journal import Builder, planned
from runner import catalogue, profiles
from runner.catalogue import Requirement, Untested
from runner.judge import exit_code
from runner.profiles import Profile

TODAY = date(2027, 1, 15)
CAUSES = {"no-feature": catalogue.ABSENT, "no-room": catalogue.LAB}
KNOWN = Waived("r", "https://x", date(2027, 3, 1))


def requirement(name: str, untested: Untested | None = None) -> Requirement:
    return Requirement(name, f"{name} is kept", "s", "src", "must", "promise", (), "6.6", untested=untested)


def result(verdict: Verdict, code: str | None = None, waived: Waived | None = None, **keys: Any) -> Result:
    reason = Reason(code or "assertion", "because") if verdict not in (Verdict.PASS, Verdict.DONE) else None
    name = keys.pop("id", "a/b/c")
    return Result(name, name, None, None, ["A-001"], keys.pop("kind", "promise"), verdict, reason, waived, **keys)


def judged(*results: Result, demanded: bool = True, untested: Untested | None = None) -> Claim:
    profile = Profile("core", "t", "c", ("A-001",) if demanded else (), {} if demanded else {"A-001": "it has it"})
    return claims.judge(profile, results, {"A-001": requirement("A-001", untested)}, CAUSES)


PASS, FAIL, FAIL_KNOWN = result(Verdict.PASS), result(Verdict.FAIL), result(Verdict.FAIL, waived=KNOWN)
ERROR, MISS = result(Verdict.ERROR, "lab"), result(Verdict.MISS, "never-ran")
ABSENT, LAB = result(Verdict.SKIP, "no-feature"), result(Verdict.SKIP, "no-room")


@pytest.mark.parametrize(
    ("results", "state", "verdict"),
    [
        ([PASS, PASS], State.HELD, "HELD"),
        ([PASS, ABSENT], State.HELD, "HELD"),
        ([PASS, LAB], State.HELD, "HELD"),
        ([PASS, FAIL], State.BROKEN, "NOT HELD"),
        ([PASS, FAIL_KNOWN], State.KNOWN, "NOT HELD"),
        ([FAIL_KNOWN, FAIL], State.BROKEN, "NOT HELD"),
        ([ERROR, FAIL], State.BROKEN, "NOT HELD"),
        ([PASS, ERROR], State.NOT_COVERED, "INCOMPLETE"),
        ([PASS, MISS], State.NOT_COVERED, "INCOMPLETE"),
        ([LAB], State.NOT_COVERED, "INCOMPLETE"),
        ([ABSENT, LAB], State.NOT_COVERED, "INCOMPLETE"),
        ([], State.NOT_COVERED, "INCOMPLETE"),
        ([ABSENT, ABSENT], State.ABSENT, "NOT HELD"),
        ([result(Verdict.DONE, kind="characterisation")], State.NOT_COVERED, "INCOMPLETE"),
        ([result(Verdict.SKIP, "gone-code")], State.NOT_COVERED, "INCOMPLETE"),
    ],
)
def test_what_is_demanded(results: list[Result], state: State, verdict: str) -> None:
    claim = judged(*results)
    assert (claim.findings[0].state, claim.verdict) == (state, verdict)


@pytest.mark.parametrize(
    ("results", "state", "verdict"),
    [
        ([PASS], State.HELD, "HELD"),
        ([ABSENT], State.FINE, "HELD"),
        ([ABSENT, LAB], State.NOT_COVERED, "INCOMPLETE"),
        ([LAB], State.NOT_COVERED, "INCOMPLETE"),
        ([ABSENT, FAIL], State.BROKEN, "NOT HELD"),
        ([FAIL_KNOWN], State.KNOWN, "NOT HELD"),
    ],
)
def test_what_is_conditional(results: list[Result], state: State, verdict: str) -> None:
    claim = judged(*results, demanded=False)
    assert (claim.findings[0].state, claim.verdict) == (state, verdict)


def test_what_this_suite_cannot_test_is_said_and_leaves_nothing_open() -> None:
    claim = judged(untested=Untested("impossible", "a board", "QEMU has none"))
    assert claim.verdict == "HELD" and claim.findings[0].state is State.UNTESTABLE
    assert claims_text.lines(claim)[1:] == [
        "1 requirement can't be tested by this suite", "  A-001  impossible: QEMU has none; it would take a board",
    ]  # fmt: skip


def test_causes_name_what_fails_and_each_reason_once() -> None:
    broken = judged(FAIL_KNOWN, result(Verdict.FAIL, id="a/b/d"), PASS).findings[0]
    assert [cause.test for cause in broken.causes] == ["a/b/d"]  # a known failure is no news beside an unknown one
    absent = judged(ABSENT, result(Verdict.SKIP, "no-feature", id="a/b/d")).findings[0]
    assert [(cause.test, cause.code) for cause in absent.causes] == [("a/b/c", "no-feature")]


TESTS = [
    planned("pasid/a/held", requirements=["PASID-022"]),
    planned("pasid/a/broken", requirements=["PASID-003"]),
    planned("pasid/a/absent", requirements=["PASID-014"], skip={"code": "device-lacks", "text": "no PASIDs \x1b[31m| </td>"}),
]


def kept(folder: Path, **options: Any) -> Path:
    made = Builder(*TESTS).passed(TESTS[0]["id"]).failed(TESTS[1]["id"]).done()
    made.lines[0]["options"] = options
    made.write(folder)
    return folder


def summary(run: Run) -> str:
    out = io.StringIO()
    print_summary(run, Console(file=out, width=200))
    return out.getvalue()


def test_a_run_is_judged_by_what_it_was_run_for_and_by_what_is_asked(tmp_path: Path) -> None:
    folder = kept(tmp_path, profile=["pasid"])
    assert [claim.profile for claim in report.write_all(folder, None, TODAY).claims] == ["pasid"]
    assert [claim.profile for claim in report.write_all(folder, None, TODAY, ["dirty-tracking"]).claims] == ["dirty-tracking"]
    with pytest.raises(UsageError, match="no such profile"):
        report.write_all(folder, None, TODAY, ["passid"])


@pytest.mark.parametrize("profile", [["of-former-times"], "pasid", [1], None])
def test_a_journal_with_another_profile_is_judged_all_the_same(tmp_path: Path, profile: Any) -> None:
    run = report.write_all(kept(tmp_path, profile=profile), None, TODAY)
    assert not run.claims and len(run.results) == 3
    assert any("no such profile" in problem.text for problem in run.problems) == (profile == ["of-former-times"])


def test_every_report_tells_of_the_claim(tmp_path: Path) -> None:
    run = report.write_all(kept(tmp_path, profile=["pasid"]), None, TODAY)
    assert exit_code(run) == 1
    document = json.loads((tmp_path / "results.json").read_text())
    build.check(document)
    states = {one["requirement"]: one["state"] for one in document["claims"][0]["findings"]}
    assert (states["PASID-022"], states["PASID-003"], states["PASID-014"]) == ("held", "broken", "absent")
    assert document["claims"][0]["verdict"] == "NOT HELD"
    told = summary(run)
    assert "claim pasid  NOT HELD" in told and "PASID-003" in told and "\x1b" not in told
    assert "# claim pasid: NOT HELD" in ktap.render(run)
    case = ElementTree.fromstring(junit.render(run)).find("./testsuite[@name='claims']/testcase")
    assert case is not None and case.get("name") == "pasid" and case.find("failure") is not None
    assert {one.get("name"): one.get("value") for one in case.iter("property")}["verdict"] == "NOT HELD"


def test_exit_code_of_a_claim(tmp_path: Path) -> None:
    """PASID-022 alone passes: nothing is broken, and of the rest nobody knows."""
    made = Builder(TESTS[0]).passed(TESTS[0]["id"]).done()
    made.write(tmp_path)
    assert exit_code(report.write_all(tmp_path, None, TODAY)) == 0
    run = report.write_all(tmp_path, None, TODAY, ["pasid"])
    assert exit_code(run) == 3 and run.claims[0].verdict == "INCOMPLETE"
    assert ElementTree.fromstring(junit.render(run)).find("./testsuite[@name='claims']/testcase/error") is not None


def test_a_known_failure_breaks_a_claim(tmp_path: Path) -> None:
    (tmp_path / "w.toml").write_text('[[waiver]]\ntest = "pasid/a/broken"\nreason = "r"\nurl = "https://x.org"\nexpires = 2027-03-31\n')
    folder = kept(tmp_path)
    assert exit_code(report.write_all(folder, tmp_path / "w.toml", TODAY)) == 0
    run = report.write_all(folder, tmp_path / "w.toml", TODAY, ["pasid"])
    assert exit_code(run) == 1 and [one.requirement for one in run.claims[0].of(State.KNOWN)] == ["PASID-003"]
    assert "broken, as is known" in summary(run)


def test_every_profile_can_be_judged() -> None:
    known = catalogue.requirements()
    for profile in profiles.find(profiles.names(), known):
        assert claims.judge(profile, [], known, catalogue.skip_causes()).verdict == "INCOMPLETE"
