# SPDX-License-Identifier: GPL-2.0-only
"""What a simulated machine does with a plan: the log that LAVA would have of it.

It is written after docs/stream.md and logs of real jobs, and shares no code with the runner: what both got wrong would not be seen. What
becomes of a test is in its name, and the name comes from a seed.
"""

from __future__ import annotations

import binascii
import json
import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

BDF = "0000:01:00.0"
FUNCTIONS = (("0000:00:00.0", "8086", "29c0", "060000"), (BDF, "8086", "10c9", "020000"))
PIECE = 3000
BEGAN = datetime(2027, 1, 15, 8, tzinfo=timezone.utc)
QEMU = "qemu-system-x86_64: vtd_iommu_translate: detected translation failure (dev=01:00:00, iova=0x61080)"
WARNING = [
    "------------[ cut here ]------------", "WARNING: CPU: 1 PID: 77 at drivers/iommu/iommufd/main.c:123 iommufd_fops_release+0x1/0x2",
    "Call Trace:", " __fput+0x1/0x2", "---[ end trace 0000000000000000 ]---",
]  # fmt: skip
# How many of 10,000 tests come to something else than a plain pass. "known" is a failure that is known and harmless.
USUAL = {"skips": 600, "known": 50, "prints": 100, "torn": 100}
# And of one host there is one of each of these. Behind the first two the machine ends its plan, behind the third the runner does.
STOPS = ("fails", "splats")
RARE = (*STOPS, "loses")


def names(seed: int, count: int) -> list[str]:
    """Paths of tests, the last part of each beginning with what will become of it. The same seed gives the same paths."""
    chance = random.Random(seed)
    kinds = chance.choices([*USUAL, "passes"], [*USUAL.values(), 10_000 - sum(USUAL.values())], k=count)
    kinds[0] = "known"
    for number, kind in enumerate(RARE, 1):
        kinds[number * count // (len(RARE) + 1)] = kind
    return [f"{kind}/file{number % 200}/{kind}_{number:05}" for number, kind in enumerate(kinds)]


class Machine:
    """One boot that runs one plan, as lines of a log."""

    def __init__(self, plan: Sequence[dict[str, Any]]) -> None:
        self._plan = plan
        self._frames = 0
        self._at = BEGAN

    def line(self, message: Any, level: str = "target") -> bytes:
        """One line of LAVA's log."""
        self._at += timedelta(milliseconds=3)
        return b"- " + json.dumps({"dt": self._at.isoformat(timespec="microseconds"), "lvl": level, "msg": message}).encode() + b"\n"

    def frame(self, ev: str, **keys: Any) -> str:
        """The next frame."""
        body = json.dumps({"ev": ev, **keys}, separators=(",", ":")).replace("<", "\\u003c")
        number = self._frames
        self._frames += 1
        return f"@cts {number} {binascii.crc32(body.encode()):08x} {body}"

    def say(self, ev: str, **keys: Any) -> Iterator[bytes]:
        """The next frame as lines of the log."""
        text = self.frame(ev, **keys)
        for start in range(0, len(text), PIECE):
            yield self.line(("@cts+ " if start else "") + text[start : start + PIECE])

    def log(self) -> Iterator[bytes]:
        """The whole job."""
        yield from self.boot()
        tests = 0
        for operation in self._plan:
            if operation["op"] == "inventory":
                yield from self._inventory()
            elif operation["op"] == "take":
                yield from self.say("taken", device=operation["device"], previous=None, driver="vfio-pci", group=3, cdev="vfio0")
            elif operation["op"] == "test":
                tests += 1
                yield from self._test(operation)
                if operation["id"].split("/")[-1].startswith(STOPS):
                    break
        yield from self.say("end", tests=tests)
        yield self.line("<LAVA_SIGNAL_ENDRUN 0_iommu-cts 7_1.1.2.1>")
        yield from self.over()

    def over(self) -> Iterator[bytes]:
        """How LAVA ends a job that went well."""
        yield self.line("Job finished correctly", "info")
        yield self.line({"definition": "lava", "case": "job", "result": "pass"}, "results")

    def boot(self) -> Iterator[bytes]:
        """What stands before the first event, and that."""
        for number in range(100):
            yield self.line(f"start: 1.{number} deploy-something (timeout 00:05:00)", "info")
        for number in range(300):
            yield self.line(f"[    0.{number:06}] ACPI: a line of a kernel that boots, and of what it finds there")
        uname = {"sysname": "Linux", "release": "7.3.4", "version": "#1 SMP", "machine": "x86_64"}
        yield from self.say("hello", protocol=1, cts_exec="simulated", uname=uname, cmdline="", taint=0, uid=0, kmsg="readable", iommu=[])

    def _inventory(self) -> Iterator[bytes]:
        for bdf, vendor, device, kind in FUNCTIONS:
            yield from self.say("device", bdf=bdf, vendor=vendor, device=device, **{"class": kind}, driver=None, group=3, aliases=[])
        yield from self.say("inventory_end", devices=len(FUNCTIONS))

    def _test(self, operation: dict[str, Any]) -> Iterator[bytes]:
        test = operation["id"]
        name = test.split("@")[0].split("/")[-1]
        kind = name.split("_")[0]
        yield from self.say("test_start", id=test, pid=60, taint=0, monotonic_ns=4159956457)
        for text in ("TAP version 13\n", "1..1\n", "# Starting 1 tests from 1 test cases.\n", f"#  RUN           global.{name} ...\n"):
            yield from self.say("output", id=test, fd="stdout", text=text)
        if kind == "torn":
            text = self.frame("output", id=test, fd="stdout", text="in two parts\n")
            yield from (self.line(text[:40] + QEMU), self.line(text[40:]))
        elif kind == "prints":
            yield from self.say("output", id=test, fd="stdout", text="# much, and < too\n" * 500)
        elif kind == "loses":
            self.frame("output", id=test, fd="stdout", text="lost on the way\n")
        elif kind == "splats":
            yield from self.say("kmsg", id=test, lines=[f"4,{1000 + number},{text}" for number, text in enumerate(WARNING)])
        elif kind == "skips":
            yield from self.say("record", id=test, record={"skip": {"code": "kernel-lacks", "text": "no such thing here"}})
        bad = kind in ("fails", "known")
        if bad:
            said = "".join(f"# a.c:{number}:{name}:Expected 0 (0) == {number} (ret)\n" for number in range(40))
            yield from self.say("output", id=test, fd="stderr", text=said)
        for text in (f"{'not ok' if bad else 'ok'} 1 global.{name}\n", f"# {'FAILED' if bad else 'PASSED'}: 1 / 1 tests.\n"):
            yield from self.say("output", id=test, fd="stdout", text=text)
        rest = {"stop": "a test failed"} if kind in STOPS else {}
        yield from self.say(
            "test_end", id=test, outcome="exited", code=int(bad), duration_ns=83166810, user_us=36026, system_us=50113, max_rss_kib=984,
            taint_before=0, taint_after=512 if kind == "splats" else 0, kmsg="read", left=0, **rest,
        )  # fmt: skip
        case = name.replace("/", "_")
        yield self.line(f"<LAVA_SIGNAL_TESTCASE TEST_CASE_ID={case} RESULT={'fail' if bad else 'pass'}>")
        yield self.line(f"Received signal: <TESTCASE> TEST_CASE_ID={case} RESULT={'fail' if bad else 'pass'}", "debug")
        # LAVA tags what is a number or a string; so it is not JSON.
        result = {"definition": "0_iommu-cts", "case": case, "result": "pass", "starttc": 518}
        yield self.line(result, "results").replace(b"518", b'! "518"')
