# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's log: the real one where it may be written, and one that the test plays (fake_kmsg.c)."""

import os
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runner.tests.exec_driver import Event, Exec, case, of, run, run_one, shell

LINE = re.compile(r"([0-7]),([0-9]+),(.*)", re.DOTALL)


def can_write_kmsg() -> bool:
    return os.access("/dev/kmsg", os.R_OK | os.W_OK) and os.geteuid() == 0


@pytest.mark.skipif(not can_write_kmsg(), reason="needs root and a /dev/kmsg to write to")
def test_the_real_log(cts_exec: Path) -> None:
    mark = f"cts-exec test {os.getpid()}"
    script = f"printf '<4>{mark}: tab\\there, back\\\\slash, \\303\\251\\nsecond line\\n' > /dev/kmsg"
    end, events = run_one(cts_exec, shell(script))
    assert end["kmsg"] == "read"
    lines = [line for event in of(events, "kmsg") if event.get("id") == "t" for line in event["lines"]]
    found = [LINE.fullmatch(line) for line in lines]
    assert all(found), lines
    ours = [match for match in found if match and (mark in match[3] or match[3] == "second line")]
    assert [(match[1], match[3]) for match in ours] == [
        ("4", f"{mark}: tab\there, back\\slash, é"),
        ("4", "second line"),
    ]
    assert ours[0][2] == ours[1][2]


@pytest.mark.skipif(not can_write_kmsg(), reason="needs root and a /dev/kmsg to write to")
def test_a_line_without_its_newline_is_its_tests(cts_exec: Path) -> None:
    mark = f"cts-exec test {os.getpid()} has no newline"
    events = run(cts_exec, shell(f"printf '<4>{mark}' > /dev/kmsg", id="a"), shell("echo next > /dev/kmsg", id="b"))
    texts = {(event.get("id"), line.split(",", 2)[2]) for event in of(events, "kmsg") for line in event["lines"]}
    assert ("a", mark) in texts and ("b", "next") in texts
    assert not any("end of a test" in text for _, text in texts)


class Log:
    """The writer's end of a fake /dev/kmsg."""

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.theirs.setblocking(False)
        self.ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)

    def write(self, *records: bytes) -> None:
        for record in records:
            self.ours.send(record)

    def start(self, binary: Path) -> Exec:
        fd = self.theirs.fileno()
        return Exec(binary, env={"FAKE_KMSG": str(fd)}, pass_fds=(fd,))


@pytest.fixture
def log() -> Iterator[Log]:
    log = Log()
    yield log
    log.ours.close()
    log.theirs.close()


@contextmanager
def stopped(target: Exec) -> Iterator[None]:
    """What is written meanwhile is all there when it looks."""
    os.kill(target.process.pid, signal.SIGSTOP)
    yield
    os.kill(target.process.pid, signal.SIGCONT)


