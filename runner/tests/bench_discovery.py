# SPDX-License-Identifier: GPL-2.0-only
"""How long cts-survey takes on a host with 4,096 IOMMU groups, which is a folder in memory. `make bench-discovery` runs it."""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lab import survey, toolbox
from runner.tests.sysfs_tree import GROUPS, Tree, crowd

ROUNDS = 5
LIMIT_S = 2.0


def main() -> int:
    """Prints the median of ROUNDS for one, for 16 and for all functions; 1 if one of them is above LIMIT_S."""
    command = survey.command(str(survey.build(toolbox.obtain())))
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="iommu-cts-") as folder:
        tree = Tree(Path(folder) / "sys")
        crowd(tree)
        named = [f"{port:04x}:01:02.3" for port in range(16)]
        slow = False
        for what, words in (("one function", named[:1]), ("16 functions", named), (f"all {GROUPS + 17} functions", [])):
            times = []
            for _ in range(ROUNDS):
                start = time.monotonic()
                subprocess.run([*command, "--sysfs", str(tree.root), *words], check=True, stdout=subprocess.DEVNULL)
                times.append(time.monotonic() - start)
            median = statistics.median(times)
            slow |= median > LIMIT_S
            print(f"{what:<20} {median * 1000:8.1f} ms")
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
