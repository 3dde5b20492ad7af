# SPDX-License-Identifier: GPL-2.0-only
"""Where what is made is kept: in a checkout within it, and nowhere within a tree that is installed."""

from pathlib import Path

import pytest

from lab import places
from lab.errors import UsageError
from runner import suite


def test_a_checkout_keeps_its_own(tmp_path: Path) -> None:
    assert places.kept(tmp_path / "runs") == tmp_path / "runs"


def test_what_is_installed_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "COMMIT", tmp_path / "COMMIT")
    (tmp_path / "COMMIT").write_text("0123abcd-dirty\n")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert places.kept(tmp_path / "runs") == tmp_path / "state" / "iommu-cts" / "runs"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert places.kept(tmp_path / "runs") == tmp_path / ".local" / "state" / "iommu-cts" / "runs"
    assert suite.version() == {"commit": "0123abcd", "dirty": True}
    with pytest.raises(UsageError, match="`new` changes files of the suite, and .* is installed: do it in a checkout"):
        places.in_a_checkout("`new`")


def test_a_tree_that_cant_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert places.kept(Path("/usr/share/x/runs")) == tmp_path / "iommu-cts" / "runs"
