# SPDX-License-Identifier: GPL-2.0-only
"""runner/stream.py: what it takes for a frame, and what it survives."""

import json
import random
import zlib

import pytest

from runner.stream import (
    LINE_MAX,
    NOISE_CHARS,
    PLAN_LINE_MAX,
    Conflict,
    Frame,
    Gap,
    Item,
    Noise,
    StreamReader,
    parse_line,
    plan_line,
)


DEEP = b'{"ev":"a","b":%s}' % (b"[" * 64 + b"]" * 64)


def frame(seq: int, **event: object) -> bytes:
    body = json.dumps(event).encode()
    return b"@cts %d %08x %s\n" % (seq, zlib.crc32(body), body)


def hello(**more: object) -> bytes:
    return frame(0, ev="hello", **more)


def read(*chunks: bytes) -> list[Item]:
    reader = StreamReader()
    items: list[Item] = []
    for chunk in chunks:
        items += reader.feed(chunk)
    return items + reader.close()


def test_frame() -> None:
    assert parse_line(b'@cts 7 %08x {"ev":"end","tests":3}' % zlib.crc32(b'{"ev":"end","tests":3}')) == Frame(
        7, {"ev": "end", "tests": 3}
    )


@pytest.mark.parametrize(
    "before",
    [b"", b"[    1.234567] usb 1-1: new device", b"\xff\x00\x1b[0m", b"@cts 1 00000000 {}", b"@cts "],
)
def test_frame_after_other_text(before: bytes) -> None:
    assert parse_line(before + frame(3, ev="end") + b"\r\r\n") == Frame(3, {"ev": "end"})


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"hello",
        b"@cts",
        b"@cts 1",
        b"@cts 1 2 {}",
        frame(1, ev="end")[:-2],
        frame(1, ev="end").replace(b"end", b"eng"),
        frame(1, ev="end").rstrip() + b" tail",
        frame(1, ev="end").replace(b"@cts 1", b"@cts -1"),
        frame(1, ev="end").replace(b"@cts 1", b"@cts 01"),
        frame(1, ev="end").replace(b"@cts 1", b"@cts " + b"9" * 30),
        frame(1, ev=1),
        frame(1, other="end"),
        b"@cts 1 %08x [1]" % zlib.crc32(b"[1]"),
        b"@cts 1 %08x {]" % zlib.crc32(b"{]"),
        b'@cts 1 %08x {"ev":"\xc3\xa9"}' % zlib.crc32(b'{"ev":"\xc3\xa9"}'),
        b"@cts 1 %08x %s" % (zlib.crc32(b'{"a":' + b"[" * 30000), b'{"a":' + b"[" * 30000),
        b"@cts 1 %08x %s" % (zlib.crc32(b'{"a":%s}' % (b"9" * 9000)), b'{"a":%s}' % (b"9" * 9000)),
        # the journal could not take what these hold
        b'@cts 1 %08x {"ev":"a","b":NaN}' % zlib.crc32(b'{"ev":"a","b":NaN}'),
        b'@cts 1 %08x {"ev":"a","b":1e999}' % zlib.crc32(b'{"ev":"a","b":1e999}'),
        b"@cts 1 %08x %s" % (zlib.crc32(DEEP), DEEP),
    ],
)
def test_noise(line: bytes) -> None:
    item = parse_line(line)
    assert isinstance(item, Noise)
    assert len(item.text) <= NOISE_CHARS


def test_a_frame_within_the_text_of_a_broken_one_is_not_believed() -> None:
    inner = frame(9, ev="test_end").decode()
    outer = frame(1, ev="output", text=inner).replace(b"output", b"outpux")
    assert isinstance(parse_line(outer), Noise)


def test_reader_gives_the_same_however_the_bytes_come() -> None:
    data = hello() + b"console text\r\n\n" + frame(1, ev="a") + frame(2, ev="b") + b"torn @cts 3"
    whole = read(data)
    assert whole == [
        Frame(0, {"ev": "hello"}),
        Noise("console text"),
        Frame(1, {"ev": "a"}),
        Frame(2, {"ev": "b"}),
        Noise("torn @cts 3"),
    ]
    assert read(*(data[i:i + 1] for i in range(len(data)))) == whole


