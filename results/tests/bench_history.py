# SPDX-License-Identifier: GPL-2.0-only
"""`make bench-history`: runs are made, read plainly, and imported; then the history is asked. --runs and --results say how many."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from results import gate, history, store
from results.tests.build_bench import told
from runner import cli

AT_ONCE = 500  # runs that are on the disk at the same time
HOSTS = ("vtd", "amdvi", "smmuv3", "virtio-iommu")
TIMES = 9


def run_of(number: int, results: int) -> dict[str, Any]:
    """A run of one of four hosts, each an hour after the one before; a new kernel every hundred runs. Some tests waver."""
    chance = random.Random(number)
    host, began = HOSTS[number % len(HOSTS)], datetime(2020, 1, 1, tzinfo=timezone.utc) + timedelta(hours=number)
    made: list[dict[str, Any]] = []
    for at in range(results):
        verdict = "FAIL" if at % 97 == 0 and chance.random() < 0.3 else "SKIP" if at % 5 == 0 else "PASS"
        path = f"subject{at % 20}/file{at % 200}/what_is_shown_by_this_test_{at}"
        why = {"SKIP": ("kernel-lacks", "no such flag"), "FAIL": ("assertion", f"a.c:{at}: Expected 0 == 1")}.get(verdict)
        result = told(path, verdict, reason=why) | {"title": "What this test shows, in one sentence of its own", "kind": "promise"}
        result |= {"requirements": [f"REQ-{at % 600:03}"], "boot": 1, "duration_ns": chance.randrange(10**9), "max_rss_kib": 900}
        made.append(result | {"notes": [], "evidence": [], "shown": [why[0]] if why else []})
    for at in range(10):
        samples = [4000 * (at + 1) + chance.randrange(50) for _ in range(15)]
        row = {"measure": "map", "unit": "ns", "better": "less", "params": {"size": 4096}, "samples": samples}
        made[at * 7 + 1]["measurements"] = [row]
    return {
        "schema": "iommu-cts/results", "version": 1, "counts": {}, "boots": 1, "problems": [], "results": made,
        "run": {"id": f"{began:%Y%m%dT%H%M%S}-{host}", "host": host, "command": [], "suite": {"commit": f"{number // 100:040x}"},
                "started": f"{began:%Y-%m-%dT%H:%M:%S}.000Z", "finished": None, "complete": True, "exit_code": 0},
        "environment": {"target": {"uname": {"release": f"7.{number // 100}"}}, "kernel": {"sha256": f"{number // 100:064x}"}},
    }  # fmt: skip


def _took(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def _plainly(folder: Path) -> None:
    for path in folder.glob("*/results.json"):
        json.loads(path.read_bytes())


def _asked(name: str, call: Callable[[], object]) -> None:
    print(f"{name:<58} {1000 * median(_took(call) for _ in range(TIMES)):7.1f} ms")


def _fill(folder: Path, db: Path, runs: int, results: int) -> None:
    size, plain, importing = 0, 0.0, 0.0
    for first in range(0, runs, AT_ONCE):
        with TemporaryDirectory(dir=folder) as name:
            for number in range(first, min(first + AT_ONCE, runs)):
                path = Path(name) / str(number) / "results.json"
                path.parent.mkdir()
                size += path.write_text(json.dumps(run_of(number, results), indent=1))
            plain += _took(lambda: _plainly(Path(name)))
            words = ["history", "import", name, "--db", str(db)]
            with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
                importing += _took(lambda: cli.main(words))
    rows = runs * results
    print(f"{runs} runs of {results} results, {size / 1e6:.0f} MB of JSON; the history has {db.stat().st_size / 1e6:.0f} MB, "
          f"{db.stat().st_size / rows:.1f} bytes a result")  # fmt: skip
    for what, took in (("read and parsed", plain), ("imported, with reading and parsing", importing)):
        print(f"{what:<36} {took:6.1f} s  {size / took / 1e6:6.0f} MB/s  {rows / took:9.0f} results/s")


def main() -> int:
    """Prints what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--results", type=int, default=1_000)
    arguments = parser.parse_args()
    with TemporaryDirectory() as name:
        db = Path(name) / "history.sqlite"
        _fill(Path(name), db, arguments.runs, arguments.results)
        with store.opened(db) as connection:
            tests = [row[0] for row in connection.execute("SELECT name FROM test")]
            one = tests[97]
            _asked("a test over all kernels of all hosts", lambda: history.tests(connection, one, "*", "*"))
            _asked("a test over all kernels of one host", lambda: history.tests(connection, one, "vtd", "*"))
            _asked("a measured row over all kernels of one host", lambda: history.measured(connection, "*_1:map*", "vtd", "*"))
            _asked("the newest 30 runs", lambda: history.runs(connection, "*", "*", "", "9999", 30))
            ground = ("vtd", "7.50", f"{50:064x}", f"{50:012x}")
            _asked("what is on the ground of a gate", lambda: history.on_ground(connection, *ground, gate.NEWEST))
            _asked("what wavered in the newest 100 runs of each host", lambda: history.wavering(connection, "*", 100))
    return 0


if __name__ == "__main__":
    sys.exit(main())
