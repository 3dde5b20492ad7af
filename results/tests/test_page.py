# SPDX-License-Identifier: GPL-2.0-only
"""The report page without a browser: it is well formed, nothing in it can end what it stands in, and its data comes back as it was."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from lab.errors import LabError, UsageError
from results import bench, calibration, series
from results.page import bundle, data, render, sources
from results.tests.build_bench import bench_of, level_rows
from results.tests.build_journal import every_verdict
from results.tests.build_page import HOSTILE, every_verdict_run, hostile_run, kept, large_run, page, two_benches
from runner import catalogue, cli
from runner import run as running

BUNDLE = bundle.Bundle("'use strict'; // a < b && c", "a > b { color: red }", "a licence </template><script>")
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Parsed(HTMLParser):
    """The elements of a page; `text` has what stands in those of a name. Fails if they are not nested."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, list[str]] = {}
        self.comments: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
            self.text.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.text[self.open[-1]][-1] += data

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(name="document")
def _document(tmp_path: Path) -> dict[str, Any]:
    return page(hostile_run(tmp_path))


@pytest.fixture(name="parsed")
def _parsed(document: dict[str, Any]) -> Parsed:
    return Parsed(render.render(document, BUNDLE))


def test_data_comes_back_as_it_was(document: dict[str, Any], parsed: Parsed) -> None:
    assert json.loads(parsed.text["script"][0]) == document
    assert {result["title"] for result in document["results"]} == set(HOSTILE)


def test_nothing_ends_the_data(document: dict[str, Any]) -> None:
    block = render.data_block(document)
    assert block.isascii() and not set("<>&\n") & set(block)


