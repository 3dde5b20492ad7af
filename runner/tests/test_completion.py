# SPDX-License-Identifier: GPL-2.0-only
"""completions/iommu-cts.bash: it knows what the command knows, and nothing else."""

import argparse
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import host
from lab.binaries import TOP
from runner import every
from runner.cli import parser

SCRIPT = TOP / "completions" / "iommu-cts.bash"
ASK = """
source "$1"
while IFS= read -r COMP_LINE; do
    COMP_POINT=${#COMP_LINE}
    _iommu_cts
    echo "${COMPREPLY[*]}"
done
"""


def complete(*lines: str, script: Path = SCRIPT, cache: str = "/nonexistent") -> list[list[str]]:
    """What bash would offer at the end of each line."""
    done = subprocess.run(
        ["bash", "-c", ASK, "bash", str(script)],
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "IOMMU_CTS_CACHE": cache, "IOMMU_CTS_RUNS": ""},
    )
    assert done.stderr == ""
    return [line.split() for line in done.stdout.splitlines()]


def commands(top: argparse.ArgumentParser, words: str = "iommu-cts") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command with its parser."""
    yield words, top
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield from commands(inner, f"{words} {name}")


def options(command: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    return {name: action for action in command._actions for name in action.option_strings if name.startswith("--")}


COMMANDS = dict(commands(parser()))


@pytest.mark.parametrize("words", COMMANDS)
def test_words_are_those_of_the_command(words: str) -> None:
    wanted = set(options(COMMANDS[words]))
    for action in COMMANDS[words]._actions:
        if isinstance(action, argparse._SubParsersAction):
            wanted |= set(action.choices)
    offered, dashes = complete(f"{words} ", f"{words} --")
    assert {word for word in offered if word.startswith("--")} == set(dashes) == set(options(COMMANDS[words])), SCRIPT
    assert wanted <= set(offered)


@pytest.mark.parametrize("words", COMMANDS)
def test_only_options_that_take_a_value_wait_for_it(words: str) -> None:
    found = options(COMMANDS[words])
    for (name, action), offered in zip(found.items(), complete(*(f"{words} {name} " for name in found))):
        assert ("--help" in offered) == (action.nargs == 0), name
        assert action.choices is None or set(offered) == set(action.choices), name
    after = complete(*(f"{words} {name} value " for name, action in found.items() if action.nargs is None))
    assert all("--help" in offered for offered in after)


def test_hosts() -> None:
    offered, begun = complete("iommu-cts run --host ", "iommu-cts lab boot --host=v")
    assert sorted(offered) == sorted([*host.names(), every.ALL])
    assert sorted(begun) == [name for name in host.names() if name.startswith("v")]


def test_paths_of_tests() -> None:
    subjects, files, tests, equals = complete(
        "iommu-cts run --select acc", "iommu-cts list --select access/open", "iommu-cts run --select access/bind_id/id_n",
        "iommu-cts run --select=access/bind_id/id_n",
    )  # fmt: skip
    assert subjects == ["access/"] and files == ["access/opens/"]
    assert tests == ["access/bind_id/id_names_the_device"] == equals


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The script in a tree of its own."""
    (tmp_path / "completions").mkdir()
    return Path(shutil.copy(SCRIPT, tmp_path / "completions"))


def test_runs(copy: Path) -> None:
    for name in ("20261122T132000-vtd", "20261122T132001-vtd"):
        (copy.parent.parent / "results" / "runs" / name).mkdir(parents=True)
    offered, one, resumed, several = complete(
        "iommu-cts report 2", "iommu-cts report 20261122T132000-vtd", "iommu-cts run --resume ", "iommu-cts coverage last 2", script=copy
    )
    assert offered == ["20261122T132000-vtd", "20261122T132001-vtd"] == several and one == offered[:1]
    assert resumed == ["last", *offered]


def test_kinds_of_the_cache(tmp_path: Path) -> None:
    for name in ("kernel", "khdr"):
        (tmp_path / name).mkdir()
    assert complete("iommu-cts lab clean kernel k", cache=str(tmp_path)) == [["kernel", "khdr"]]


def test_faults() -> None:
    (offered,) = complete("iommu-cts lab prove bind-arg")
    assert offered == ["bind-argument-short"]


def test_words_with_colons() -> None:
    """Readline replaces only what follows the last colon."""
    devices = sorted(path.name for path in Path("/sys/bus/pci/devices").glob("0000:*"))
    (offered,) = complete("iommu-cts run --device 0000:")
    assert offered == [name.removeprefix("0000:") for name in devices]
