# SPDX-License-Identifier: GPL-2.0-only
"""The cache never hands out what is unfinished or damaged."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import cache, ksrc, toolbox
from lab.errors import LabError


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("IOMMU_CTS_CACHE", str(tmp_path))
    yield tmp_path


class Maker:
    """Counts how often it was asked to make the entry."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, draft: Path) -> dict[str, Any]:
        self.calls += 1
        (draft / "file").write_text("content")
        return {"call": self.calls}


def test_what_somebody_else_removes_meanwhile_is_gone(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    walk = os.walk

    def slow_walk(top: Path) -> Iterator[Any]:
        for at in walk(top):
            shutil.rmtree(top, ignore_errors=True)
            yield at

    (own_cache / "folder/inner").mkdir(parents=True)
    monkeypatch.setattr(os, "walk", slow_walk)
    cache.remove(own_cache / "folder")
    assert not (own_cache / "folder").exists()


def test_an_entry_is_made_once() -> None:
    maker = Maker()
    first, facts = cache.obtain("kind", "key", "a thing", ["file"], maker)
    again, same = cache.obtain("kind", "key", "a thing", ["file"], maker)
    assert (first, facts) == (again, same) and maker.calls == 1


def test_a_fresh_entry_takes_the_place_of_the_old_one_when_it_is_finished() -> None:
    maker = Maker()
    entry, _ = cache.obtain("kind", "key", "a thing", ["file"], maker)

    def look(draft: Path) -> dict[str, Any]:
        assert (entry / "file").read_text() == "content"
        with (entry.with_name("key.lock")).open() as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        (draft / "file").write_text("new")
        return {}

    assert cache.obtain("kind", "key", "a thing", ["file"], look, fresh=True)[0] == entry
    assert (entry / "file").read_text() == "new"


def test_a_damaged_entry_is_made_again() -> None:
    maker = Maker()
    entry, _ = cache.obtain("kind", "key", "a thing", ["file"], maker)
    (entry / "file").write_text("c0ntent")
    cache.obtain("kind", "key", "a thing", ["file"], maker)
    assert maker.calls == 2 and (entry / "file").read_text() == "content"


@pytest.mark.parametrize("manifest", ["", "{", "[]", '{"files": {"file": 3}}', '{"files": {"gone": {"size": 1, "sha256": ""}}}'])
def test_a_bad_manifest_is_no_manifest(manifest: str) -> None:
    maker = Maker()
    entry, _ = cache.obtain("kind", "key", "a thing", ["file"], maker)
    (entry / cache.MANIFEST).write_text(manifest)
    cache.obtain("kind", "key", "a thing", ["file"], maker)
    assert maker.calls == 2


@pytest.mark.parametrize("key", ["", ".", "..", "a/b"])
def test_what_is_no_key_removes_nothing(own_cache: Path, key: str) -> None:
    cache.obtain("kind", "key", "a thing", ["file"], Maker())
    with pytest.raises(LabError, match="a thing: .* is no name for an entry of the cache"):
        cache.obtain("kind", key, "a thing", ["file"], Maker())
    assert (own_cache / "kind/key/file").exists()


def test_a_pointer_is_whole_or_not_there(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pointer = own_cache / "pointer"
    assert cache.read_pointer(pointer) is None
    cache.write_pointer(pointer, "key")
    assert cache.read_pointer(pointer) == "key"

    def full(self: Path, text: str) -> None:
        self.touch()
        raise OSError("no space")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="no space"):
        cache.write_pointer(pointer, "other")
    assert cache.read_pointer(pointer) == "key"
    pointer.open("w").close()
    assert cache.read_pointer(pointer) is None


def test_an_empty_pointer_to_a_toolbox_or_source_is_none(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def make(kind: str, telling: str) -> str:
        def fill(draft: Path) -> dict[str, Any]:
            for name in ("Makefile", "Kconfig", telling):
                (draft / name).parent.mkdir(parents=True, exist_ok=True)
                (draft / name).touch()
            return {"versions": {}, "drift": {}, "package": "linux-source-6.12", "version": "1"}

        cache.obtain(kind, "made", kind, [telling], fill)
        return "made"

    monkeypatch.setattr(toolbox, "_make", lambda profile, pointer: make("toolbox", "tree/var/lib/dpkg/status"))
    monkeypatch.setattr(ksrc, "_fetch", lambda package, wanted: (make("ksrc", "Makefile"), None))
    toolbox.obtain()
    ksrc.of_package("6.12")
    for pointer in (*own_cache.glob("toolbox/lab-*"), own_cache / "ksrc/linux-source-6.12@newest"):
        pointer.open("w").close()
    (own_cache / "toolbox/other").mkdir()
    (own_cache / "ksrc/other").mkdir()
    assert toolbox.obtain().tree == own_cache / "toolbox/made/tree"
    assert ksrc.of_package("6.12").tree == own_cache / "ksrc/made"
    assert (own_cache / "toolbox/other").is_dir() and (own_cache / "ksrc/other").is_dir()


def test_what_failed_half_way_is_not_there() -> None:
    def fail(draft: Path) -> dict[str, Any]:
        (draft / "file").write_text("half")
        raise LabError("no luck")

    with pytest.raises(LabError, match="no luck"):
        cache.obtain("kind", "key", "a thing", ["file"], fail)
    maker = Maker()
    entry, _ = cache.obtain("kind", "key", "a thing", ["file"], maker)
    assert maker.calls == 1 and (entry / "file").read_text() == "content"


def test_a_full_disk_is_a_lab_error() -> None:
    def fail(_: Path) -> dict[str, Any]:
        raise OSError(28, "No space left on device")

    with pytest.raises(LabError, match="No space left"):
        cache.obtain("kind", "key", "a thing", [], fail)


def test_remove_copes_with_folders_that_may_not_be_written(tmp_path: Path) -> None:
    inner = tmp_path / "tree" / "inner"
    inner.mkdir(parents=True)
    (inner / "file").touch()
    inner.chmod(0o500)
    cache.remove(tmp_path / "tree")
    assert not (tmp_path / "tree").exists()