def test_noise_is_short_also_of_a_frame_that_comes_again() -> None:
    twice = frame(1, ev="x" * 1000)
    items = read(hello(), twice, twice)
    assert isinstance(items[2], Noise) and len(items[2].text) <= NOISE_CHARS


def test_gap() -> None:
    assert read(hello(), frame(1, ev="a"), frame(5, ev="b"), frame(6, ev="c")) == [
        Frame(0, {"ev": "hello"}),
        Frame(1, {"ev": "a"}),
        Gap(2, 5),
        Frame(5, {"ev": "b"}),
        Frame(6, {"ev": "c"}),
    ]


def test_gap_at_the_start() -> None:
    assert read(frame(2, ev="a")) == [Gap(0, 2), Frame(2, {"ev": "a"})]


def test_new_hello_is_no_gap() -> None:
    assert read(hello(n=1), frame(1, ev="a"), hello(n=1), frame(1, ev="b")) == [
        Frame(0, {"ev": "hello", "n": 1}),
        Frame(1, {"ev": "a"}),
        Frame(0, {"ev": "hello", "n": 1}),
        Frame(1, {"ev": "b"}),
    ]


def test_two_frames_of_one_number_contradict_each_other() -> None:
    forged, true = Frame(1, {"ev": "test_end", "code": 0}), Frame(1, {"ev": "test_end", "code": 1})
    items = read(hello(), frame(1, **forged.event), frame(1, **true.event), frame(2, ev="end"))
    assert items == [Frame(0, {"ev": "hello"}), forged, Conflict(2, true, forged), Frame(2, {"ev": "end"})]


def test_a_lost_hello_of_a_new_start_is_a_conflict() -> None:
    ancient = [frame(n, ev="a") for n in range(1, 200)]
    items = read(hello(), *ancient, frame(1, ev="c"))
    assert items[-1] == Conflict(200, Frame(1, {"ev": "c"}), None)


def test_what_stands_before_a_frame_is_noise() -> None:
    assert read(b"half a @cts 1" + hello(), b" " + frame(1, ev="a")) == [
        Noise("half a @cts 1"),
        Frame(0, {"ev": "hello"}),
        Frame(1, {"ev": "a"}),
    ]


def test_doubled_frames_are_noise() -> None:
    items = read(hello(), hello(), frame(1, ev="a"), frame(2, ev="b"), frame(1, ev="a"), frame(3, ev="c"))
    assert [item.seq for item in items if isinstance(item, Frame)] == [0, 1, 2, 3]
    assert [item for item in items if isinstance(item, Noise)] == [
        Noise("frame 0 again (hello)"),
        Noise("frame 1 again (a)"),
    ]


def test_a_line_without_end_is_bounded() -> None:
    reader = StreamReader()
    for _ in range(100):
        assert reader.feed(b"x" * 65536) == []
        assert len(reader._partial) <= LINE_MAX
    assert reader.feed(b"\n" + hello()) == [Noise("x" * NOISE_CHARS), Frame(0, {"ev": "hello"})]


def test_random_damage_never_raises_and_never_invents() -> None:
    sent = [{"ev": "output", "id": "t", "text": "@cts é\n" * n} for n in range(20)]
    clean = hello() + b"".join(frame(n + 1, **event) for n, event in enumerate(sent))
    rng = random.Random(20210921)
    for _ in range(300):
        data = bytearray(clean)
        for _ in range(rng.randrange(1, 8)):
            at = rng.randrange(len(data))
            kind = rng.randrange(3)
            if kind == 0:
                data[at] ^= 1 << rng.randrange(8)
            elif kind == 1:
                del data[at:at + rng.randrange(1, 200)]
            else:
                data[at:at] = rng.randbytes(rng.randrange(1, 50))
        for item in read(bytes(data)):
            if isinstance(item, Frame) and item.ev != "hello":
                assert item.event in sent


def test_plan_line() -> None:
    assert plan_line({"op": "read", "path": "/é"}) == b'{"op":"read","path":"/\\u00e9"}\n'
    with pytest.raises(ValueError, match="more than 65536"):
        plan_line({"op": "read", "path": "/" * PLAN_LINE_MAX})
    with pytest.raises(ValueError):
        plan_line({"op": "read", "path": float("nan")})
