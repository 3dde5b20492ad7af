# SPDX-License-Identifier: GPL-2.0-only
"""The manual's pages for each kind of user: what they name is there. `make check-manual` does what they show."""

from __future__ import annotations

import re
import shlex

import pytest

from runner import cli
from runner.tests.manual import ANY, PAGES, TOP, commands, differs


@pytest.mark.parametrize("page", PAGES)
def test_every_command_is_one(page: str) -> None:
    lines = [line for line in (TOP / "docs" / f"{page}.md").read_text("utf-8").splitlines() if re.match(r"    (\$ )?iommu-cts ", line)]
    assert len(lines) >= 5, "nothing to do"
    for line in lines:
        line = re.sub(r"\$\(.*?\)", "K", line)
        words = shlex.split(line.strip().removeprefix("$ ").split("   # ")[0].split(" > ")[0], comments=True)
        cli.parser().parse_args([word for word in words[1:] if word != "|"])


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    path = TOP / "docs" / f"{page}.md"
    for target in re.findall(r"\]\(([^)#]+)", path.read_text("utf-8")):
        assert (path.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES)
def test_there_is_something_to_do(page: str) -> None:
    shown = commands(page)
    assert len(shown) >= 3 and all(one.output or one.line.startswith(("ssh-keygen", "echo")) for one in shown)


def test_what_a_command_prints_is_compared() -> None:
    said = ["run 17, suite 0123abcd", "a", "b", "c"]
    assert differs(["run 3, suite fedcba9876", ANY, "c"], said) is None
    assert differs(["run 3, suite fedcba9876", ANY], said) is None
    assert differs(["run 3, suite fedcba9876", ANY, "b"], said) == "(there is more: c)"
    assert differs(["walk 3", ANY], said) == "walk 3"
    assert differs(["run 3, suite fedcba9876", "b", ANY], said) == "b"
