# SPDX-License-Identifier: GPL-2.0-only
"""Comparisons of the benches in golden/compare/ (made by build_bench.py): every form of output, and what docs/compare.md shows."""

from __future__ import annotations

import json
import os
import re
import shlex
from pathlib import Path

import jsonschema
import pytest

from results import bench, calibration
from results.tests import build_bench, check_tables
from runner import cli

TOP = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"
BENCHES = GOLDEN / "compare"
COUNTED = ("20261123T100000-v7.3", "20261123T100100-tables")
TIMED = ("20261124T100000-v7.3", "20261124T100100-tables")

Said = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _benches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "BENCHES", BENCHES)
    monkeypatch.setattr(calibration, "FOLDER", tmp_path)


def call(capsys: Said, *words: str) -> tuple[int, str]:
    code = cli.main(["compare", *words])
    return code, capsys.readouterr().out


def same_as_golden(name: str, text: str) -> None:
    """Compares with the golden file; GOLDEN=write writes it instead, to be reviewed as a change."""
    path = GOLDEN / name
    if os.environ.get("GOLDEN") == "write":
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")


def test_the_benches_are_those_that_are_made(tmp_path: Path) -> None:
    build_bench.golden(tmp_path)
    made, kept = ({path.relative_to(top): path.read_text() for path in top.rglob("*.json")} for top in (tmp_path, BENCHES))
    assert made == kept


@pytest.mark.parametrize("name, sides", (("instructions", COUNTED), ("time", TIMED)))
def test_text(name: str, sides: tuple[str, str], capsys: Said) -> None:
    code, text = call(capsys, *sides, "--fail-on", "map > 2%")
    same_as_golden(f"compare-{name}.txt", text)
    assert code == 1 and max(map(len, text.splitlines())) <= 75
    checked, wrong = check_tables.check(text, BENCHES / sides[0], BENCHES / sides[1])
    assert (checked, wrong) == (12, [])


def test_the_check_finds_mistakes(capsys: Said) -> None:
    _, text = call(capsys, *COUNTED)
    old, new = (BENCHES / side for side in COUNTED)
    for right, wrong in (("+3.10 , 3x15", "+3.11 , 3x15"), ("    ~ , 3x15", "+0.20 , 3x15"), ("3x15", "3x14")):
        assert right in text and check_tables.check(text.replace(right, wrong, 1), old, new)[1]
    average = re.search(r" (\d{4}),\d{4} ", text)
    assert average and check_tables.check(text.replace(average[1], str(int(average[1]) + 2), 1), old, new)[1]


def test_markdown(capsys: Said) -> None:
    _, text = call(capsys, *TIMED, "--markdown")
    same_as_golden("compare-time.md", text)
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert tables and {len(re.findall(r"(?<!\\)\|", line)) for line in tables} == {9}


@pytest.mark.parametrize("sides", (COUNTED, TIMED))
def test_json_has_all_that_the_text_is_made_of(sides: tuple[str, str], capsys: Said) -> None:
    code, text = call(capsys, *sides, "--json", "--fail-on", "*map > 100%")
    document = json.loads(text)
    schema = json.loads((TOP / "results" / "schema" / "compare-1.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(document)
    assert code == document["exit_code"] == 0 and len(document["comparisons"][0]["rows"]) == 13
    raw = [check_tables.samples(BENCHES / side) for side in sides]
    for side, samples in zip(document["sides"], raw):
        kept = [row["samples"] for row in side["rows"] if "size" in row["params"]]
        assert sorted(kept) == sorted(samples.values())


def test_the_same_input_has_the_same_output(capsys: Said) -> None:
    assert call(capsys, *TIMED, "--json") == call(capsys, *TIMED, "--json")


def test_several_sides_are_each_compared_with_the_first(capsys: Said) -> None:
    code, text = call(capsys, COUNTED[0], COUNTED[1], COUNTED[0])
    assert code == 0 and text.count("old  v7.3, Linux 7.3.4, ") == 2
    first, second = text.split("-- 2 of 2 --")
    assert "map takes 3.1 % more" in first and "no change" in second


def examples() -> list[tuple[str, str]]:
    """The commands that docs/compare.md shows, each with what it shows of the output."""
    text = (TOP / "docs" / "compare.md").read_text()
    blocks = re.findall(r"(?:^    .*\n|^\n(?=    ))+", text, re.MULTILINE)
    plain = ["".join(line[4:] if line.strip() else line for line in block.splitlines(keepends=True)) for block in blocks]
    shown = [re.match(r"\n*\$ iommu-cts compare (.*)\n((?:.|\n)*)", block) for block in plain]
    return [(found[1], found[2]) for found in shown if found]


def test_the_documentation_shows_what_is_printed(capsys: Said) -> None:
    found = examples()
    assert len(found) == 2
    for command, shown in found:
        _, text = call(capsys, *shlex.split(command))
        end = 0
        for part in shown.strip("\n").split("[...]\n"):
            start = text.find(part, end)
            assert start >= end, f"docs/compare.md, {command}: not printed:\n{part}"
            end = start + len(part)
