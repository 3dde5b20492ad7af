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


def _remove_dead(root: Path) -> None:
    """Removes the folders whose owner is gone: its lock went with it."""
    for path in root.iterdir():
        if not path.is_dir():
            continue
        try:
            fd = os.open(path / LOCK, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            cache.remove(path)
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            cache.remove(path)
        except BlockingIOError:
            pass
        finally:
            os.close(fd)


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A new folder in the cache, removed at the end; after kill -9, by the next call of anybody. OSError if there is no room."""
    root = cache.root() / KIND
    root.mkdir(parents=True, exist_ok=True)
    with cache.lock(root / MAKING, "a folder"):
        _remove_dead(root)
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
