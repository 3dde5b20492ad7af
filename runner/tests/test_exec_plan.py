# SPDX-License-Identifier: GPL-2.0-only
"""cts-exec and its plan: hello, lines good and bad, files, the ends of the stream."""

import base64
import fcntl
import os
import signal
import subprocess
from pathlib import Path

import pytest

from runner.stream import PLAN_LINE_MAX, Frame, Noise, StreamReader, plan_line
from runner.tests.conftest import make
from runner.tests.exec_driver import Event, Exec, case, of, run, shell, wait_until_gone

TEST = b'{"op":"test","id":"t","argv":["/bin/true"],"timeout_ms":1000%s}\n'


def test_hello(cts_exec: Path) -> None:
    uname = os.uname()
    hello = run(cts_exec)[0]
    assert hello["ev"] == "hello"
    assert hello["protocol"] == 1
    assert hello["uname"] == {
        "sysname": uname.sysname,
        "release": uname.release,
        "version": uname.version,
        "machine": uname.machine,
    }
    assert hello["cmdline"] == Path("/proc/cmdline").read_text().strip()
    assert hello["page_size"] == os.sysconf("SC_PAGESIZE")
    assert hello["cpus"] == os.sysconf("SC_NPROCESSORS_ONLN")
    assert hello["memory_kib"] * 1024 == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGESIZE")
    assert hello["taint"] == int(Path("/proc/sys/kernel/tainted").read_text())
    assert hello["uid"] == os.getuid()
    assert hello["kmsg"] in ("readable", "denied")
    assert isinstance(hello["iommu"], list)
    assert hello["iommufd"] == os.path.exists("/dev/iommu")
    assert hello["monotonic_ns"] > 0


def test_version_is_the_one_it_was_built_from(tmp_path: Path) -> None:
    for version in ("a1b2", "a1b2-dirty"):
        make(tmp_path, f"VERSION={version}")
        assert run(tmp_path / "cts-exec")[0]["cts_exec"] == version
    before = (tmp_path / "cts-exec").stat().st_mtime_ns
    make(tmp_path, "VERSION=a1b2-dirty")
    assert (tmp_path / "cts-exec").stat().st_mtime_ns == before


def test_inventory(cts_exec: Path) -> None:
    events = run(cts_exec, {"op": "inventory"})
    devices = of(events, "device")
    assert of(events, "inventory_end")[0]["devices"] == len(devices)
    sysfs = Path("/sys/bus/pci/devices")
    assert [device["bdf"] for device in devices] == (sorted(os.listdir(sysfs)) if sysfs.exists() else [])
    for device in devices:
        assert device["vendor"] == (sysfs / device["bdf"] / "vendor").read_text().strip().removeprefix("0x")


def test_the_order_of_the_plan(cts_exec: Path) -> None:
    events = run(
        cts_exec,
        case("/bin/true", id="a"),
        {"op": "nope"},
        case("/bin/true", id="b"),
        {"op": "end"},
        case("/bin/true", id="c"),
    )
    assert [event["ev"] for event in events] == [
        "hello",
        "test_start",
        "test_end",
        "bad_op",
        "test_start",
        "test_end",
        "end",
    ]
    assert [event.get("id") for event in of(events, "test_end")] == ["a", "b"]
    assert events[-1] == {"ev": "end", "tests": 2}


def test_a_last_line_without_newline_counts(cts_exec: Path) -> None:
    assert len(of(run(cts_exec, TEST.rstrip() % b""), "test_end")) == 1


def test_lines_end_as_consoles_end_them(cts_exec: Path) -> None:
    assert len(of(run(cts_exec, TEST.strip() % b"" + b"\r\n" + b' \t{ "op" : "end" } \r\n'), "test_end")) == 1