def test_a_target_adds_no_element(parsed: Parsed, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    plain = Parsed(render.render(page(every_verdict_run(tmp_path / "plain")), BUNDLE))
    assert parsed.elements == plain.elements
    assert not parsed.comments
    assert [attributes.get("type") for attributes in parsed.attributes("script")] == ["application/json", None]
    assert parsed.text["template"] == [BUNDLE.licences]


def test_the_policy_allows_our_script_and_nothing_else(parsed: Parsed) -> None:
    (given,) = [one["content"] for one in parsed.attributes("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    assert given
    policy = dict(rule.split(" ", 1) for rule in given.split("; "))
    assert policy.pop("default-src") == "'none'"
    for name, text in (("script-src", parsed.text["script"][1]), ("style-src", parsed.text["style"][0])):
        assert policy.pop(name) == f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
    assert policy == {"base-uri": "'none'", "form-action": "'none'", "require-trusted-types-for": "'script'"}


def test_it_asks_nobody(parsed: Parsed) -> None:
    for tag, attributes in parsed.elements:
        assert not {"src", "href", "srcset", "action", "style"} & set(attributes), tag
        assert not any(name.startswith("on") for name in attributes), tag


def test_without_scripts_the_counts_are_there(tmp_path: Path) -> None:
    text = render.render(page(every_verdict_run(tmp_path)), BUNDLE)
    cells = Parsed(text).text["td"]
    assert cells[:2] == ["20270115-080000", "vtd"] and cells[2:] == ["3", "3", "1", "1", "1", "2", "1"]


def test_requirements_that_tests_name_have_their_titles(tmp_path: Path) -> None:
    document = page(every_verdict_run(tmp_path), requirements=catalogue.requirements())
    found = {one["id"]: one for one in document["requirements"]}
    assert set(found) == {"PARK-001", "PARK-002", "BIND-001", "BIND-012"}
    assert found["BIND-012"]["title"] and found["BIND-012"]["subject"] == "access"


def test_runs_of_one_kernel_are_boots_of_it(tmp_path: Path) -> None:
    one = bench_of(tmp_path / "one", 2, level_rows(100), host="a", release="7.3")
    two = bench_of(tmp_path / "two", 1, level_rows(100), host="a", release="7.3")
    other = bench_of(tmp_path / "other", 1, level_rows(100), host="a", release="7.4")
    made = data.build(sources.of_names([str(one), str(two), str(other)]), {})
    assert made["columns"] == ["a 7.3", "a 7.4"] == [side["name"] for side in made["measured"]["sides"]]
    assert [run["column"] for run in made["runs"]] == [0, 0, 0, 1]
    assert [len(boots) for boots in made["measured"]["rows"][0]["samples"]] == [3, 1]


def test_a_comparison_has_its_rows_and_their_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "FOLDER", tmp_path / "none")
    made = written(["compare", *two_benches(tmp_path)], tmp_path, monkeypatch)
    (compared,) = made["measured"]["comparisons"]
    assert {row["row"]: row["verdict"] for row in compared["rows"]}["bench/hot/map_unmap:map 2^21"] == "more"
    assert {row["row"] for row in compared["rows"]} == {row["row"] for row in made["measured"]["rows"]}
    assert all(len(boots) == 6 and len(boots[0]) == 15 for row in made["measured"]["rows"] for boots in row["samples"])
    assert made["columns"] == ["old", "new"] and len(made["runs"]) == 12
    assert compared["conformance"]["differences"][0]["new"] == ["FAIL"]


def test_a_series(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    for label in ("1-base", "2-v1"):
        run = kept(folder / "runs" / label, large_run(5))
        (run / "kernel.config").write_text("")
        bench_of(folder / "bench" / label, 2, level_rows(100 if label == "1-base" else 110), label=label)
    commits = [series.Revision(name, f"{number}-{name}", "a" * 40, "b" * 40, "what it does", f"runs/{number}-{name}")
               for number, name in enumerate(("base", "v1"), 1)]  # fmt: skip
    broken = series.Revision("v2", "3-v2", "c" * 40, "d" * 40, "no good", None, series.Failure("build", "error: expected ';'"))
    series.write(folder, series.Series("kept", "vtd", "/src", ["access/*"], ["bench/*"], 2, [*commits, broken]))
    made = data.build(sources.of_names([str(folder)]), {})
    assert made["columns"] == ["base", "v1"] == [side["name"] for side in made["measured"]["sides"]]
    assert [one["column"] for one in made["trend"]["revisions"]] == [0, 1, None]
    assert made["trend"]["revisions"][2]["failed"]["stage"] == "build"
    assert made["measured"]["comparisons"][0]["rows"][0]["verdict"] == "more"
    with pytest.raises(UsageError, match="name it alone"):
        sources.of_names([str(folder), str(folder)])


def shipped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle as a package has it."""
    folder.mkdir()
    for name, text in zip(bundle.FILES, (BUNDLE.script, BUNDLE.style, BUNDLE.licences)):
        (folder / name).write_text(text)
    monkeypatch.setattr(bundle, "SHIPPED", folder)


def written(words: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch, code: int = 0) -> dict[str, Any]:
    """The data of the page that a command writes."""
    shipped(folder / "dist", monkeypatch)
    assert cli.main([*words, "--html", str(folder / "page.html")]) == code
    found: dict[str, Any] = json.loads(Parsed((folder / "page.html").read_text("utf-8")).text["script"][0])
    return found


def test_report_judges_and_shows_several_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(running, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(bench, "BENCHES", tmp_path / "benches")
    for name in ("a", "b"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        every_verdict().read(tmp_path / "runs" / name)
    made = written(["report", "a", "b"], tmp_path, monkeypatch, 1)
    said = capsys.readouterr().out
    assert said.count("4 failed") == 2 and f"page: {tmp_path / 'page.html'}" in said.replace("\n", "")
    assert len(made["results"]) == 24 and made["columns"] == ["vtd"]


def test_a_page_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    shipped(tmp_path / "dist", monkeypatch)
    monkeypatch.setattr(calibration, "FOLDER", tmp_path / "none")
    assert cli.main(["compare", *two_benches(tmp_path), "--html", str(tmp_path / "nowhere" / "page.html")]) == 2
    assert "page.html: can't be written: No such file or directory" in capsys.readouterr().err


def npm(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The only npm on the PATH is this script, if it is one."""
    folder.mkdir()
    if script:
        (folder / "npm").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("IOMMU_CTS_CACHE", str(folder / "cache"))
    monkeypatch.setattr(bundle, "SHIPPED", folder / "dist")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("", "npm, which fetches its libraries, is not installed: install your system's packages nodejs"),
        ("echo 'ENOTFOUND: nobody is there' >&2; exit 7", r"`npm` failed \(7\): ENOTFOUND: nobody is there; can npm reach its registry"),
    ],
)
def test_without_npm_there_is_a_way_out(script: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm(tmp_path / "path", script, monkeypatch)
    with pytest.raises(LabError, match=said):
        bundle.obtain()


def test_a_package_needs_no_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm(tmp_path / "path", "", monkeypatch)
    shipped(tmp_path / "dist", monkeypatch)
    assert bundle.obtain() == BUNDLE
    monkeypatch.setattr(bundle, "SHIPPED", tmp_path / "dist")
    assert bundle.main([str(tmp_path / "copy" / "dist")]) == 0
    assert sorted(os.listdir(tmp_path / "copy" / "dist")) == sorted(bundle.FILES)


def test_what_is_bundled_is_pinned_and_names_no_registry() -> None:
    lock = (bundle.HERE / "package-lock.json").read_text("utf-8")
    assert '"resolved"' not in lock and not re.search(r'"https?://(?!opencollective|github|feross|www\.patreon)', lock)
    about = json.loads((bundle.HERE / "package.json").read_text("utf-8"))
    versions = {**about["dependencies"], **about["devDependencies"]}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions.values())
    assert all("integrity" in one for name, one in json.loads(lock)["packages"].items() if name)
