# SPDX-License-Identifier: GPL-2.0-only
"""Revisions of a repository, checked out elsewhere: the repository stays as it is, and so do the files that do not differ."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from lab import kgit
from lab.errors import LabError, UsageError
from lab.tests.fake_kernel import commit, git, repository


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IOMMU_CTS_CACHE", str(tmp_path / "cache"))


@pytest.fixture(name="user")
def user_fixture(tmp_path: Path) -> Path:
    """A repository with three commits: base, next (changes one file) and gone (has a file less)."""
    folder = repository(tmp_path / "linux")
    commit(folder, "next", {"drivers/vfio/main.c": "two\n", "new.c": "new\n"})
    (folder / "new.c").unlink()
    commit(folder, "gone", {})
    return folder


def state(folder: Path) -> tuple[str, str, list[str]]:
    """What must not change: branches and HEAD, what git status says, and every file of .git but its index."""
    files = sorted(str(path) for path in (folder / ".git").rglob("*") if path.name != "index")
    return git(folder, "show-ref", "--head"), git(folder, "status", "--porcelain", "--ignored"), files


def check_out(found: kgit.Repository, name: str) -> dict[str, str]:
    """The files that lie there then."""
    source = found.source(found.find(name))
    assert source.check_out
    with found.held():
        source.check_out()
    paths = sorted(path for path in found.tree.rglob("*") if path.is_file() and path.name != ".git")
    return {str(path.relative_to(found.tree)): path.read_text() for path in paths}


def test_each_revision_has_its_files_and_the_users_repository_is_left_alone(user: Path) -> None:
    (user / "drivers/vfio/main.c").write_text("not committed\n")
    before = state(user)
    found = kgit.Repository(user)
    assert check_out(found, "base")["drivers/vfio/main.c"] == "one\n"
    old = (found.tree / "Kbuild").stat().st_mtime_ns
    after = check_out(found, "next")
    assert after["drivers/vfio/main.c"] == "two\n" and after["new.c"] == "new\n"
    assert "new.c" not in check_out(found, "gone")
    assert (found.tree / "Kbuild").stat().st_mtime_ns == old
    assert state(user) == before


@pytest.mark.parametrize("words", [["worktree", "add", "-q"], ["clone", "-q", "--bare", "."], ["clone", "-q", "."]])
def test_worktrees_clones_and_bare_repositories_will_do(user: Path, words: Sequence[str], tmp_path: Path) -> None:
    other = tmp_path / "other"
    git(user, *words, str(other))
    assert "new.c" in check_out(kgit.Repository(other), git(user, "rev-parse", "next"))


def test_a_shallow_clone_will_do(user: Path, tmp_path: Path) -> None:
    git(user, "clone", "-q", "--depth=2", f"file://{user}", str(tmp_path / "shallow"))
    found = kgit.Repository(tmp_path / "shallow")
    assert "new.c" in check_out(found, "HEAD~1") and "new.c" not in check_out(found, "HEAD")
    assert found.git("log", "--format=%s", "HEAD").split() == ["gone", "next"]


def test_what_a_killed_git_left_is_no_hindrance(user: Path) -> None:
    found = kgit.Repository(user)
    check_out(found, "base")
    (found._own / "index.lock").touch()
    (found.tree / "drivers/vfio/main.c").write_text("half")
    (found.tree / "stray.c").touch()
    files = check_out(found, "base")
    assert files["drivers/vfio/main.c"] == "one\n" and "stray.c" not in files
    (found._own / "HEAD").write_text("f" * 40 + "\n")  # another repository lay there once
    assert "new.c" in check_out(found, "next")


def test_hooks_and_the_callers_repository_have_no_part_in_it(user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = tmp_path / "hooks" / "post-checkout"
    hook.parent.mkdir()
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/called\n")
    hook.chmod(0o755)
    (tmp_path / ".gitconfig").write_text(f"[core]\n\thooksPath = {hook.parent}\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    assert "new.c" in check_out(kgit.Repository(user), "next") and not (tmp_path / "called").exists()


def test_what_is_no_repository_and_no_revision_is_named(user: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--ksrc .*nowhere: no such folder"):
        kgit.Repository(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="not a git repository"):
        kgit.Repository(tmp_path)
    found = kgit.Repository(user)
    for name in ("nowhere", "--all", "base:Kbuild"):
        with pytest.raises(UsageError, match=f"'{name}' is no revision of"):
            found.find(name)
    git(user, "rm", "-rq", "drivers/iommu")
    commit(user, "small", {})
    with pytest.raises(UsageError, match="'small' .*it has no drivers/iommu/iommufd"):
        found.find("small")


def test_without_git_it_says_so(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(LabError, match="there is no git on this machine"):
        kgit.Repository(user)


def test_kernels_are_known_by_their_files(user: Path) -> None:
    found = kgit.Repository(user)
    git(user, "commit", "-q", "--allow-empty", "-m", "empty")
    same = [found.source(found.find(name)).identity for name in ("gone", "HEAD")]
    assert same[0] == same[1] != found.source(found.find("next")).identity
