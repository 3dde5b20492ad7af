# SPDX-License-Identifier: GPL-2.0-only
"""make check-manual: does what the manual's pages show, and compares what is printed and the exit codes. Takes minutes of QEMU."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from lab import entry
from lab.errors import LabError
from lab.progress import say
from runner.tests.manual import PAGES, TOP, commands, differs


def do(page: str, folder: Path) -> None:
    """One page, in a folder of its own. LabError names the command that did something else."""
    (folder / "bin").mkdir()
    (folder / "bin/iommu-cts").symlink_to(TOP / "iommu-cts")
    runs = {"IOMMU_CTS_RUNS": str(folder / "runs"), "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    for one in commands(page):
        say(f"{page}: {one.line}")
        done = subprocess.run(["bash", "-c", one.line], cwd=folder, env={**os.environ, **runs}, capture_output=True, text=True)
        wrong = differs(one.output, done.stdout.splitlines()) if one.output else None
        if wrong is not None or done.returncode != one.code:
            what = f"exit code {done.returncode} in place of {one.code}" if wrong is None else f"not as the page shows: {wrong}"
            raise LabError(f"docs/{page}.md: $ {one.line}\n{what}\n{done.stdout}{done.stderr}")


def main() -> int:
    """All pages, or those that are named."""
    for page in sys.argv[1:] or PAGES:
        with tempfile.TemporaryDirectory(prefix="iommu-cts-manual-") as folder:
            do(page, Path(folder))
        say(f"docs/{page}.md: as it shows")
    return 0


if __name__ == "__main__":
    sys.exit(entry.ending("check_manual", main))
