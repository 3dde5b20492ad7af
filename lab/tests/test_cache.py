# SPDX-License-Identifier: GPL-2.0-only
"""The cache never hands out what is unfinished or damaged."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import cache
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


def test_an_entry_is_made_once() -> None:
    maker = Maker()
    first, facts = cache.obtain("kind", "key", "a thing", ["file"], maker)
    again, same = cache.obtain("kind", "key", "a thing", ["file"], maker)
    assert (first, facts) == (again, same) and maker.calls == 1


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
