# SPDX-License-Identifier: GPL-2.0-only
"""`make lint`: every check of lab/lint.sh, run in a toolbox so that everybody's tools are the same."""

import subprocess
import sys

from lab import entry, kernel, ksrc, toolbox
from lab.binaries import TOP


def main() -> int:
    """Runs the checks and returns 0 if all are clean."""
    box, source = ksrc.with_toolbox(None)
    where = {"src": TOP, "ksrc": source.tree, "khdr": kernel.headers(box, source)}
    command = toolbox.obtain("lint").command(["bash", "/mnt/src/lab/lint.sh"], readonly=where, cwd="/mnt/src")
    return subprocess.run(command).returncode


if __name__ == "__main__":
    sys.exit(entry.ending("make lint", main))
