# SPDX-License-Identifier: GPL-2.0-only
"""cts-survey, which says what a host is: how it is built alone, without a kernel source, and started (runner/survey/Makefile)."""

from pathlib import Path

from lab import cache
from lab.binaries import TOP
from lab.toolbox import Toolbox


def build(toolbox: Toolbox) -> Path:
    """Its folder. LabError with the compiler's words."""
    out = cache.root() / "build" / cache.digest([toolbox.key, "cts-survey", str(TOP)])
    with cache.lock(out.with_name(out.name + ".lock"), "cts-survey"):
        out.mkdir(parents=True, exist_ok=True)
        argv = ["make", "-C", "/mnt/src/runner/survey", "OUT=/mnt/out"]
        toolbox.run("building runner/survey", argv, binds={"out": out}, readonly={"src": TOP})
    return out / "survey"


def command(folder: str) -> list[str]:
    """How it is started that lies with its libraries and their loader in `folder`."""
    return [f"{folder}/ld.so", "--library-path", folder, f"{folder}/cts-survey"]
