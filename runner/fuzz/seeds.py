# SPDX-License-Identifier: GPL-2.0-only
"""What fuzzing starts from: inputs as they are in use, made from what the tests of the parsers are made from."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import Any

from results.tests.build_journal import DEVICE, OTHER, Builder, every_verdict, planned
from runner.fuzz.mutate import frame

PLAN: tuple[dict[str, Any], ...] = (
    {"op": "inventory"},
    {"op": "read", "path": "/proc/config.gz"},
    {"op": "take", "device": DEVICE, "driver": "vfio-pci", "from": "idle", "dry": True},
    {"op": "make", "device": "c757d317-0000-4000-8000-000000000001", "parent": "cts_mdev", "type": "cts_mdev-dma"},
    {"op": "take", "device": "10000:e1:00.7", "driver": "mlx5_vfio_pci", "from": "any"},
    {"op": "give_back"},
    {"op": "test", "id": "a/b/c", "argv": ["/suites/a/b", "-r", "b.c"], "timeout_ms": 30000},
    {"op": "test", "id": "é\U0001f600", "argv": ["x"], "timeout_ms": 1, "device": DEVICE, "env": {"CTS_SCRATCH": "/tmp", "A": ""}},
    {"op": "end"},
)
PLAN_TEXT = (
    b' { "op" : "test" , "id":"\\u00e9\\ud83d\\ude00\\n\\/", "argv":["\xc3\xa9\xf0\x9f\x98\x80"],"timeout_ms":86400000 } ',
    b'{"op":"test","id":"t","argv":["x",null,true,false,-0,1.5e3,[{"a":[]}]],"timeout_ms":-9223372036854775808}',
    b'{"op":"end","op":"end"}', b"[" * 40 + b"]" * 40, b"", b"nul", b'"\\ud800"', b"-1e99999", b"1" * 70,
)  # fmt: skip

# What a test writes and what the kernel logs; in front, the source and how much comes at once (events.c).
OUTPUTS = (
    b"TAP version 13\n1..1\nok 1 a.b\n", b"\xc3\xa9\xf0\x9f\x98\x80\xe2\x82", b"\xff\xfe\x00\x1b[31m\xc3\n", b"a" * 9000 + b"\xc3\xa9",
)  # fmt: skip
RECORDS = (
    b'{"skip":{"code":"no-cdev","text":"no vfio driver"}}\n{"lab_error":"x"}\n', b'{"a":1,"a":2}\n[]\n\n{"a":"\\u0000"}\n{',
    b'{"measure":"map","unit":"ns","better":"less","params":{"size":4096},"samples":[3,1.5,-2e3]}\n',
)  # fmt: skip
KMSG = (
    b"6,1042,3141592,-;iommu: Default domain type: Translated\n SUBSYSTEM=pci\n DEVICE=+pci:0000:01:00.0\n\0"
    b"4,1043,3141593,c,caller=T1;a\\x0ab\\xc3\\xa9\\x00\n\0\0" b"12,1044,3141594,-;x\n",
    b"no semicolon\0;\0" b"3,1,2,-;\0",
)  # fmt: skip

LOG = (
    "DMAR: DRHD: handling fault status reg 2",
    "DMAR: [DMA Write NO_PASID] Request device [01:00.0] fault addr 0xdead0000 [fault reason 0x05] PTE Write access is not set",
    "vfio-pci 0000:01:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0001 address=0x1000 flags=0x0020]",
    "AMD-Vi: Event logged [ILLEGAL_DEV_TABLE_ENTRY device=0000:01:00.0 pasid=0x00000 address=0x0 flags=0x0a00]",
    "arm-smmu-v3 arm-smmu-v3.0.auto: event 0x10 received:",
    "arm-smmu-v3 arm-smmu-v3.0.auto: \\x090x0000010000000010",
    "arm-smmu-v3 arm-smmu-v3.0.auto: event: F_TRANSLATION client: 0000:01:00.0 sid: 0x100 ssid: 0x0 iova: 0x1000",
    "virtio_iommu virtio0: page fault from EP 256 at 0x1000 [rw ]",
    "vfio-pci 0000:01:00.0: PCIe Bus Error: severity=Uncorrectable (Fatal), type=Transaction Layer",
    "------------[ cut here ]------------",
    "WARNING: CPU: 0 PID: 88 at drivers/iommu/iommufd/device.c:1280 iommufd_hw_info+0x1/0x2",
    "---[ end trace 0000000000000000 ]---",
    "BUG: KASAN: slab-use-after-free in iommufd_object_remove+0x1/0x2",
    "INFO: lockdep is turned off.",
)


def _every_trouble() -> Builder:
    """What every_verdict() has not: kernel logs, taint, gaps, reboots, tests that start twice, a device that stays."""
    names = ("fault", "splat", "taint", "gap", "again", "stuck", "cut", "host")
    tests = [planned(f"access/trouble/{name}", DEVICE if name != "host" else None, faults=name == "fault", taints=512) for name in names]
    ids = [test["id"] for test in tests]
    made = Builder(*tests, unselected=[{"path": "a/b/c", "requirements": ["A-001"]}])
    made.start(ids[0]).log(ids[0], *LOG[:9]).ok(ids[0]).stop(ids[0])
    made.start(ids[1]).log(ids[1], *LOG[9:]).ok(ids[1]).stop(ids[1], taint_after=512)
    made.start(ids[2]).ok(ids[2]).stop(ids[2], taint_after=1 << 7, kmsg="lost")
    made.start(ids[3]).add("gap", expected=3, seen=9).ok(ids[3]).stop(ids[3])
    made.failed(ids[4]).add("power", action="cycle", why="x").add("boot", n=2).passed(ids[4])
    made.start(ids[5]).stop(ids[5], "unkillable").add("lost", why="no answer", console="\n".join(f"[ 1.0] {line}" for line in LOG))
    made.start(ids[6]).event("output_cut", id=ids[6], fd="stdout", kept=1, dropped=2).event("bad_record", id=ids[6], error="e", text="t")
    made.event("output", id=ids[6], fd="stderr", base64="/w==").stop(ids[6], "signaled", signal=11)
    made.event("test_end", id=ids[7], outcome="not_started", error="no such file").log(None, *LOG[:2]).log(None, *LOG[9:12])
    made.event("taken", device=OTHER, previous="e1000e", driver="vfio-pci", group=13, cdev="vfio1").add("noise", text="x")
    made.event("given_back", device=OTHER, driver=None, error="busy").event("bad_op", line=3, error="e", text="t")
    made.add("noise", text="x", id=ids[7], machine=2).add("forged", text="x", ids=ids[6:], frames=["{}"], machine=2)
    made.add("boot_failed", why="no answer", console="\n".join(LOG[9:12])).add("resume", command=["iommu-cts"], cut=3)
    return made.add("environment", environment={"toolbox": {"drift": {}}}).done("interrupted")


def _journals() -> list[Builder]:
    test = planned("access/parked/read", requirements=["PARK-001"])
    return [every_verdict(), _every_trouble(), Builder(test).passed(test["id"]).done(), Builder()]


def _stream(journal: Builder) -> bytes:
    """The events of a journal as they came."""
    events = [line["event"] for line in journal.lines if line["kind"] == "event"]
    return b"".join(frame(seq, json.dumps(event).encode()) + b"\r\n" for seq, event in enumerate(events))


def _endpoint() -> list[bytes]:
    """What a client of the endpoint sends, as records (endpoint.c)."""

    def ask(command: int, body: bytes = b"", fds: int = 0, flags: int = 0) -> bytes:
        return bytes([1 | fds << 4, command, len(body), command, flags]) + body

    def put(region: int, offset: int, value: int, size: int) -> bytes:
        return ask(10, struct.pack("<QII", offset, region, size) + value.to_bytes(size, "little"))

    hello = b"\0\1" + ask(1, b"\0\0\1\0{}\0")
    ready = hello + put(7, 4, 6, 2)
    answer, refuse, work = b"\2", b"\3\x0e", b"\4"
    reset, sleep = put(7, 0x68, 0x8000, 2), put(7, 0x44, 3, 2) + put(7, 0x44, 0, 2)

    def start(operation: int, length: int, stubborn: int = 0) -> bytes:
        return put(0, 0x40, length, 4) + put(0, 0x50, stubborn, 4) + put(0, 0x10, operation, 4)

    infos = [ask(4, bytes(16))] + [ask(5, struct.pack("<IIIIQQ", 32, 0, index, 0, 0, 0)) for index in range(10)]
    infos += [ask(7, struct.pack("<IIII", 16, 0, index, 0)) for index in range(5)]
    reads = [ask(9, struct.pack("<QII", offset, region, 4)) for region in (0, 2, 4, 7) for offset in (0, 0x14, 0x100)]
    irqs = ask(8, struct.pack("<IIIII", 20, 0x24, 2, 0, 4), 4) + ask(8, struct.pack("<IIIII", 20, 0x21, 2, 0, 0))
    maps = ask(2, struct.pack("<IIQQQ", 32, 3, 0, 4096, 4096), 1) + ask(3, struct.pack("<IIQQ", 24, 0, 4096, 4096))
    place = put(2, 0, 0x1000, 8) + put(2, 8, 16, 8)
    raw = struct.pack("<HHIII", 1, 13, 16, 0, 0)
    return [
        hello + b"".join(infos), hello + b"".join(reads), hello + irqs + maps + ask(13), ready + b"\0" + bytes([len(raw)]) + raw,
        *(ready + place + start(operation, 16) + work + answer * 2 for operation in range(13)),
        *(ready + start(operation, 0x18000) + work + answer * 4 + work for operation in (1, 4, 5)),
        *(ready + start(operation, 64) + work + refuse for operation in (1, 2, 3, 4, 5)),
        *(ready + start(4, 64) + work + stop + answer + work for stop in (reset, sleep, ask(13), put(0, 0x10, 8, 4))),
        *(ready + start(7, 64, stubborn) + (work + answer) * 2 + reset + work + answer + put(0, 0x10, 8, 4) + work for stubborn in (0, 1)),
    ]  # fmt: skip


def make() -> dict[str, list[bytes]]:
    """The inputs by target."""
    hello = frame(0, b'{"ev":"hello","protocol":1}')
    streams = [_stream(journal) for journal in _journals()[:3]]
    streams += [b"[    1.0] boot\n" + hello + b"\n" + hello + b"\n@cts 3 00000000 {}\nuser@cts " + frame(4, b'{"ev":"end"}'), b"\r\n\n"]
    kinds = (OUTPUTS, RECORDS, KMSG)
    sources = [(number, one) for number, group in enumerate(kinds) for one in group]
    return {
        "plan": [json.dumps(op, ensure_ascii=False).encode() for op in PLAN] + list(PLAN_TEXT),
        "endpoint": _endpoint(),
        "events": [bytes([number + len(kinds) * size]) + one for size in (0, 14) for number, one in sources],
        "stream": streams,
        "journal": [journal.text() for journal in _journals()],
    }


def words(inputs: list[bytes]) -> str:
    """A dictionary of libFuzzer's: the words that stand in quotes in the inputs, and what JSON and the stream are made of."""
    found = {word for one in inputs for word in re.findall(rb'"[ -~]{1,30}?"', one)}
    found |= {b"null", b"true", b"false", b"1e999", b"NaN", b"-0", b"\\u0000", b"\\ud800", b"[[", b"{}"}
    found |= {b"@cts ", b"\r\n", b"\xc3\xa9", b"\x1b["}
    escaped = ("".join(f"\\x{byte:02x}" for byte in word) for word in sorted(found))
    return "".join(f'"{word}"\n' for word in escaped)


def write(folder: Path, target: str) -> None:
    """Puts the inputs of a target into folder/seeds, and its dictionary into folder/words."""
    inputs = make()[target]
    (folder / "seeds").mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(inputs):
        (folder / "seeds" / f"{number:02d}").write_bytes(one)
    (folder / "words").write_text(words(inputs))