BAD = [
    (b"", "byte 0: ends too early"),
    (b"x", "byte 0: no JSON value"),
    (b"\x00", "byte 0: no JSON value"),
    (b"\xff\xfe", "byte 0: no JSON value"),
    (b"nul", "byte 0: no JSON value"),
    (b"[]", "the line is a list, not an object"),
    (b"null", "the line is null, not an object"),
    (b'"end"', "the line is a string, not an object"),
    (b"{}", 'the key "op" is missing'),
    (b'{"op":1}', 'key "op" is a whole number, not a string'),
    (b'{"op":"\xc3\xa9"}', 'unknown op "é"'),
    (b'{"op":"end"', "byte 11: ends too early"),
    (b'{"op":"en', "byte 9: string without an end"),
    (b'{"op":"end"} {}', "byte 13: text after the value"),
    (b'{"op":"end",}', "byte 12: expected a key in double quotes"),
    (b'{"op"}', "byte 5: expected a colon after the key"),
    (b'{"op":"end" "a":1}', "byte 12: expected a comma or the end"),
    (b"{op:1}", "byte 1: expected a key in double quotes"),
    (b'{"op":"end","op":"end"}', "byte 23: duplicate key"),
    (b'{"op":"end","\\u006fp":"end"}', "byte 28: duplicate key"),
    (b'{"op":"end","x":1}', 'op "end" has no key "x"'),
    (b'{"op":"e\x01"}', "byte 8: control character in a string"),
    (b'{"op":"e\x00"}', "byte 8: control character in a string"),
    (b'{"op":"\\u0000"}', "byte 13: NUL in a string"),
    (b'{"op":"\\q"}', "byte 8: unknown escape in a string"),
    (b'{"op":"\\', "byte 8: unknown escape in a string"),
    (b'{"op":"\\u12g4"}', "byte 11: \\u without four hexadecimal digits"),
    (b'{"op":"\\ud800"}', "byte 13: lone surrogate in a string"),
    (b'{"op":"\\udc00x"}', "byte 13: lone surrogate in a string"),
    (b'{"op":"\\ud800\\u0041"}', "byte 19: lone surrogate in a string"),
    (b'{"op":"\xed\xa0\x80"}', "byte 7: string is no UTF-8"),
    (b'{"op":"\xc0\x80"}', "byte 7: string is no UTF-8"),
    (b'{"op":"\xf4\x90\x80\x80"}', "byte 7: string is no UTF-8"),
    (b'{"op":"\xc3"}', "byte 7: string is no UTF-8"),
    (b'{"op":-}', "byte 7: number without a digit"),
    (b'{"op":01}', "byte 7: expected a comma or the end"),
    (b'{"op":1.}', "byte 8: number without a digit"),
    (b'{"op":1e}', "byte 8: number without a digit"),
    (b'{"op":1e999}', "byte 11: number too big"),
    (b'{"op":+1}', "byte 6: no JSON value"),
    (b'{"op":NaN}', "byte 6: no JSON value"),
    (b'{"op":%s}' % (b"1" * 65), "byte 71: number of more than 64 characters"),
    (b"[" * 33, "byte 32: nested more than 32 deep"),
    (b"[" * PLAN_LINE_MAX, "byte 32: nested more than 32 deep"),
    (b'{"a":' * 60, "byte 160: nested more than 32 deep"),
    (b"[" + b"1," * 5000 + b"1]", "byte 8191: too many values"),
    (
        b"{" + b",".join(b'"%d":1' % n for n in range(257)) + b"}",
        "byte 1947: more than 256 keys in an object",
    ),
    (b"x" * PLAN_LINE_MAX, "byte 0: no JSON value"),
    (b"x" * (PLAN_LINE_MAX + 1), "longer than 65536 bytes"),
    (b"x" * (5 * PLAN_LINE_MAX), "longer than 65536 bytes"),
    (b'{"op":"read"}', 'op "read" lacks the key "path"'),
    (b'{"op":"read","path":"etc/passwd"}', 'path "etc/passwd" is not absolute'),
    (b'{"op":"test","id":"t","argv":["/bin/true"]}', 'op "test" lacks the key "timeout_ms"'),
    (b'{"op":"test","id":"","argv":["/bin/true"],"timeout_ms":1}', "id must have 1 to 512 bytes"),
    (
        b'{"op":"test","id":"%s","argv":["/bin/true"],"timeout_ms":1}' % (b"x" * 513),
        "id must have 1 to 512 bytes",
    ),
    (b'{"op":"test","id":"t","argv":"/bin/true","timeout_ms":1}', 'key "argv" is a string, not a list'),
    (b'{"op":"test","id":"t","argv":[],"timeout_ms":1}', "argv must have 1 to 1024 strings"),
    (
        b'{"op":"test","id":"t","argv":["/bin/true",1],"timeout_ms":1}',
        "argv[1] is a whole number, not a string",
    ),
    (b'{"op":"test","id":"t","argv":[["/bin/true"],"x"],"timeout_ms":1}', "argv[0] is a list, not a string"),
    (b'{"op":"test","id":"t","argv":["/bin/true"],"timeout_ms":0}', "timeout_ms must be 1 to 86400000"),
    (
        b'{"op":"test","id":"t","argv":["/bin/true"],"timeout_ms":1.5}',
        'key "timeout_ms" is a number, not a whole number',
    ),
    (
        b'{"op":"test","id":"t","argv":["/bin/true"],"timeout_ms":9223372036854775808}',
        'key "timeout_ms" is a number, not a whole number',
    ),
    (
        b'{"op":"test","id":"t","argv":["/bin/true"],"timeout_ms":9223372036854775807}',
        "timeout_ms must be 1 to 86400000",
    ),
    (TEST.strip() % b',"env":[]', 'key "env" is a list, not an object'),
    (TEST.strip() % b',"env":{"A":1}', 'env "A" is a whole number, not a string'),
    (TEST.strip() % b',"env":{"A=B":"1"}', 'env has the impossible name "A=B"'),
    (TEST.strip() % b',"env":{"":"1"}', 'env has the impossible name ""'),
    (TEST.strip() % b',"device":"/dev/null"', 'device "/dev/null" is not of the form dddd:bb:dd.f'),
    (TEST.strip() % b',"device":null', 'key "device" is null, not a string'),
]


