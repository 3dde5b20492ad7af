# SPDX-License-Identifier: GPL-2.0-only
"""`--host all` and `--host A,B`: every host has its run, and the worst of them counts."""

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from lab import host
from lab.errors import LabError, UsageError
from results import summary
from runner import every, judge
from runner import run as running


def visit(monkeypatch: pytest.MonkeyPatch, codes: dict[str, int], **options: Any) -> tuple[int, list[str], str]:
    """Runs with hosts of these exit codes (None: can't be run); returns the exit code, the hosts that were begun, and what was said."""
    seen: list[str] = []

    def run(asked: running.Options) -> tuple[Path, Any]:
        seen.append(asked.host)
        if codes[asked.host] < 0:
            raise LabError("no such emulator")
        return Path(), SimpleNamespace(results=[], code=codes[asked.host])

    monkeypatch.setattr(running, "run", run)
    monkeypatch.setattr(judge, "exit_code", lambda judged: judged.code)
    monkeypatch.setattr(summary, "print_summary", lambda *_: None)
    out = io.StringIO()
    return every.run(running.Options("all", **options), list(codes), Console(file=out, width=120)), seen, out.getvalue()


@pytest.mark.parametrize(
    ("codes", "worst"),
    [((0, 0), 0), ((0, 3), 3), ((1, 3), 1), ((3, 1), 1), ((-1, 0), 3), ((-1, 1), 1)],
)
def test_the_worst_counts_and_none_keeps_the_others_from_it(monkeypatch: pytest.MonkeyPatch, codes: tuple[int, int], worst: int) -> None:
    code, seen, said = visit(monkeypatch, dict(zip(("one", "two"), codes)))
    assert (code, seen) == (worst, ["one", "two"]) and "one" in said and "2 hosts in" in said


def test_an_interruption_ends_all(monkeypatch: pytest.MonkeyPatch) -> None:
    assert visit(monkeypatch, {"one": 130, "two": 0})[:2] == (130, ["one"])


@pytest.mark.parametrize("option", [{"device": ["0000:01:00.0"]}, {"kernel": ["bzImage"]}, {"modules": "lib/modules"}])
def test_what_is_for_one_host_is_refused(monkeypatch: pytest.MonkeyPatch, option: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="is for one host"):
        visit(monkeypatch, {"one": 0}, **option)


def test_every_virtual_host_is_among_them() -> None:
    assert set(every.named("all")) == set(host.names()) - {"local", "lava-local"}


def test_some_hosts_by_name() -> None:
    assert every.named("vtd,amdvi,vtd") == ["vtd", "amdvi"] and every.named("lab/mine.toml") == ["lab/mine.toml"]
    with pytest.raises(UsageError, match="amdiv"):
        every.named("vtd,amdiv")
