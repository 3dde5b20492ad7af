# SPDX-License-Identifier: GPL-2.0-only
"""Faults change just the place that they name, and say so when it isn't there."""

import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from lab import faults, host
from lab.binaries import TOP
from lab.errors import LabError, UsageError

SOURCE = """
/* the_gate() is { described here } */
static int other_gate(int a);
static int the_gate(int a);

static int of_a(struct the_gate *gate)
{
    return gate->a;
}

static int other_gate(int a)
{
    if (a  <  0)
        return the_gate(a);
    return 0;
}

static int
the_gate(int a)
{
    if (a  <
        0)
        return -1;
    if (a > 9)
        return -1;
    return 0;
}

const struct file_operations the_fops = {
    .open = the_gate,
};
"""


def edit(within: str, replace: str, by: str, occurrence: int = 0) -> faults.Edit:
    return faults.Edit("gate.c", within, replace, by, occurrence)


def test_words_are_found_whatever_the_white_space_between_them() -> None:
    found = faults.changed(SOURCE, edit("the_gate", "a < 0", "0"))
    assert found == SOURCE.replace("a  <\n        0", "0")


def test_a_structure_is_a_place_too() -> None:
    assert ".open = NULL," in faults.changed(SOURCE, edit("the_fops", "the_gate", "NULL"))


def test_of_several_places_one_is_meant() -> None:
    found = faults.changed(SOURCE, edit("the_gate", "return -1;", "return -2;", 2))
    assert found.count("return -1;") == 1 and found.index("return -1;") < found.index("return -2;")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (edit("no_gate", "a", "b"), "gate.c has no no_gate"),
        (edit("other_gate", "a > 9", "0"), "other_gate in gate.c has no `a > 9`"),
        (edit("the_gate", "return -1;", ""), "has `return -1;` 2 times"),
        (edit("the_gate", "return -1;", "", 3), "has no `return -1;`"),
    ],
)
def test_a_place_that_is_not_there_is_named(wrong: faults.Edit, said: str) -> None:
    with pytest.raises(LabError, match=said):
        faults.changed(SOURCE, wrong)


def write(folder: Path, text: str) -> Path:
    (folder / "subject.toml").write_text(text)
    return folder


GOOD = """
[gate-open]
what = "the gate is open"
breaks = ["GATE-001"]
tests = ["gate/*"]
edit = [{ file = "gate.c", within = "the_gate", replace = "a < 0", by = "0" }]
"""


def test_a_fault_with_two_edits_in_a_file(tmp_path: Path) -> None:
    text = GOOD.replace("]\n", "]\n", 1).rstrip().removesuffix("]") + (
        ', { file = "gate.c", within = "the_gate", replace = "a > 9", by = "0" }]'
    )
    (tmp_path / "gate.c").write_text(SOURCE)
    (found,) = faults.load(write(tmp_path, text))
    (new,) = faults.texts(found, tmp_path).values()
    assert new.count("if (0)") == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[gate-open", "subject.toml"),
        (GOOD.replace("breaks", "brakes"), "gate-open: what, breaks, tests"),
        (GOOD.replace("by =", "with ="), "gate-open: an edit has file, within"),
        (GOOD + 'hosts = "vtd"\n', "gate-open: unknown key hosts"),
        (GOOD.replace('["gate/*"]', '"gate/*"'), "a list of texts is needed"),
        (GOOD.replace('"a < 0"', "3"), "are texts"),
        (GOOD.replace("a < 0", " "), "gate-open: an edit replaces some words"),
        (GOOD.replace("a < 0", "a" * 201), "at most 200"),
    ],
)
def test_a_file_that_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(LabError, match=said):
        faults.load(write(tmp_path, text))


def test_a_source_without_the_file(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="gate-open has no place in this kernel"):
        faults.texts(faults.load(write(tmp_path, GOOD))[0], tmp_path)


def test_the_faults_are_of_promises_and_hosts_that_there_are() -> None:
    catalogue = [tomllib.loads(path.read_text()) for path in (TOP / "suites/requirements").glob("*.toml")]
    known = {entry["id"] for table in catalogue for entry in table.get("requirement", [])}
    for fault in faults.load():
        assert set(fault.breaks) <= known, fault.name
        assert fault.host in host.names(), fault.name
        for pattern in fault.tests:
            of_file = "/".join(pattern.split("/")[:2])  # the rest is names in the file
            files = [path for path in (TOP / "suites").glob("*/*.c") if fnmatchcase(f"{path.parent.name}/{path.stem}", of_file)]
            assert files, f"{fault.name}: no test is called {pattern}"


def test_faults_are_chosen_by_name_pattern_or_file() -> None:
    every = faults.load()
    assert faults.select(every, []) == every
    assert [fault.name for fault in faults.select(every, ["read-gate"])] == ["read-gate"]
    assert {fault.subject for fault in faults.select(every, ["ioas"])} == {"ioas"}
    with pytest.raises(UsageError, match="no fault is called nothing"):
        faults.select(every, ["nothing"])