def test_bad_lines(cts_exec: Path) -> None:
    """All in one plan: each is reported by its number, and the test after them still runs."""
    events = run(cts_exec, *(line + b"\n" for line, _ in BAD), TEST % b"")
    reported = of(events, "bad_op")
    assert [event["error"] for event in reported] == [error for _, error in BAD]
    assert [event["line"] for event in reported] == list(range(1, len(BAD) + 1))
    for event, (line, _) in zip(reported, BAD, strict=True):
        if line.isascii():
            assert event["text"] == line[:200].decode()
    assert of(events, "test_end")[0]["outcome"] == "exited"


def test_every_truncation_of_a_good_line(cts_exec: Path) -> None:
    line = plan_line(case("/bin/true", "é\U0001f600\n", env={"A": "\\"}, device="0000:01:00.0"))
    cuts = [line[:n] + b"\n" for n in range(len(line) - 1)]
    events = run(cts_exec, *cuts, line)
    assert len(of(events, "bad_op")) == len(cuts)
    assert len(of(events, "test_end")) == 1


def test_the_longest_line(cts_exec: Path) -> None:
    line = TEST.strip() % (b',"env":{"A":"%s"}' % (b"x" * (PLAN_LINE_MAX - 80)))
    line = line[:-1] + b" " * (PLAN_LINE_MAX - len(line)) + b"}\n"
    assert len(line) == PLAN_LINE_MAX + 1
    assert of(run(cts_exec, line), "test_end")[0]["outcome"] == "exited"


def test_read(cts_exec: Path, tmp_path: Path) -> None:
    for size in (0, 1, 24575, 24576, 24577, 1 << 20):
        path = tmp_path / str(size)
        path.write_bytes(bytes(n * n & 255 for n in range(size)))
        parts = of(run(cts_exec, {"op": "read", "path": str(path)}), "file")
        assert all(part["path"] == str(path) for part in parts)
        assert [part["last"] for part in parts] == [False] * (len(parts) - 1) + [True]
        data = b""
        for part in parts:
            assert part["offset"] == len(data)
            data += base64.b64decode(part["base64"], validate=True)
        assert data == path.read_bytes()


