# SPDX-License-Identifier: GPL-2.0-only
"""What does not fit together in the suites fails the build."""

import dataclasses
from pathlib import Path

import pytest

from lab.errors import LabError
from runner import catalogue
from runner.catalogue import Requirement
from runner.catalogue import Test as SuiteTest
from runner.catalogue import Untested

TEST = SuiteTest("access/a/one", "access/a", "a.one", "a title", ("PARK-001",), ("cdev",), "promise", 30, 0, False)
PARK = Requirement("PARK-001", "t", "s", "src", "must", "promise", (), "6.6")
ENTRY = """[[requirement]]
id = "PARK-001"
title = "t"
statement = "s"
source = "src"
level = "must"
kind = "promise"
needs = ["cdev"]
since = "6.6"
"""


def test_what_fits_is_no_problem() -> None:
    assert catalogue.problems([TEST], {"PARK-001": PARK}) == []


@pytest.mark.parametrize(
    ("tests", "words"),
    [
        ([dataclasses.replace(TEST, title="")], "undocumented"),
        ([dataclasses.replace(TEST, requirements=())], "names no requirement"),
        ([TEST, dataclasses.replace(TEST, path="access/a/two", requirements=("PARK-999",))], "PARK-999 is not in"),
        ([TEST, dataclasses.replace(TEST, selector="b.one")], "same path as a.one"),
        ([], "PARK-001 has no test"),
    ],
)
def test_what_does_not_fit_is_named(tests: list[SuiteTest], words: str) -> None:
    assert any(words in problem for problem in catalogue.problems(tests, {"PARK-001": PARK}))


def test_untested_has_to_be_true() -> None:
    untested = dataclasses.replace(PARK, untested=Untested("later", "a VF"))
    assert catalogue.problems([], {"PARK-001": untested}) == []
    assert any("PARK-001 has a test" in problem for problem in catalogue.problems([TEST], {"PARK-001": untested}))


def write(folder: Path, text: str, untested: str = "") -> Path:
    (folder / "file.toml").write_text(text)
    if untested:
        (folder / "untested.toml").write_text(untested)
    return folder


LATER = """[[untested]]
kind = "later"
takes = "a VF"
ids = ["PARK-001"]
"""
IMPOSSIBLE = LATER.replace("later", "impossible") + 'reason = "QEMU has none"\n'


@pytest.mark.parametrize(
    ("untested", "words"), [(LATER, "later; it takes a VF"), (IMPOSSIBLE, "impossible: QEMU has none; it would take a VF")]
)
def test_why_there_is_no_test(tmp_path: Path, untested: str, words: str) -> None:
    found = catalogue.requirements(write(tmp_path, ENTRY, untested))["PARK-001"]
    assert found.untested is not None and found.untested.words() == words and found.subject == "file"


def test_an_entry_may_say_it_itself(tmp_path: Path) -> None:
    found = catalogue.requirements(write(tmp_path, ENTRY + 'untested = "a VF"\nnote = "n"\n'))["PARK-001"]
    assert found.untested == Untested("later", "a VF") and found.note == "n"


@pytest.mark.parametrize(
    ("untested", "words"),
    [
        (LATER.replace("PARK-001", "PARK-999"), "no requirement PARK-999"),
        (LATER + LATER, "untested twice"),
        (LATER.replace("later", "never"), "kind = 'never' is none of later, impossible"),
        (LATER.replace("later", "impossible"), "have to be ids, kind, reason, takes"),
        (LATER + 'reason = "none"\n', "have to be ids, kind, takes"),
        (LATER.replace('"a VF"', '""'), "takes must be text"),
        (LATER.replace('["PARK-001"]', "[]"), "ids must be a list"),
        ("untested = [1]\n", "number 1: kind = None"),
        ("[[untested]\n", "untested.toml: "),
    ],
)
def test_a_mistake_in_what_is_untested_is_named(tmp_path: Path, untested: str, words: str) -> None:
    with pytest.raises(LabError, match=words):
        catalogue.requirements(write(tmp_path, ENTRY, untested))


def test_requirements_are_read(tmp_path: Path) -> None:
    assert catalogue.requirements(write(tmp_path, ENTRY))["PARK-001"].needs == ("cdev",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ENTRY + ENTRY, "PARK-001 stands twice"),
        (ENTRY.replace('title = "t"\n', ""), "missing title"),
        (ENTRY + 'colour = "red"\n', "unknown colour"),
        (ENTRY.replace("must", "may"), "level = 'may'"),
        (ENTRY.replace('"promise"', '"hope"'), "kind = 'hope'"),
        ("[[requirement]\n", "file.toml"),
        ('requirement = ["x"]', "is no table"),
        (ENTRY.replace("[[requirement]]", "[requirement]"), r"write \[\[requirement\]\]"),
        (ENTRY.replace('["cdev"]', "3"), "needs must be a list"),
        (ENTRY.replace('["cdev"]', "[3]"), "needs must be a list"),
        (ENTRY.replace('"cdev"', '"cdev", "luck"'), "PARK-001.: needs 'luck', which lib/needs.def does not have"),
        (ENTRY.replace('"PARK-001"', "1"), "id must be a text"),
    ],
)
def test_a_mistake_in_the_catalogue_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(LabError, match=words):
        catalogue.requirements(write(tmp_path, text))


@pytest.mark.parametrize("script", ["exit 1", "echo '{}'", "echo '{\"tests\":[]}'", "echo nonsense"])
def test_a_program_that_describes_nothing_is_named(tmp_path: Path, script: str) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    with pytest.raises(LabError, match="suites/access/a"):
        catalogue.describe("access/a", program)


def test_a_skip_reason_without_a_cause_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "definitions", lambda *_: [["NEW", "new-reason", "what it means"]])
    with pytest.raises(LabError, match="the cause of new-reason is neither ABSENT nor LAB"):
        catalogue.skip_causes()


def test_the_lists_that_c_and_python_share() -> None:
    assert {"no-cdev", "no-iommufd", "no-device"} <= catalogue.skip_codes()
    assert set(catalogue.skip_causes().values()) == {catalogue.ABSENT, catalogue.LAB}
    scopes = catalogue.need_scopes()
    assert scopes["cdev"] == "DEVICE" and set(scopes.values()) <= {"DEVICE", "HOST"}
    reasons = {words[0] for words in catalogue.definitions("skip_reasons.def", "CTS_SKIP_REASON")}
    assert {words[2] for words in catalogue.definitions("needs.def", "CTS_NEED")} <= reasons
