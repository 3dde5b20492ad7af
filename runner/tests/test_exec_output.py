# SPDX-License-Identifier: GPL-2.0-only
"""What tests print: text and bytes, the limit, and that no amount of it grows cts-exec."""

import base64
import os
import re
import subprocess
from pathlib import Path

import pytest

from runner.tests.exec_driver import Event, Exec, case, of, run, run_one, shell, text_of

HEAD, TAIL = 192 * 1024, 64 * 1024
LIMIT = HEAD + TAIL
GIGABYTE = 1 << 30


def bytes_of(events: list[Event], fd: str = "stdout") -> bytes:
    """What was printed, be it text or not."""
    return b"".join(
        event["text"].encode() if "text" in event else base64.b64decode(event["base64"], validate=True)
        for event in of(events, "output")
        if event["fd"] == fd
    )


def print_file(path: Path, data: bytes) -> Event:
    path.write_bytes(data)
    return case("/bin/cat", str(path))


def test_both_streams(cts_exec: Path) -> None:
    _, events = run_one(cts_exec, shell("echo out; echo err >&2"))
    assert (text_of(events, "stdout"), text_of(events, "stderr")) == ("out\n", "err\n")
    assert all(event["id"] == "t" for event in of(events, "output"))


def test_output_comes_while_the_test_runs(cts_exec: Path) -> None:
    with Exec(cts_exec) as target:
        target.send(shell("printf 'no newline'; exec sleep 1000", timeout_ms=60_000))
        assert target.wait_for("output")["text"] == "no newline"


@pytest.mark.parametrize(
    "text",
    ["", "\x00\x01\x1f\x7f", '"\\/\b\f\n\r\t', "é€\U0001f600", "\ufffe\uffff", "@cts 0 00000000 {}\n" * 9],
)
def test_text(cts_exec: Path, tmp_path: Path, text: str) -> None:
    _, events = run_one(cts_exec, print_file(tmp_path / "f", text.encode()))
    assert text_of(events) == text


@pytest.mark.parametrize(
    "data",
    [
        b"\xff",
        b"a\x80b",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xe2\x82",
        b"\xf0\x9f\x98",
        bytes(range(256)),
    ],
)
def test_bytes_that_are_no_text(cts_exec: Path, tmp_path: Path, data: bytes) -> None:
    _, events = run_one(cts_exec, print_file(tmp_path / "f", data))
    assert bytes_of(events) == data
    assert any("base64" in event for event in of(events, "output"))


@pytest.mark.parametrize("shift", range(4))
def test_characters_are_not_torn(cts_exec: Path, tmp_path: Path, shift: int) -> None:
    """Chunks end where they may, characters do not."""
    text = "x" * shift + "\U0001f600" * 60_000
    _, events = run_one(cts_exec, print_file(tmp_path / "f", text.encode()))
    assert text_of(events) == text


def test_a_character_that_comes_in_pieces(cts_exec: Path) -> None:
    _, events = run_one(
        cts_exec, shell(r"printf 'a\360'; sleep 0.05; printf '\237\230'; sleep 0.05; printf '\200b'")
    )
    assert text_of(events) == "a\U0001f600b"


@pytest.mark.parametrize("over", [-1, 0, 1, 100_000])
def test_the_limit(cts_exec: Path, misbehave: str, over: int) -> None:
    _, events = run_one(cts_exec, case(misbehave, "flood", str(LIMIT + over)))
    assert bytes_of(events) == b"x" * min(LIMIT, LIMIT + over)
    cuts = (
        [{"ev": "output_cut", "id": "t", "fd": "stdout", "kept": LIMIT, "dropped": over}] if over > 0 else []
    )
    assert of(events, "output_cut") == cuts


def test_the_limit_is_each_streams_and_each_tests_own(cts_exec: Path, misbehave: str) -> None:
    flood = f"{misbehave} flood 300000; {misbehave} flood 300000 >&2"
    events = run(cts_exec, shell(flood, id="a"), shell(flood, id="b"))
    assert [(event["id"], event["fd"]) for event in of(events, "output_cut")] == [
        ("a", "stdout"),
        ("a", "stderr"),
        ("b", "stdout"),
        ("b", "stderr"),
    ]


def test_the_end_is_kept(cts_exec: Path, tmp_path: Path) -> None:
    """What a test says of itself comes last; the gap is told where it is."""
    data = b"begin" + b"x" * LIMIT + b"end"
    _, events = run_one(cts_exec, print_file(tmp_path / "f", data))
    order = [event["ev"] for event in events if event["ev"].startswith("output")]
    assert bytes_of(events) == data[:HEAD] + data[-TAIL:]
    assert order.count("output_cut") == 1 and order.index("output_cut") in range(1, len(order) - 1)


def test_a_character_at_the_gap(cts_exec: Path, tmp_path: Path) -> None:
    data = b"x" * (HEAD - 1) + "é".encode() + b"y" * TAIL
    _, events = run_one(cts_exec, print_file(tmp_path / "f", data))
    assert bytes_of(events) == data[:HEAD] + data[-TAIL:]
    assert [(event["kept"], event["dropped"]) for event in of(events, "output_cut")] == [(LIMIT, 1)]


def test_a_gigabyte_does_not_grow_it(built: Path, misbehave: str) -> None:
    """Output and records without bound, and a long plan line. Not with sanitizers: they need memory too."""
    with Exec(built / "cts-exec") as target:
        target.send(
            b"x" * 100_000 + b"\n",
            case(misbehave, "flood", str(GIGABYTE), id="output"),
            case(misbehave, "flood-record", str(GIGABYTE // 8), id="record"),
        )
        for dropped in (GIGABYTE - LIMIT, 0):
            end = target.wait_for("test_end")
            assert (end["outcome"], end["code"]) == ("exited", 0)
            assert (
                sum(event["dropped"] for event in of(target.events, "output_cut") if event["id"] == end["id"])
                == dropped
            )
        status = Path(f"/proc/{target.process.pid}/status").read_text()
        peak = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert peak and int(peak[1]) < 4096, status
        target.finish()


def test_a_holder_of_the_pipe_that_never_stops(cts_exec: Path, tmp_path: Path) -> None:
    """Somebody who is no child of cts-exec has the test's pipe open and writes on and on."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with Exec(cts_exec) as target:
        target.send(shell(f"read x < {fifo}"))
        pid = target.wait_for("test_start")["pid"]
        gate = os.open(fifo, os.O_WRONLY)  # from here on the shell runs, and its pipe is in its place
        with open(f"/proc/{pid}/fd/1", "wb") as pipe:
            writer = subprocess.Popen(["/usr/bin/yes"], stdout=pipe)
        os.close(gate)
        assert target.wait_for("test_end")["outcome"] == "exited"
        assert writer.wait() != 0  # its pipe was closed
        target.finish()
