# SPDX-License-Identifier: GPL-2.0-only
"""Folders that last as long as this process works in them. What a process that was killed left behind, the next one removes."""

import contextlib
import fcntl
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


def dead() -> list[Path]:
    """The folders that processes left behind which are gone."""
    root = cache.root() / KIND
    return [path for path in root.iterdir() if path.is_dir() and _is_dead(path)] if root.is_dir() else []


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
