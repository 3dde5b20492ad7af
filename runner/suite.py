# SPDX-License-Identifier: GPL-2.0-only
"""Which state of the suite this is."""

import subprocess
from pathlib import Path
from typing import Any

TOP = Path(__file__).parent.parent


def _git(*words: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(TOP), *words], capture_output=True, text=True)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def version() -> dict[str, Any]:
    """The commit and whether the working tree differs from it; commit "unknown" outside a git checkout."""
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return {"commit": "unknown", "dirty": False}
    return {"commit": commit, "dirty": bool(_git("status", "--porcelain", "--untracked-files=no"))}


def label() -> str:
    """The same in one word, for `cts-exec --version`."""
    state = version()
    return str(state["commit"])[:12] + ("-dirty" if state["dirty"] else "")