def held(tmp_path: Path) -> tuple[Event, Path]:
    """A test that runs until something is written to a FIFO."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    return shell(f"read x < {fifo}"), fifo


def test_lines_come_while_the_test_runs(fake_kmsg_exec: Path, log: Log, tmp_path: Path) -> None:
    test, fifo = held(tmp_path)
    with log.start(fake_kmsg_exec) as target:
        target.send(test)
        target.wait_for("test_start")
        log.write(b"6,1,100,-;first\n")
        assert target.wait_for("kmsg") == {"ev": "kmsg", "id": "t", "lines": ["6,100,first"]}
        log.write(b"4,2,200,-;second\n", b"3,3,300,-;third\n")
        fifo.write_text("go\n")
        assert target.wait_for("test_end")["kmsg"] == "read"
        events = target.finish()
    assert [line for event in of(events, "kmsg") for line in event["lines"]] == [
        "6,100,first",
        "4,200,second",
        "3,300,third",
    ]


def test_lines_between_tests_belong_to_none(fake_kmsg_exec: Path, log: Log) -> None:
    with log.start(fake_kmsg_exec) as target:
        target.wait_for("hello")
        log.write(b"6,1,100,-;idle\n")
        assert target.wait_for("kmsg") == {"ev": "kmsg", "lines": ["6,100,idle"]}
        target.send(case("/bin/true"))
        target.finish()


@pytest.mark.parametrize(
    ("record", "lines"),
    [
        (b"30,1,5,-;a daemon's line\n", ["6,5,a daemon's line"]),
        (b"6,1,5,c,caller=T1;part\n", ["6,5,part"]),
        (b"6,1,5,-;text\n SUBSYSTEM=pci\n DEVICE=+pci:0000:01:00.0\n", ["6,5,text"]),
        (b"6,1,5,-;one\\x0atwo\\x0a\\x0athree\n", ["6,5,one", "6,5,two", "6,5,", "6,5,three"]),
        (b"6,1,5,-;\n", ["6,5,"]),
        (b"6,1,5,-;no newline", ["6,5,no newline"]),
        (b"6,1,5,-;\\x5cx41 \\xzz \\x4 \\x\n", ["6,5,\\x41 \\xzz \\x4 \\x"]),
        (b"6,1,5,-;\\xff\\xc3\\xa9\n", ["6,5,\ufffdé"]),
        (b"6,1,18446744073709551615,-;late\n", ["6,18446744073709551615,late"]),
        (b"6,1,5,-;" + b"\\x0a" * 500 + b"\n", ["6,5,"] * 501),
        (b"15,1,5,-;cts-exec: end of a test\n", []),
        (b"7,1,5,-;cts-exec: end of a test\n", ["7,5,cts-exec: end of a test"]),
        (b"no record at all\n", []),
        (b"x,y,z;text\n", []),
    ],
)
def test_forms_of_records(
    fake_kmsg_exec: Path, log: Log, tmp_path: Path, record: bytes, lines: list[str]
) -> None:
    test, fifo = held(tmp_path)
    with log.start(fake_kmsg_exec) as target:
        target.send(test)
        target.wait_for("test_start")
        log.write(record)
        fifo.write_text("go\n")
        events = target.finish()
    assert [line for event in of(events, "kmsg") for line in event["lines"]] == lines


def test_a_burst_is_batched_within_frames(fake_kmsg_exec: Path, log: Log, tmp_path: Path) -> None:
    test, fifo = held(tmp_path)
    text = b"\\x01" * 100
    with log.start(fake_kmsg_exec) as target:
        target.send(test)
        target.wait_for("test_start")
        with stopped(target):
            log.write(*(b"6,%d,%d,-;%s\n" % (n, n, text) for n in range(200)))
        fifo.write_text("go\n")
        events = target.finish()
    batches = of(events, "kmsg")
    assert [line for event in batches for line in event["lines"]] == [
        f"6,{n},{chr(1) * 100}" for n in range(200)
    ]
    assert 2 < len(batches) < 20


def test_an_overrun_is_told(fake_kmsg_exec: Path, log: Log, tmp_path: Path) -> None:
    test, fifo = held(tmp_path)
    with log.start(fake_kmsg_exec) as target:
        target.send(test)
        target.wait_for("test_start")
        with stopped(target):
            log.write(b"EPIPE", b"6,9,100,-;the oldest there is\n")
        assert target.wait_for("kmsg") == {
            "ev": "kmsg",
            "id": "t",
            "lost": True,
            "lines": ["6,100,the oldest there is"],
        }
        fifo.write_text("go\n")
        target.send(case("/bin/true", id="next"))
        ends = [target.wait_for("test_end") for _ in range(2)]
        target.finish()
    assert [end["kmsg"] for end in ends] == ["lost", "read"]


def test_a_flood_is_cut(fake_kmsg_exec: Path, log: Log, tmp_path: Path) -> None:
    """1 MiB of log a test; the test itself goes on."""
    test, fifo = held(tmp_path)
    record = b"6,1,5,-;" + b"x" * 1000 + b"\n"
    with log.start(fake_kmsg_exec) as target:
        target.send(test)
        target.wait_for("test_start")
        for _ in range(3000):
            while target.process.poll() is None:
                try:
                    log.ours.send(record, socket.MSG_DONTWAIT)
                    break
                except BlockingIOError:
                    target.read_some()
        fifo.write_text("go\n")
        end = target.wait_for("test_end")
        events = target.finish()
    assert (end["outcome"], end["kmsg"]) == ("exited", "lost")
    ours = [event for event in of(events, "kmsg") if event.get("id") == "t"]
    assert sum(len(event["lines"]) for event in ours) == (1 << 20) // len(record)
    assert sum("lost" in event for event in ours) == 1


def test_a_log_that_ends(fake_kmsg_exec: Path, log: Log) -> None:
    with log.start(fake_kmsg_exec) as target:
        target.wait_for("hello")
        log.ours.close()
        log.theirs.close()
        target.send(case("/bin/true"))
        assert target.wait_for("test_end")["kmsg"] == "denied"
        target.finish()


def test_a_log_that_may_not_be_read(fake_kmsg_exec: Path) -> None:
    with Exec(fake_kmsg_exec, env={"FAKE_KMSG": "-1"}) as target:
        assert target.wait_for("hello")["kmsg"] == "denied"
        target.send(case("/bin/true"))
        assert target.wait_for("test_end")["kmsg"] == "denied"
        target.finish()
