# SPDX-License-Identifier: GPL-2.0-only
"""Folders that last as long as this process works in them. What a process that was killed left behind, the next one removes."""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lab import cache

KIND = "scratch"  # in the cache
LOCK = "lock"
MAKING = "making.lock"


def _is_dead(path: Path) -> bool:
    """Is its owner gone? Its lock went with it."""
    try:
        with (path / LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


def _is_ours(path: Path) -> bool:
    """In a cache that several users share nobody but root can tell whether another's folder is dead, or remove it."""
    with contextlib.suppress(FileNotFoundError):
        return path.is_dir() and os.geteuid() in (0, path.stat().st_uid)
    return False


def dead() -> list[Path]:
    """The folders that processes left behind which are gone, as far as this user may remove them."""
    root = cache.root() / KIND
    return [path for path in root.iterdir() if _is_ours(path) and _is_dead(path)] if root.is_dir() else []


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A new folder in the cache, removed at the end; after kill -9, by the next call of anybody. OSError if there is no room."""
    root = cache.root() / KIND
    root.mkdir(parents=True, exist_ok=True)
    with cache.lock(root / MAKING, "a folder"):
        for left in dead():
            cache.remove(left)
        path = Path(tempfile.mkdtemp(dir=root))
        owner = (path / LOCK).open("w")
        fcntl.flock(owner, fcntl.LOCK_EX)
    with owner:
        try:
            yield path
        finally:
            for inner in path.iterdir():
                if inner.name != LOCK:
                    cache.remove(inner)
            # Without its lock it looks like a dead one's, for the moment that it is still there.
            with cache.lock(root / MAKING, "a folder"):
                cache.remove(path)
