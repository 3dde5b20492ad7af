# SPDX-License-Identifier: GPL-2.0-only
"""Makes journals for tests: each method adds what the runner would have written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from results import journal

DEVICE = "0000:01:00.0"
OTHER = "0000:02:00.0"
START = 1_800_000_000.0


def planned(path: str, device: str | None = DEVICE, **keys: Any) -> dict[str, Any]:
    """A planned test as docs/results.md has it; `keys` change what isn't the default."""
    test: dict[str, Any] = {
        "id": f"{path}@{device}" if device else path, "path": path, "device": device, "title": None,
        "requirements": [], "kind": "promise", "taints": 0, "faults": False, "skip": None,
    }
    return test | keys


class Builder:
    """A journal in the making. Time goes on by 1/8 s an entry."""

    def __init__(self, *tests: dict[str, Any], **plan: Any) -> None:
        self.lines: list[dict[str, Any]] = []
        self.add("run", journal=1, id="20270115-080000", host="vtd", command=["iommu-cts", "run", "vtd"],
                 suite={"commit": "0123456789abcdef", "dirty": False}, environment={"qemu": "11.1.3"})
        self.add("plan", tests=list(tests), **plan)
        self.add("boot", n=1)
        self.event("hello", protocol=1, uname={"release": "7.3.4", "machine": "x86_64"})
        self.event("device", bdf=DEVICE, driver="vfio-pci", group=12)
        self.event("device", bdf=OTHER, driver="e1000e", group=13)

    def add(self, kind: str, **keys: Any) -> Builder:
        self.lines.append({"t": START + len(self.lines) / 8, "kind": kind, **keys})
        return self

    def event(self, ev: str, **keys: Any) -> Builder:
        return self.add("event", event={"ev": ev, **keys})

    def start(self, test: str) -> Builder:
        return self.event("test_start", id=test, pid=100, taint=0, monotonic_ns=1)

    def out(self, test: str, text: str, fd: str = "stdout") -> Builder:
        return self.event("output", id=test, fd=fd, text=text)

    def log(self, test: str | None, *lines: str) -> Builder:
        return self.event("kmsg", id=test, lines=[f"3,{at},{line}" for at, line in enumerate(lines, 1000)])

    def record(self, test: str, **record: Any) -> Builder:
        return self.event("record", id=test, record=record)

    def stop(self, test: str, outcome: str = "exited", **keys: Any) -> Builder:
        end = {"outcome": outcome, "duration_ns": 5_000_000, "user_us": 1, "system_us": 1, "max_rss_kib": 900,
               "taint_before": 0, "taint_after": 0, "kmsg": "read", "left": 0}
        if outcome == "exited":
            end["code"] = 0
        return self.event("test_end", id=test, **(end | keys))

    def ok(self, test: str, directive: str = "") -> Builder:
        """The result line of a test that passed."""
        return self.out(test, f"TAP version 13\n1..1\nok 1 {tap_name(test)}{directive}\n")

    def not_ok(self, test: str, *said: str) -> Builder:
        for line in said:
            self.out(test, f"# {line}\n", fd="stderr")
        return self.out(test, f"TAP version 13\n1..1\nnot ok 1 {tap_name(test)}\n")

    def passed(self, test: str) -> Builder:
        return self.start(test).ok(test).stop(test)

    def failed(self, test: str) -> Builder:
        name = tap_name(test).rsplit(".", 1)[-1]
        self.start(test)
        expected = f"{name}.c:41:{name}:Expected -1 (-1) == ret (0)"
        self.not_ok(test, expected, f"{name}: Test terminated by assertion")
        return self.stop(test, code=1)

    def done(self, why: str = "finished") -> Builder:
        return self.add("end", why=why)

    def text(self) -> bytes:
        return b"".join(json.dumps(line).encode() + b"\n" for line in self.lines)

    def write(self, folder: Path) -> Path:
        """Writes folder/journal.jsonl."""
        path = folder / "journal.jsonl"
        path.write_bytes(self.text())
        return path

    def read(self, folder: Path) -> journal.Journal:
        return journal.read(self.write(folder))


def tap_name(test: str) -> str:
    """What the harness calls the test with this id: <fixture>[.<variant>].<name>."""
    _, file, name, *variant = test.split("@")[0].split("/")
    return ".".join([file, *variant, name])


def every_verdict() -> Builder:
    """Each verdict once or more, in several files, with names and output that a format could stumble over."""
    tests = [
        planned("access/parked/read", requirements=["PARK-001", "PARK-002"]),
        planned("access/parked/read", OTHER),
        planned("access/parked/mmap/private"),
        planned("access/parked/mmap/shared"),
        planned("access/bind/twice", requirements=["BIND-012"]),
        planned("access/bind/once", requirements=["BIND-001"]),
        planned("ioas/map/hang"),
        planned("ioas/map/no_device", None, skip={"code": "kernel-lacks", "text": "no # such\nioctl"}),
        planned("ioas/map/lab"),
        planned("ioas/map/lost"),
        planned("ioas/map/after"),
        planned("bench/map/rows", kind="measurement"),
    ]
    ids = [test["id"] for test in tests]
    made = Builder(*tests).passed(ids[0]).passed(ids[1]).passed(ids[2])
    made.start(ids[3]).record(ids[3], skip={"code": "no-cdev", "text": "no vfio driver"})
    made.ok(ids[3], " # SKIP").stop(ids[3])
    made.failed(ids[4])
    made.start(ids[5])
    made.not_ok(ids[5], "a.c:1:once:Expected \x1b[31m\x00 \ud800 < & é Subtest: x", "Subtest: ok 1 fake")
    made.stop(ids[5], code=1, left=1)
    made.start(ids[6]).out(ids[6], "KTAP version 1\n1..7\nok 1 inner\n").stop(ids[6], "timeout")
    made.start(ids[8]).record(ids[8], lab_error="the device # ignores us").stop(ids[8], code=1)
    made.start(ids[9])
    made.add("lost", id=ids[9], why="stream closed", console="[ 1.0] reboot: System halted\r\n")
    made.start(ids[11])
    for samples in ([3, 1, 2], [10]):
        made.record(ids[11], measure="map", unit="ns", better="less", params={"size": 4096}, samples=samples)
    made.ok(ids[11]).stop(ids[11])
    return made.add("lab_error", error="the guest\nwould not boot").done()
