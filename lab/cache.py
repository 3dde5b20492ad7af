# SPDX-License-Identifier: GPL-2.0-only
"""The cache of things that take long to make: toolboxes, kernel sources, kernels.

An entry is a directory named by a hash of everything that went into it. It is made under a temporary name while a lock is held,
gets a manifest with a digest of its telling files, and is renamed into place, so that an interrupted build never looks like a
finished one. On use the manifest is checked; an entry that does not match is moved aside and made again.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.progress import say

MANIFEST = "manifest.json"


def root() -> Path:
    """The cache folder: $IOMMU_CTS_CACHE, else $XDG_CACHE_HOME/iommu-cts, else ~/.cache/iommu-cts."""
    named = os.environ.get("IOMMU_CTS_CACHE")
    if named:
        return Path(named).absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "iommu-cts"


def digest(value: Any) -> str:
    """Sixteen hexadecimal digits that stand for a JSON value."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextlib.contextmanager
def lock(path: Path, waiting_for: str) -> Iterator[None]:
    """Holds an exclusive lock named by `path`; says so once if somebody else has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another iommu-cts that is making {waiting_for}")
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _read_manifest(entry: Path) -> dict[str, Any] | None:
    try:
        manifest = json.loads((entry / MANIFEST).read_text())
        for name, expected in manifest["files"].items():
            path = entry / name
            if path.stat().st_size != expected["size"] or file_digest(path) != expected["sha256"]:
                say(f"cache: {path} is not what was put there; making it again")
                return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return dict(manifest)


def remove(path: Path) -> None:
    """Removes a tree even where folders lack their write bit; a missing one is fine."""
    if path.is_symlink() or path.is_file():
        path.unlink(missing_ok=True)
        return
    for folder, _, _ in os.walk(path):
        with contextlib.suppress(FileNotFoundError):  # somebody else removes it too
            os.chmod(folder, 0o700)
    shutil.rmtree(path, ignore_errors=True)


def read_pointer(path: Path) -> str | None:
    """What `write_pointer` wrote; None if there is nothing, or nothing of it reached the disk."""
    try:
        return path.read_text(errors="replace") or None
    except FileNotFoundError:
        return None


def write_pointer(path: Path, text: str) -> None:
    """A small file that says which entry is meant: there as a whole, or as it was before."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text)
    draft.rename(path)


def obtain(
    kind: str, key: str, title: str, telling: list[str] | Callable[[Path], list[str]], make: Callable[[Path], dict[str, Any]],
    fresh: bool = False,
) -> tuple[Path, dict[str, Any]]:  # fmt: skip
    """The entry `kind`/`key`, made by `make` if it is not there or damaged.

    `make` fills the folder that it is given and returns facts for the manifest. `telling` names the files, relative to the entry, whose
    digests are kept and checked on each use; or it finds them in the filled folder. What is there is replaced if it is to be `fresh`.
    Returns the folder and the manifest's facts.
    """
    if key in ("", ".", "..") or "/" in key:
        raise LabError(f"{title}: {key!r} is no name for an entry of the cache")
    entry = root() / kind / key
    try:
        with lock(entry.with_name(f"{key}.lock"), title):
            manifest = None if fresh else _read_manifest(entry)
            if manifest is None:
                if not fresh:
                    remove(entry)
                draft = entry.with_name(f".{key}.draft")
                remove(draft)
                draft.mkdir(parents=True)
                facts = make(draft)
                files = {
                    name: {"size": (draft / name).stat().st_size, "sha256": file_digest(draft / name)}
                    for name in (telling(draft) if callable(telling) else telling)
                }
                manifest = {"title": title, "facts": facts, "files": files}
                (draft / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")
                remove(entry)
                draft.rename(entry)
    except OSError as error:
        raise LabError(f"{title}: {error}") from error
    return entry, dict(manifest["facts"])
