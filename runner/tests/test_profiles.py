# SPDX-License-Identifier: GPL-2.0-only
"""Profiles: what does not fit the catalogue is named, and what a run for a profile consists of."""

import dataclasses
from pathlib import Path

import pytest

from lab.errors import LabError, UsageError
from runner import catalogue, cli, plan, profiles, profiles_page
from runner import run as running
from runner.catalogue import Requirement
from runner.catalogue import Test as SuiteTest

READ = Requirement("PARK-001", "read", "s", "src", "must", "promise", ("cdev",), "6.6", subject="access")
WRITE = dataclasses.replace(READ, id="PARK-002", title="written")
SHOULD = dataclasses.replace(READ, id="PARK-003", level="should")
TAKEN = dataclasses.replace(READ, id="PARK-004", kind="characterisation")
BIND = dataclasses.replace(READ, id="BIND-001")
CATALOGUE = {one.id: one for one in (READ, WRITE, SHOULD, TAKEN, BIND)}

PROFILE = """title = "t"
claim = "c"
demanded = ["PARK-*"]

[[conditional]]
requirements = ["BIND-001"]
when = "it binds"
"""


def read(folder: Path, text: str) -> profiles.Profile:
    path = folder / "core.toml"
    path.write_text(text)
    return profiles.read(path, CATALOGUE)


def test_patterns_mean_promises_that_must_hold(tmp_path: Path) -> None:
    profile = read(tmp_path, PROFILE)
    assert profile.demanded == ("PARK-001", "PARK-002")
    assert profile.conditional == {"BIND-001": "it binds"}
    assert profile.requirements == ("PARK-001", "PARK-002", "BIND-001")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (PROFILE.replace("PARK-*", "PARK-009"), "'PARK-009' is no requirement, and matches no promise"),
        (PROFILE.replace("PARK-*", "ATT-*"), "'ATT-\\*' is no requirement, and matches no promise"),
        (PROFILE.replace("PARK-*", "PARK-004"), "PARK-004 is a characterisation"),
        (PROFILE.replace("PARK-*", "PARK-003"), "PARK-003 is of level should"),
        (PROFILE.replace("PARK-*", "*"), "both demanded and conditional: BIND-001"),
        (PROFILE.replace('["PARK-*"]', "[]"), "demanded: must be a list"),
        (PROFILE.replace('["PARK-*"]', "[1]"), "demanded: must be a list"),
        (PROFILE.replace('"c"', '" "'), "claim must be a text"),
        (PROFILE.replace('title = "t"\n', ""), "missing title"),
        ('colour = "red"\n' + PROFILE, "unknown colour"),
        (PROFILE.replace("when", "if"), "have to be requirements, when"),
        (PROFILE + PROFILE[PROFILE.index("[["):], "BIND-001 is conditional twice"),
        (PROFILE.replace("[[conditional]]", "[conditional]"), r"write \[\[conditional\]\]"),
        ("title", "core.toml"),
    ],
)
def test_a_mistake_in_a_profile_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(LabError, match=words):
        read(tmp_path, text)
    assert any("core.toml" in problem for problem in profiles.problems(CATALOGUE, tmp_path))


def test_a_profile_that_does_not_fit_keeps_the_suites_from_being_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "core.toml").write_text(PROFILE)
    monkeypatch.setattr(profiles.problems, "__defaults__", (tmp_path,))
    with pytest.raises(LabError, match="(?s)do not fit together.*core.toml: .*both"):
        (tmp_path / "core.toml").write_text(PROFILE.replace("PARK-*", "*"))
        catalogue.load({})


def test_a_name_that_there_is_not(tmp_path: Path) -> None:
    (tmp_path / "core.toml").write_text(PROFILE)
    with pytest.raises(UsageError, match="--profile kore: no such profile; there are core"):
        profiles.find(["kore"], CATALOGUE, tmp_path)
    assert [one.name for one in profiles.find(["core", "core"], CATALOGUE, tmp_path)] == ["core"]


def test_the_profiles_that_there_are() -> None:
    known = catalogue.requirements()
    assert not profiles.problems(known)
    assert profiles_page.stale() is None
    for one in profiles.find(profiles.names(), known):
        assert one.demanded and all(known[name].level == "must" and known[name].kind == "promise" for name in one.requirements), one.name


def test_a_stale_page_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiles_page, "DOCUMENT", tmp_path / "profiles.md")
    assert "is not there" in str(profiles_page.stale())
    assert cli.main(["profiles", "--markdown", str(tmp_path / "profiles.md")]) == 0 and profiles_page.stale() is None
    (tmp_path / "profiles.md").write_text("old")
    assert profiles_page.main() == 1


def test_a_run_for_profiles_is_the_tests_of_their_requirements(tmp_path: Path) -> None:
    def named(path: str, *requirements: str) -> SuiteTest:
        return SuiteTest(path, "access/a", "a.one", "a title", requirements, ("cdev",), "promise", 30, 0, False)

    tests = [named("a/a/x", "PARK-001"), named("a/a/y", "OTHER-001", "BIND-001"), named("a/a/z", "OTHER-001")]
    mine, left = plan.naming(tests, [read(tmp_path, PROFILE)])
    assert [test.path for test in mine] == ["a/a/x", "a/a/y"] and [test.path for test in left] == ["a/a/z"]


def test_the_profile_is_kept_with_the_run() -> None:
    assert running.Options("vtd", profile=["pasid"]).kept()["profile"] == ["pasid"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "--profile", "pasid", "--select", "pasid/*"], "--profile says what is run"),
        (["run", "--profile", "passid"], "--profile passid: no such profile"),
        (["run", "--resume", "last", "--profile", "pasid"], "--profile is not for --resume"),
        (["profiles", "pasid", "--markdown", "x.md"], "--markdown writes all profiles"),
        (["profiles", "--markdown", "/nonexistent/x.md"], "can't be written"),
    ],
)
def test_wrong_usage(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == 2
    assert said in capsys.readouterr().err


def test_profiles_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["profiles"]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in profiles.names())
    assert cli.main(["profiles", "pasid"]) == 0
    told = capsys.readouterr().out
    assert "PASID-014" in told and "if an IOMMU or a driver has no PASIDs" in told
