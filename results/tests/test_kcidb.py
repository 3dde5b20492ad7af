# SPDX-License-Identifier: GPL-2.0-only
"""A submission to KCIDB: what is in it, that it follows the schema, and that nothing of a target is more than text."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lab.errors import LabError
from results import bench, kcidb, report
from results.model import Run
from results.tests.build_journal import every_verdict
from runner import cli

WAIVER = '[[waiver]]\ntest = "access/bind/twice"\nreason = "r"\nurl = "https://lore.kernel.org/r/1"\nexpires = 2027-03-31\n'


@pytest.fixture(name="run")
def _run(tmp_path: Path) -> Run:
    uname = {"release": "7.3.4", "version": "#1 SMP", "machine": "x86_64"}
    every_verdict().add("environment", environment={"target": {"uname": uname}}).write(tmp_path)
    (tmp_path / "w.toml").write_text(WAIVER)
    return report.judged(tmp_path, tmp_path / "w.toml", date(2027, 1, 15))


def test_every_verdict_is_submitted(run: Run) -> None:
    document = json.loads(kcidb.render(run, "me"))
    tests = {test["path"]: test for test in document["tests"]}
    assert [test["status"] for test in document["tests"]] == [result.verdict.value for result in run.results]
    twice = tests["iommu-cts.access.bind.twice"]
    assert twice["status"] == "FAIL" and twice["misc"]["requirements"] == ["BIND-012"] and "41" in twice["log_excerpt"]
    assert twice["misc"]["known"]["url"] == "https://lore.kernel.org/r/1" and twice["duration"] == 0.005
    assert all(test["build_id"] == document["builds"][0]["id"] for test in document["tests"])
    assert document["builds"][0]["checkout_id"] == document["checkouts"][0]["id"] and document["builds"][0]["architecture"] == "x86_64"
    assert len({test["id"] for test in document["tests"]}) == len(run.results)


def test_a_known_failure_is_an_incident_of_an_issue(run: Run) -> None:
    document = kcidb.build(run, "me")
    (issue,), (incident,) = document["issues"], document["incidents"]
    assert (issue["report_url"], issue["version"]) == ("https://lore.kernel.org/r/1", 20270331)
    assert incident["issue_id"] == issue["id"] and incident["present"] and incident["test_id"].endswith("access/bind/twice@0000:01:00.0")


def test_a_run_without_known_failures_has_no_issues(tmp_path: Path, run: Run) -> None:
    assert "issues" not in kcidb.build(report.judged(tmp_path, None, date(2027, 1, 15)), "me")


def test_the_same_run_is_the_same_submission(run: Run) -> None:
    assert kcidb.render(run, "me") == kcidb.render(run, "me")
    assert "\x1b" not in kcidb.render(run, "me") and "\\u001b" not in kcidb.render(run, "me") and "\\u0000" not in kcidb.render(run, "me")


@pytest.mark.parametrize("key, value", [
    ("status", "OK"), ("path", "a b"), ("path", "a..b"), ("id", "noorigin"), ("origin", "Upper"), ("extra", 1), ("comment", None),
    ("log_excerpt", "x" * 16385), ("duration", "1"),
])
def test_the_schema_takes_nothing_else(run: Run, key: str, value: Any) -> None:
    document = kcidb.build(run, "me")
    document["tests"][0][key] = value
    with pytest.raises(LabError, match="does not follow kcidb-5.3.json"):
        bench.check(document, kcidb.SCHEMA, "the submission")


def test_names_become_paths() -> None:
    assert kcidb.path("a/b-c/d.e f") == "iommu-cts.a.b-c.d_e_f"


def test_the_command(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["report", str(tmp_path), "--waivers", str(tmp_path / "w.toml"), "--kcidb", str(tmp_path / "kcidb.json")]
    monkeypatch.delenv(kcidb.ORIGIN, raising=False)
    assert cli.main(words) == 2 and "--origin" in capsys.readouterr().err
    assert cli.main([*words, "--origin", "My CI"]) == 2 and not (tmp_path / "kcidb.json").exists()
    assert cli.main([*words, "--origin", "me"]) == 1
    monkeypatch.setenv(kcidb.ORIGIN, "other")
    assert json.loads((tmp_path / "kcidb.json").read_text())["tests"][0]["origin"] == "me"
    assert cli.main(words) == 1 and json.loads((tmp_path / "kcidb.json").read_text())["tests"][0]["origin"] == "other"