def test_read_what_cannot_be(cts_exec: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "big").write_bytes(bytes((1 << 20) + 1))
    expected = {
        tmp_path / "none": "No such file or directory",
        tmp_path: "not a regular file",
        tmp_path / "fifo": "not a regular file",
        Path("/dev/zero"): "not a regular file",
        tmp_path / "big": "longer than 1 MiB",
    }
    for path, error in expected.items():
        assert of(run(cts_exec, {"op": "read", "path": str(path)}), "file")[-1] == {
            "ev": "file",
            "path": str(path),
            "error": error,
        }


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_while_idle(cts_exec: Path, sig: signal.Signals) -> None:
    with Exec(cts_exec) as target:
        target.wait_for("hello")
        assert target.stop(sig)[-1] == {"ev": "end", "tests": 0, "signal": sig}


def test_a_signal_kills_the_test(cts_exec: Path) -> None:
    with Exec(cts_exec) as target:
        target.send(shell("echo ready; exec sleep 1000"), case("/bin/true", id="never"))
        pid = target.wait_for("test_start")["pid"]
        target.wait_for("output")
        events = target.stop(signal.SIGTERM)
    assert [event["outcome"] for event in of(events, "test_end")] == ["stopped"]
    assert events[-1] == {"ev": "end", "tests": 1, "signal": signal.SIGTERM}
    wait_until_gone(pid)


def test_the_reader_closes_the_stream_during_a_silent_test(cts_exec: Path) -> None:
    with Exec(cts_exec) as target:
        target.send(shell("echo ready; exec sleep 1000"))
        pid = target.wait_for("test_start")["pid"]
        target.wait_for("output")
        assert target.process.stdout
        target.process.stdout.close()
        assert target.process.wait() == 1
        wait_until_gone(pid)


def test_the_reader_closes_the_stream_while_idle(cts_exec: Path) -> None:
    with Exec(cts_exec) as target:
        target.wait_for("hello")
        assert target.process.stdout
        target.process.stdout.close()
        assert target.process.wait() == 1


def test_a_stalled_reader_does_not_keep_a_test_alive(cts_exec: Path) -> None:
    """Nobody reads while the test fills the stream: it is killed at its deadline, and what it said arrives."""
    with Exec(cts_exec) as target:
        target.wait_for("hello")
        target.send(
            shell("echo $$; while :; do echo 0123456789012345678901234567890123456789; done", timeout_ms=300)
        )
        pid = int(target.wait_for("output")["text"].split()[0])
        wait_until_gone(pid)
        assert target.wait_for("test_end")["outcome"] == "timeout"
        target.finish()


def test_a_stalled_reader_does_not_hold_up_a_signal(cts_exec: Path) -> None:
    with Exec(cts_exec) as target:
        target.send(shell("while :; do echo 0123456789012345678901234567890123456789; done"))
        pid = target.wait_for("test_start")["pid"]
        target.process.send_signal(signal.SIGTERM)
        assert target.process.wait() == 128 + signal.SIGTERM
        wait_until_gone(pid)


