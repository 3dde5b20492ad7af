# SPDX-License-Identifier: GPL-2.0-only
"""A git repository that looks like a kernel's, as far as nobody compiles it."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

FILES = {"Kbuild": "", "drivers/vfio/main.c": "one\n", "drivers/iommu/iommufd/main.c": "one\n"}


def git(folder: Path, *words: str) -> str:
    """What git says in `folder`."""
    own = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    return subprocess.run(["git", "-C", str(folder), *own, *words], check=True, capture_output=True, text=True).stdout.strip()


def commit(folder: Path, name: str, files: Mapping[str, str]) -> str:
    """Commits these files with this subject and as a tag of this name, together with what else was changed; returns the commit."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", name)
    git(folder, "tag", name)
    return git(folder, "rev-parse", "HEAD")


def repository(folder: Path) -> Path:
    """A new one with a commit that is called base."""
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "base", FILES)
    return folder
