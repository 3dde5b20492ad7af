# SPDX-License-Identifier: GPL-2.0-only
"""The log of a job, as LAVA writes it and as somebody would who wants to do harm."""

import io
import json
import zlib
from typing import Any

import pytest

from runner.lava import log
from runner.lava.target import SLACK_S, JobTarget

Event = dict[str, Any]
START = 1_800_000_000.0


def line(text: Any, level: str = "target", at: float = 0.0) -> bytes:
    stamp = f"2027-01-15T08:{int(at) // 60:02d}:{at % 60:09.6f}+00:00"
    return b"- " + json.dumps({"dt": stamp, "lvl": level, "msg": text}).encode() + b"\n"


def frame(seq: int, event: Event) -> str:
    body = json.dumps(event, separators=(",", ":"))
    return f"@cts {seq} {zlib.crc32(body.encode()):08x} {body}"


def end(result: str = "pass", **more: str) -> bytes:
    return line({"definition": "lava", "case": "job", "result": result, **more}, "results")


HELLO: Event = {"ev": "hello", "protocol": 1, "uname": {"release": "7.3.4"}}
TEST: Event = {"op": "test", "id": "a", "argv": ["/b"], "timeout_ms": 30_000}


def streamed(raw: bytes) -> bytes:
    return b"".join(piece.data for piece in log.stream(log.console(log.lines(io.BytesIO(raw)))))


def test_the_stream_begins_with_the_hello() -> None:
    raw = line("Linux version 7.3.4") + line("@cts 7 00000000 {}") + line(frame(0, HELLO)) + line("Kernel panic - not syncing: x")
    assert streamed(raw) == f"{frame(0, HELLO)}\nKernel panic - not syncing: x\n".encode()


def test_what_is_lavas_is_left_out() -> None:
    signal = "<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=a RESULT=pass>"
    raw = line(frame(0, HELLO)) + line("Received signal", "debug") + line(signal) + line(f"x{signal}")
    assert streamed(raw) == f"{frame(0, HELLO)}\nx{signal}\n".encode()


def test_what_qemu_says_is_left_out() -> None:
    whole = frame(0, HELLO)
    noise = "qemu-system-x86_64: vtd_iommu_translate: detected translation failure (dev=01:00:00, iova=0x61080)"
    raw = line(whole[:30] + noise) + line(noise) + line(whole[30:]) + line(noise) + line("behind it")
    assert streamed(raw) == f"{whole}\nbehind it\n".encode()


def test_pieces_are_put_together() -> None:
    whole = frame(0, HELLO)
    raw = line(whole[:20]) + line(log.MORE + whole[20:30]) + line(log.MORE + whole[30:])
    assert streamed(raw) == f"{whole}\n".encode()
    torn = line(whole[:20]) + line("a word of the kernel") + line(log.MORE + whole[20:])
    assert whole.encode() not in streamed(torn)


# A short line that stands for 10^9 words.
LAUGHS = b"- {dt: 2027-01-15T08:00:00+00:00, x: [" + b", ".join(
    b"&a%d [%s]" % (level, b", ".join([b"*a%d" % (level - 1) if level else b"lol"] * 10)) for level in range(9)
) + b"], @: *a8}\n"  # fmt: skip


@pytest.mark.parametrize("bad", [
    b"", b"\n", b"- \n", b"- {\n", b"- [1]\n", b"no list\n", b"- {dt: 1, lvl: target, msg: x}\n",
    b'- {"dt": "never", "lvl": "target", "msg": "x"}\n',
    b'- {"lvl": "target", "msg": "x"}\n', b"- !!python/object/apply:os.system [id]\n", b"\xff\xfe\n", b"- " + b"[" * 100_000 + b"\n",
    b"- &a [*a]\n", b'- {"dt": "2027-01-15T08:00:00+00:00", "lvl": "target", "msg": "cut off', b"- {" + b"x" * (2 << 20) + b"}\n",
    b'- {"dt": "9999-12-31T23:59:59+00:00", "lvl": {"a": 1}, "msg": null}\n', LAUGHS.replace(b"@", b"lvl"), LAUGHS.replace(b"@", b"msg"),
])  # fmt: skip
def test_what_can_not_be_read_is_left_out(bad: bytes) -> None:
    raw = line(frame(0, HELLO)) + bad + (b"" if bad.endswith(b"\n") or not bad else b"\n") + line("behind it")
    assert streamed(raw) == f"{frame(0, HELLO)}\nbehind it\n".encode()