def test_the_end_of_the_plan_during_a_test_is_no_end_of_the_stream(cts_exec: Path, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with Exec(cts_exec) as target:
        target.send(shell(f"read x < {fifo}; echo $x"), case("/bin/true", id="queued"))
        target.wait_for("test_start")
        assert target.process.stdin
        target.process.stdin.close()
        fifo.write_text("done\n")
        events = target.finish()
    assert [(event["id"], event["outcome"]) for event in of(events, "test_end")] == [
        ("t", "exited"),
        ("queued", "exited"),
    ]


class Terminal:
    """A pseudo-terminal as --stream: one device for both directions, like a virtio-serial port."""

    def __init__(self, binary: Path) -> None:
        self.master, slave = os.openpty()
        self.process = subprocess.Popen(
            [str(binary), "--stream", os.ttyname(slave)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
        self.slave = slave  # open until cts-exec has opened it, or its master would see an end of file
        self.reader = StreamReader()
        self.events: list[Event] = []

    def read_until(self, ev: str) -> Event:
        while not of(self.events, ev):
            for item in self.reader.feed(os.read(self.master, 65536)):
                assert not isinstance(item, Noise), item
                if isinstance(item, Frame):
                    self.events.append(item.event)
        return of(self.events, ev)[0]

    def hang_up(self) -> None:
        os.close(self.slave)
        os.close(self.master)

    def wait(self) -> int:
        assert self.process.stdout
        assert self.process.stdout.read() == b""
        self.process.stdout.close()
        return self.process.wait()


def test_a_device_as_stream(cts_exec: Path) -> None:
    terminal = Terminal(cts_exec)
    terminal.read_until("hello")
    os.write(terminal.master, plan_line(case("/bin/echo", "x" * 5000)) + plan_line({"op": "end"}))
    terminal.read_until("end")
    assert "".join(event["text"] for event in of(terminal.events, "output")) == "x" * 5000 + "\n"
    assert terminal.wait() == 0
    terminal.hang_up()


def test_hang_up_of_a_device_while_idle(cts_exec: Path) -> None:
    terminal = Terminal(cts_exec)
    terminal.read_until("hello")
    terminal.hang_up()
    assert terminal.wait() == 1


def test_hang_up_of_a_device_during_a_test(cts_exec: Path) -> None:
    terminal = Terminal(cts_exec)
    terminal.read_until("hello")
    os.write(
        terminal.master,
        plan_line(shell("echo ready; exec sleep 1000")) + plan_line(case("/bin/true", id="never")),
    )
    pid = terminal.read_until("test_start")["pid"]
    terminal.read_until("output")
    terminal.hang_up()
    assert terminal.wait() == 1
    wait_until_gone(pid)


def test_a_test_does_not_get_the_device(cts_exec: Path) -> None:
    terminal = Terminal(cts_exec)
    terminal.read_until("hello")
    os.write(
        terminal.master,
        plan_line(shell("ls -l /proc/self/fd; ps -o tty= -p $$ 2>&1")) + plan_line({"op": "end"}),
    )
    terminal.read_until("end")
    text = "".join(event["text"] for event in of(terminal.events, "output"))
    assert os.ttyname(terminal.slave) not in text
    assert terminal.wait() == 0
    terminal.hang_up()


def test_nonblocking_is_not_set_on_what_is_shared(cts_exec: Path) -> None:
    read_end, write_end = os.pipe()
    try:
        subprocess.run([str(cts_exec)], stdin=subprocess.DEVNULL, stdout=write_end, check=True)
        assert not fcntl.fcntl(write_end, fcntl.F_GETFL) & os.O_NONBLOCK
    finally:
        os.close(read_end)
        os.close(write_end)


def test_options(cts_exec: Path) -> None:
    def call(*args: str) -> tuple[int, bytes, bytes]:
        done = subprocess.run([str(cts_exec), *args], stdin=subprocess.DEVNULL, capture_output=True)
        return done.returncode, done.stdout, done.stderr

    status, out, _ = call("--help")
    assert status == 0 and out.startswith(b"Usage: cts-exec")
    status, out, _ = call("--version")
    assert status == 0 and out.startswith(b"cts-exec ") and len(out.split()) == 2
    for wrong in (["--nope"], ["--stream"], ["extra"]):
        status, out, err = call(*wrong)
        assert status == 2 and not out and b"Usage: cts-exec" in err
    status, out, err = call("--stream", "/no/such/device")
    assert status == 2 and not out
    assert err == b'cts-exec: cannot use "/no/such/device": No such file or directory\n'


def test_started_with_children_of_others(cts_exec: Path) -> None:
    script = f"sleep 1000 2>&- & exec {cts_exec}"
    process = subprocess.Popen(
        ["/bin/sh", "-c", script], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        assert process.stderr
        assert b"start it by fork" in process.stderr.read()
        process.stderr.close()
        assert process.wait() == 2
    finally:
        os.killpg(process.pid, signal.SIGKILL)
