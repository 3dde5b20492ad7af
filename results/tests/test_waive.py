# SPDX-License-Identifier: GPL-2.0-only
"""`iommu-cts waive`: an entry that covers one failure, or a refusal."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from results import report
from results.tests.build_journal import DEVICE, OTHER, Builder, planned
from runner import cli

TODAY = date(2027, 1, 15)
OLD = '# by hand\n[[waiver]]\ntest = "a/b/known"\nreason = "r"\nurl = "https://x.org"\nexpires = 2999-03-31 # long'
Said = pytest.CaptureFixture[str]


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    made = Builder(planned("a/b/known"), planned("a/b/bad"), planned("a/b/bad", OTHER), planned("a/b/half"), planned("a/b/half", OTHER),
                   planned("a/b/splat"), planned("a/b/good"))  # fmt: skip
    for name, device in (("known", DEVICE), ("bad", DEVICE), ("bad", OTHER), ("half", DEVICE)):
        made.failed(f"a/b/{name}@{device}")
    splat = f"a/b/splat@{DEVICE}"
    made.start(splat).not_ok(splat, "x").log(splat, "WARNING: CPU: 1 PID: 77 at drivers/iommu/a.c:1 f+0x1/0x2").stop(splat, code=1)
    made.passed(f"a/b/half@{OTHER}").passed(f"a/b/good@{DEVICE}").done().write(tmp_path)
    (tmp_path / "w.toml").write_text(OLD)
    return tmp_path


def waive(folder: Path, capsys: Said, test: str, *words: str) -> tuple[int, str]:
    code = cli.main(["waive", str(folder), test, "--reason", 'it says "no"\n\\', "--url", "https://x.org/1", "--expires", "2999-01-01",
                     "--waivers", str(folder / "w.toml"), *words])  # fmt: skip
    said = capsys.readouterr()
    return code, said.out + said.err


def known(folder: Path) -> list[str]:
    run = report.judged(folder, folder / "w.toml", TODAY)
    assert not run.problems
    return [one.id for one in run.results if one.waived]


@pytest.mark.parametrize("test, found", [
    ("a/b/bad", [f"a/b/bad@{DEVICE}", f"a/b/bad@{OTHER}"]), (f"a/b/half@{DEVICE}", [f"a/b/half@{DEVICE}"]),
    (f"a/b/bad@{OTHER}", [f"a/b/bad@{OTHER}"]), ("a/b/splat", [f"a/b/splat@{DEVICE}"]),
])
def test_the_failure_is_known_from_then_on(folder: Path, capsys: Said, test: str, found: list[str]) -> None:
    code, out = waive(folder, capsys, test, "--owner", "us")
    assert code == 0 and 'owner = "us"' in out and 'kernel = "7.3.4"' in out
    assert known(folder) == [f"a/b/known@{DEVICE}", *found]
    assert (folder / "w.toml").read_text() == f"{OLD}\n\n{out}"
    assert ('shows = ["splat"]' in out) == (test == "a/b/splat")


@pytest.mark.parametrize("test, words, said", [
    ("a/b/good", (), "it did not fail in 20270115-080000, but came to PASS"),
    ("a/b/none", (), "has no such test"),
    ("a/b/known", (), "its failure is known already: r"),
    ("a/b/half", (), "it is too broad: 1 of the 2 tests"),
    ("a/b/bad", ("--kernels", "<7.0"), "the entry would not make just this failure a known one"),
    ("a/b/bad", ("--kernels", "<seven"), "'kernel' is no range"),
    ("a/b/bad", ("--url", "lore"), "'url' is no http or https address"),
    ("a/b/bad", ("--expires", "2020-01-01"), "that day is over"),
])
def test_refusals_leave_the_file_alone(folder: Path, capsys: Said, test: str, words: tuple[str, ...], said: str) -> None:
    code, out = waive(folder, capsys, test, *words)
    assert code == 2 and said in out
    assert (folder / "w.toml").read_text() == OLD


def test_dry_run_and_a_file_that_is_not_there(folder: Path, capsys: Said) -> None:
    assert waive(folder, capsys, "a/b/bad", "--dry-run")[0] == 0
    assert (folder / "w.toml").read_text() == OLD
    (folder / "w.toml").unlink()
    assert waive(folder, capsys, "a/b/bad", "--kernels", ">=7.3, <7.4")[0] == 0 and len(known(folder)) == 2