def test_characters_that_yaml_writes_otherwise() -> None:
    raw = b'- {"dt": "2027-01-15T08:00:00+00:00", "lvl": "target", "msg": "a\\e[1m \\_ \\x01 \\\xe2\\u20ac"}\n'.replace(b"\\\xe2", b"")
    assert [found.message for found in log.console(log.lines(io.BytesIO(raw)))] == ["a\x1b[1m \xa0 \x01 \u20ac"]


def test_what_never_ends_is_not_held() -> None:
    """Neither a line, nor a frame, nor what QEMU's words tear."""
    torn = line("a" * 50_000 + "qemu-system-x86_64: x")
    more = line(frame(0, HELLO)) + line(log.MORE + "x" * 50_000) * 100
    for endless in (b"- " + b"x" * (5 * log.LINE_MAX), more, line("@cts 0 ") + torn * 100):
        assert all(len(piece.data) < 200_000 for piece in log.stream(log.console(log.lines(io.BytesIO(endless)))))


def test_a_log_that_is_not_all_there() -> None:
    assert target(line(frame(0, HELLO)) + PANIC, cut=True).gone() == "log too long"


def test_who_started_last() -> None:
    raw = line(frame(1, {"ev": "test_start", "id": "a/b@0000:01:00.0", "pid": 1}))
    assert log.last_started(b"x" + raw) == "a/b@0000:01:00.0" and log.last_started(b"") is None
    assert log.tests_ended(line(frame(2, {"ev": "test_end", "id": "a"}))) == 1


def target(raw: bytes, health: str = "Incomplete", **more: bool) -> JobTarget:
    """One that was sent its one test and has read all."""
    found = JobTarget(io.BytesIO(raw), [TEST], "/tmp", health, **more)
    found.power_on()
    found.send(json.dumps(TEST).encode())
    while found.receive(0):
        pass
    return found


PANIC = line("[    4.5] Kernel panic - not syncing: sysrq triggered crash")


@pytest.mark.parametrize("raw, health, more, why", [
    (PANIC + end("fail", error_type="Infrastructure", error_msg="Connection closed"), "Incomplete", {}, "stream closed"),
    (PANIC, "Incomplete", {}, "stream closed"),
    (end("fail", error_type="Infrastructure", error_msg="Connection closed"), "Incomplete", {}, "stream closed"),
    (end("fail", error_type="Infrastructure", error_msg="Connection closed"), "Incomplete", {"closes": False}, "job failed"),
    (end("fail", error_type="Infrastructure", error_msg="no power"), "Incomplete", {}, "job failed"),
    (b"", "Incomplete", {}, "job failed"),
    (b"", "Canceled", {}, "job cancelled"),
    (end("fail", error_type="Canceled", error_msg="x"), "Incomplete", {}, "job cancelled"),
    (b"", "Canceled", {"hung": True}, "no answer"),
    (line("x", "info", 30 + SLACK_S + 1) + end("fail", error_type="Test", error_msg="test timed out after 9 seconds"), "Incomplete", {},
     "no answer"),
    (line("x", "info", 30 + SLACK_S - 1) + end("fail", error_type="Job", error_msg="test timed out after 9 seconds"), "Incomplete", {},
     "job timed out"),
    (end(), "Complete", {}, "cts-exec died"),
])  # fmt: skip
def test_why_a_target_is_gone(raw: bytes, health: str, more: dict[str, bool], why: str) -> None:
    assert target(line(frame(0, HELLO)) + raw, health, **more).gone() == why


def test_a_panic_before_the_last_frame_is_no_end() -> None:
    raw = line(frame(0, HELLO)) + PANIC + line(frame(1, {"ev": "end"}))
    assert target(raw).gone() == "job failed"


def test_the_console_is_what_is_no_frame() -> None:
    raw = line("Linux version") + line(frame(0, HELLO)) + PANIC + end("fail", error_type="Infrastructure", error_msg="Connection closed")
    shown = target(raw).console().splitlines()
    assert shown[0] == "Linux version" and shown[1].endswith("Kernel panic - not syncing: sysrq triggered crash")
    assert shown[2:] == ["LAVA: Infrastructure: Connection closed"]
