# SPDX-License-Identifier: GPL-2.0-only
"""`make install`: what it puts somewhere works there, is not written to, and is gone after `make uninstall`. And the manual page."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
from pathlib import Path

import pytest

from package import manpage
from results.tests.build_bundle import run_of
from runner import cli

TOP = Path(__file__).resolve().parents[2]


def _make(target: str, root: Path) -> None:
    subprocess.run(["make", "-s", "-C", str(TOP), target, f"DESTDIR={root}", "PREFIX=/usr"], check=True, capture_output=True)


def _paths(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}


def test_installed_used_removed(tmp_path: Path) -> None:
    root, home = tmp_path / "root", tmp_path / "home"
    _make("install", root)
    before = _paths(root)
    assert {"usr/bin/iommu-cts", "usr/share/man/man1/iommu-cts.1", "usr/share/iommu-cts/waivers.toml"} <= before
    assert not [path for path in before if re.search(r"/tests/|__pycache__|results/(runs|bench|series)/", path)]

    kept = ("IOMMU_CTS_RUNS", "XDG_STATE_HOME", "PYTHONDONTWRITEBYTECODE")
    env = {name: value for name, value in os.environ.items() if name not in kept} | {"HOME": str(home)}

    def call(*words: str) -> tuple[int, str]:
        done = subprocess.run([str(root / "usr/bin/iommu-cts"), *words], env=env, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    assert call("hosts")[0] == 0
    assert call("new", "access/example") == (2, f"iommu-cts: `new` changes files of the suite, and {root}/usr/share/iommu-cts is "
                                                "installed: do it in a checkout\n")  # fmt: skip
    assert call("report") == (2, f"iommu-cts: {home}/.local/state/iommu-cts/runs has no runs yet\n")
    run_of(home / ".local/state/iommu-cts/runs/one")
    assert "access/parked" in call("report")[1]
    assert _paths(root) == before
    _make("uninstall", root)
    assert _paths(root) == set()


def _all(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    found = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found += [inner for one in action.choices.values() for inner in [one, *_all(one)]]
    return found


def test_the_manual_page_has_every_command_and_option() -> None:
    page = manpage.page("1", "2026-01-01", "/usr/share/iommu-cts", "/usr/share/doc/iommu-cts")
    assert not re.search(r"@[A-Z]+@", page)
    for one in _all(cli.parser()):
        assert f".SS {manpage.escaped(one.prog)}\n" in page
        for action in one._actions:
            for name in set(action.option_strings) - {"-h", "--help"}:
                assert f"\\fB{manpage.escaped(name)}\\fR" in page, f"{one.prog} {name}"
    assert page.count("exit codes:") >= 8


@pytest.mark.parametrize("text, roff", [(".x\n'y", "\\&.x\n\\(aqy"), ("a\\b-c", "a\\eb\\-c")])
def test_no_text_is_a_request(text: str, roff: str) -> None:
    assert manpage.escaped(text) == roff
