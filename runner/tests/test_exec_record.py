# SPDX-License-Identifier: GPL-2.0-only
"""Records: what is passed on word for word, and what is refused with a reason."""

import json
from pathlib import Path

import pytest

from runner.tests.exec_driver import Event, case, of, run, run_one, shell

LONGEST = 60_000


def writing(path: Path, data: bytes) -> Event:
    """A test that writes data to its record pipe."""
    path.write_bytes(data)
    return shell(f"cat {path} >&3")


GOOD = [
    "{}",
    '{"measure":"map","unit":"ns","better":"less","params":{"size":4096},"samples":[1200,1180]}',
    '{"skip":{"code":"no-cdev","text":"\\u00e9 \\ud83d\\ude00"}}',
    ' { "a" : [ 1 , -0.5e-3 , true , false , null , "\\"\\\\\\/\\b\\f\\n\\r\\t" ] } ',
    '{"a":' + "[" * 31 + "]" * 31 + "}",
    '{"s":[' + "1," * 29_990 + "1]}",
    '{"s":"' + "x" * (LONGEST - 8) + '"}',
]


def test_good_records(cts_exec: Path, tmp_path: Path) -> None:
    end, events = run_one(
        cts_exec, writing(tmp_path / "f", "".join(record + "\n" for record in GOOD).encode())
    )
    assert of(events, "bad_record") == []
    assert [event["record"] for event in of(events, "record")] == [json.loads(record) for record in GOOD]
    assert all(event["id"] == "t" for event in of(events, "record"))
    assert end["code"] == 0


BAD = [
    (b"", "byte 0: ends too early"),
    (b"text", "byte 0: no JSON value"),
    (b"[1]", "not an object"),
    (b"1", "not an object"),
    (b'{"a":1', "byte 6: ends too early"),
    (b'{"a":1}{}', "byte 7: text after the value"),
    (b'{"a":1,"a":2}', "byte 13: duplicate key"),
    (b'{"a":NaN}', "byte 5: no JSON value"),
    (b'{"a":"\xc3\xa9"}', "byte 6 is no printable ASCII"),
    (b'{"a":"\x00"}', "byte 6 is no printable ASCII"),
    (b'{"a":\t1}', "byte 5 is no printable ASCII"),
    (b"{}\r", "byte 2 is no printable ASCII"),
    (b'{"a":' + b"[" * 40, "byte 36: nested more than 32 deep"),
    (b'{"s":"' + b"x" * (LONGEST - 7) + b'"}', "longer than 60000 bytes"),
    (b"x" * 1_000_000, "longer than 60000 bytes"),
]


def test_bad_records(cts_exec: Path, tmp_path: Path) -> None:
    """Each is reported, and the good one after it still counts."""
    data = b"".join(line + b'\n{"n":%d}\n' % n for n, (line, _) in enumerate(BAD))
    _, events = run_one(cts_exec, writing(tmp_path / "f", data))
    bad = of(events, "bad_record")
    assert [event["error"] for event in bad] == [error for _, error in BAD]
    for event, (line, _) in zip(bad, BAD, strict=True):
        assert event["text"] == line[:200].decode("utf-8", "replace")
    assert [event["record"] for event in of(events, "record")] == [{"n": n} for n in range(len(BAD))]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b'{"a":1}', "not ended by a newline"),
        (b"x" * 200_000, "longer than 60000 bytes"),
        (b'{}\n{"a', "not ended by a newline"),
    ],
    ids=["no newline", "too long", "torn"],
)
def test_a_last_record_that_is_torn(cts_exec: Path, tmp_path: Path, data: bytes, error: str) -> None:
    _, events = run_one(cts_exec, writing(tmp_path / "f", data))
    assert [event["error"] for event in of(events, "bad_record")] == [error]
    assert len(of(events, "record")) == data.count(b"\n")


def test_a_record_that_comes_in_pieces(cts_exec: Path) -> None:
    _, events = run_one(
        cts_exec,
        shell("""for part in '{"a"' ':' '1' '}'; do printf %s "$part" >&3; sleep 0.02; done; echo >&3"""),
    )
    assert [event["record"] for event in of(events, "record")] == [{"a": 1}]


def test_records_come_before_test_end_and_are_each_tests_own(cts_exec: Path) -> None:
    events = run(cts_exec, *(shell(f"""echo '{{"n":{n}}}' >&3""", id=f"t{n}") for n in range(3)))
    assert [(event["ev"], event["id"]) for event in events[1:-1]] == [
        (ev, f"t{n}") for n in range(3) for ev in ("test_start", "record", "test_end")
    ]


def test_the_longest_id_beside_the_longest_record(cts_exec: Path, tmp_path: Path) -> None:
    test = writing(tmp_path / "f", GOOD[-1].encode() + b"\n")
    test["id"] = "\x01" * 512
    _, events = run_one(cts_exec, test)
    assert [event["id"] for event in of(events, "record")] == [test["id"]]


def test_records_without_end(cts_exec: Path) -> None:
    """16 MiB are passed on, each record counted as 64 bytes more than it has; the rest is counted."""
    lines = 300_000
    _, events = run_one(cts_exec, case("/bin/sh", "-c", f"yes '{{}}' | head -n {lines} >&3"))
    passed = len(of(events, "record"))
    assert passed == -(-(16 << 20) // 66)
    assert [event["error"] for event in of(events, "bad_record")] == [
        f"{lines - passed} records beyond the first 16 MiB were dropped"
    ]
