# SPDX-License-Identifier: GPL-2.0-only
"""Folders of runs as `iommu-cts lava submit` leaves them, with nothing submitted yet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from results.journal import PlannedTest, Writer
from runner.lava.recipe import Part, Recipe
from runner.tests.scale.machine import BDF, FUNCTIONS

WAIVERS = """
[[waiver]]
test = "known/file*/*"
reason = "a failure that is known"
url = "https://example.org/"
expires = 2099-01-01
harmless = true
"""


def make(folder: Path, number: int, url: str, paths: Sequence[str], shares: int = 1) -> Path:
    """A run of host `number`, whose server is at `url`, with the tests `paths` for its device, in `shares` equal shares."""
    run = folder / f"20270115T080000-host{number:03}"
    run.mkdir()
    publish = run / "lava"
    publish.mkdir()
    tests = [PlannedTest(f"{path}@{BDF}", path, "What this test shows, in one sentence", "promise", BDF, ["SIM-001"]) for path in paths]
    known = {test.id: True for test in tests if test.path.split("/")[-1].startswith("known_")}
    with Writer(run / "journal.jsonl") as journal:
        journal.write(
            "run", journal=1, id=run.name, host=f"host{number:03}", command=["bench-scale"], suite={"commit": "0" * 40, "dirty": False},
            environment={},
        )  # fmt: skip
        journal.write("plan", tests=tests, unselected=[])
    operations = [
        {"op": "test", "id": test.id, "argv": ["/suites/simulated", "-r", test.path], "timeout_ms": 30_000,
         "env": {"CTS_SCRATCH": "/tmp", "CTS_NAMED": BDF}, "device": BDF, "taints": 0, "harmless": test.id in known}
        for test in tests
    ]  # fmt: skip
    place = {"server": url, "device_type": "simulated", "publish": str(publish), "url": f"file://{publish}", "devices": shares}
    ends = [len(tests) * share // shares for share in range(shares + 1)]
    Recipe(
        1, "simulated", {**place, "tags": []}, "x86_64", "console=ttyS0", {"kernel": "file:///kernel", "ramdisk": "file:///ramdisk"},
        before=[{"op": "take", "device": BDF, "driver": "vfio-pci", "from": "any"}],
        inventory=sorted(f"{bdf} {vendor}:{device}" for bdf, vendor, device, _ in FUNCTIONS), known=known,
        parts=[Part(operations[first:last]) for first, last in zip(ends, ends[1:], strict=False)],
    ).write(run)  # fmt: skip
    (folder / "waivers.toml").write_text(WAIVERS)
    return run
