# SPDX-License-Identifier: GPL-2.0-only
"""Folders for work: nobody's are removed, and those of the dead."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab import scratch
from lab.binaries import TOP

HOLD = "import time\nfrom lab import scratch\nwith scratch.folder() as path:\n print(path, flush=True)\n time.sleep(600)"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IOMMU_CTS_CACHE", str(tmp_path))


def test_a_folder_lasts_as_long_as_it_is_used() -> None:
    with scratch.folder() as first, scratch.folder() as second:
        (first / "file").write_text("a")
        assert first != second and second.is_dir()
        with scratch.folder():
            assert (first / "file").exists()
    assert not first.exists() and not second.exists()


def test_what_was_killed_leaves_nothing_behind() -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD], cwd=TOP, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        left = Path(holder.stdout.readline().strip())
        with scratch.folder():
            assert left.is_dir()
        holder.send_signal(signal.SIGKILL)
    assert left.is_dir()
    with scratch.folder():
        assert not left.exists()


def test_nobody_takes_a_folder_for_a_dead_ones_while_it_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its lock it looks like one, so nobody else may look then."""
    seen = []

    def remove(top: Path, **_: object) -> None:
        if (top / scratch.LOCK).exists():
            with (tmp_path / "scratch" / scratch.MAKING).open() as making, pytest.raises(BlockingIOError):
                fcntl.flock(making, fcntl.LOCK_EX | fcntl.LOCK_NB)
            seen.append([path.name for path in top.iterdir()])
        rmtree(top)

    rmtree = shutil.rmtree
    with scratch.folder() as path:
        (path / "inner").mkdir()
        (path / "file").touch()
        monkeypatch.setattr(shutil, "rmtree", remove)
    assert seen == [[scratch.LOCK]] and not path.exists()  # what takes long was gone before


def test_a_folder_that_was_killed_before_it_had_a_lock(tmp_path: Path) -> None:
    (tmp_path / "scratch" / "half").mkdir(parents=True)
    with scratch.folder():
        assert not (tmp_path / "scratch" / "half").exists()


def test_what_another_user_has_is_let_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It could not be removed, and whether it is dead can't be seen."""
    left = tmp_path / scratch.KIND / "left"
    left.mkdir(parents=True)
    assert scratch.dead() == [left]
    monkeypatch.setattr(os, "geteuid", lambda: left.stat().st_uid + 1)
    assert scratch.dead() == []
    with scratch.folder():
        assert left.is_dir()
