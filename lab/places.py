# SPDX-License-Identifier: GPL-2.0-only
"""Where the suite is, and where what it makes is kept: within a checkout, but never within a tree that `make install` has put somewhere."""

import os
from pathlib import Path

from lab.errors import UsageError

TOP = Path(__file__).resolve().parent.parent
COMMIT = TOP / "COMMIT"
"""`make install` leaves the commit here; a checkout has no such file."""


def kept(path: Path) -> Path:
    """Where that file or folder of a checkout is in truth: there if this is a checkout that can be written to, else of the same name in
    $XDG_STATE_HOME/iommu-cts, which need not be there yet."""
    if not COMMIT.exists() and os.access(path.parent, os.W_OK):
        return path
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "iommu-cts" / path.name


def in_a_checkout(what: str) -> None:
    """UsageError unless this is a checkout, whose files `what` is going to change."""
    if COMMIT.exists():
        raise UsageError(f"{what} changes files of the suite, and {TOP} is installed: do it in a checkout")
