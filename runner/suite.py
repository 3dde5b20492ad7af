# SPDX-License-Identifier: GPL-2.0-only
"""Which state of the suite this is."""

import subprocess
from typing import Any

from lab import places

TOP = places.TOP


def _git(*words: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(TOP), *words], capture_output=True, text=True)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def version() -> dict[str, Any]:
    """The commit and whether the working tree differs from it; commit "unknown" where there is neither a checkout nor an installed tree."""
    if places.COMMIT.exists():
        kept, _, state = places.COMMIT.read_text().strip().partition("-")
        return {"commit": kept, "dirty": bool(state)}
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return {"commit": "unknown", "dirty": False}
    return {"commit": commit, "dirty": bool(_git("status", "--porcelain", "--untracked-files=no"))}


def label() -> str:
    """The same in one word, for `cts-exec --version`."""
    state = version()
    return str(state["commit"])[:12] + ("-dirty" if state["dirty"] else "")
