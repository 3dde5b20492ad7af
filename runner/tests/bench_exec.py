#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What cts-exec itself costs for each test: a program that exits at once, run by cts-exec and by a bare fork,
exec and wait, in alternating batches. Three figures in milliseconds:

  bare      fork to wait, as programs/spawn_loop.c sees it
  cts-exec  from one test_start to the next, with all pipes, frames and the kernel's log
  own       the median of a batch less the median of the bare batch beside it
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from runner.tests.conftest import CC, PROGRAMS, STRICT, make  # noqa: E402
from runner.tests.exec_driver import Exec, case  # noqa: E402

BATCH = 20
TARGET_MS = 5.0


def build(out: Path) -> Path:
    make(out)
    loop = out / "spawn_loop"
    subprocess.run([CC, *STRICT, "-static", "-o", str(loop), str(PROGRAMS / "spawn_loop.c")], check=True)
    return loop


def bare_batch(loop: Path) -> list[float]:
    """Milliseconds of each."""
    done = subprocess.run([str(loop), str(BATCH), str(loop)], capture_output=True, check=True)
    return [int(line) / 1e6 for line in done.stdout.split()]


def exec_batch(target: Exec, loop: Path) -> list[float]:
    """Milliseconds from one test_start to the next; the plan lies ready."""
    target.send(*(case(str(loop)) for _ in range(BATCH + 1)))
    starts = []
    for _ in range(BATCH + 1):
        starts.append(target.wait_for("test_start")["monotonic_ns"])
        target.wait_for("test_end")
    return [(after - before) / 1e6 for before, after in itertools.pairwise(starts)]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-n", type=int, default=300, help="tests in all (default: 300)")
    parser.add_argument("--json", type=Path, help="write every sample to this file")
    options = parser.parse_args()
    batches = max(1, options.n // BATCH)
    bare: list[list[float]] = []
    ours: list[list[float]] = []
    with tempfile.TemporaryDirectory() as folder:
        loop = build(Path(folder))
        with Exec(Path(folder) / "cts-exec") as target:
            target.wait_for("hello")
            bare_batch(loop)  # warm up
            exec_batch(target, loop)
            for _ in range(batches):
                bare.append(bare_batch(loop))
                ours.append(exec_batch(target, loop))
            target.finish()
    own = [statistics.median(a) - statistics.median(b) for a, b in zip(ours, bare, strict=True)]
    rows: dict[str, list[float]] = {"bare": sum(bare, []), "cts-exec": sum(ours, []), "own": own}
    print(
        f"{batches * BATCH} tests each, in batches of {BATCH}; ms per test{'min':>17}{'median':>9}{'max':>9}"
    )
    for name, samples in rows.items():
        print(f"  {name:<58}{min(samples):9.3f}{statistics.median(samples):9.3f}{max(samples):9.3f}")
    if options.json:
        options.json.write_text(
            json.dumps({"unit": "ms", "batch": BATCH, "bare": bare, "cts-exec": ours, "own": own})
        )
    return 0 if statistics.median(own) < TARGET_MS else 1


if __name__ == "__main__":
    sys.exit(main())
