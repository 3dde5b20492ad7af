# SPDX-License-Identifier: GPL-2.0-only
"""cts-relay: what a program says and is told, over connections that break. Real processes."""

import contextlib
import hashlib
import os
import select
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runner.stream import Frame, StreamReader, plan_line
from runner.tests.conftest import CC
from runner.tests.exec_driver import TIMEOUT, shell, wait_until_gone

RELAY = Path(__file__).resolve().parent.parent / "relay"


@pytest.fixture(scope="session")
def relays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("relay")
    for variables in ([], ["SAN=1"]):
        subprocess.run(["make", "-s", "-C", str(RELAY), f"OUT={out}", f"CC={CC}", *variables], check=True)
    return out


@pytest.fixture(params=["cts-relay", "cts-relay-san"])
def relay(request: pytest.FixtureRequest, relays: Path) -> Path:
    return relays / str(request.param)


class Attached:
    """One `cts-relay attach`: what came, and how much input the program had got before."""

    def __init__(self, relay: Path, folder: Path, offset: int = 0) -> None:
        self.process = subprocess.Popen(
            [str(relay), "attach", str(folder), str(offset)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
        )  # fmt: skip
        self.data = bytearray()
        self.input = -1
        self.need(lambda data: b"\n" in data)
        hello, _, rest = bytes(self.data).partition(b"\n")
        if hello.startswith(b"@relay "):
            self.input = int(hello.split()[1])
        self.data = bytearray(rest)

    def read(self) -> bool:
        """Reads once. False at the end."""
        assert self.process.stdout
        assert select.select([self.process.stdout], [], [], TIMEOUT)[0], f"nothing more after {self.data[-200:]!r}"
        data = os.read(self.process.stdout.fileno(), 1 << 20)
        self.data += data
        return bool(data)

    def need(self, enough: Callable[[bytearray], bool]) -> None:
        """Reads until there is enough, or to the end."""
        while not enough(self.data):
            if not self.read():
                break

    def lines(self, count: int) -> list[bytes]:
        """The first lines."""
        self.need(lambda data: data.count(b"\n") >= count)
        return bytes(self.data).splitlines()

    def send(self, data: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(data)

    def cut(self) -> None:
        """The connection breaks."""
        self.process.kill()
        self.close()

    def close(self) -> int:
        """Reads to the end; the exit code."""
        while self.process.poll() is None and self.read():
            pass
        code = self.process.wait(TIMEOUT)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        return code


class Relayed:
    """A program behind a relay in `folder`."""

    def __init__(self, relay: Path, folder: Path, *argv: str, linger: int = 60) -> None:
        self.relay = relay
        self.folder = folder
        self.folder.mkdir(mode=0o700, parents=True)
        self.pid = folder.parent / f"{folder.name}.pid"
        # $PPID of the program is the relay.
        words = ["/bin/sh", "-c", 'echo $PPID $$ >"$0"; exec "$@"', str(self.pid), *argv]
        self.done = self.call("start", "--linger", str(linger), str(folder), "--", *words)

    def call(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([str(self.relay), *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT)

    def attach(self, offset: int = 0) -> Attached:
        return Attached(self.relay, self.folder, offset)

    def pids(self) -> tuple[int, int]:
        """Of the relay and of the program, once that runs."""
        one, two = self.pid.read_text().split()
        return int(one), int(two)

    def wait_until_removed(self, relay: int) -> None:
        wait_until_gone(relay)
        assert not self.folder.exists()


@pytest.fixture
def folder(tmp_path: Path, relay: Path) -> Iterator[Path]:
    """Where a relay works; what is left of it is ended."""
    folder = tmp_path / "work"
    yield folder
    for _ in range(2 if folder.exists() else 0):  # the second time without asking
        subprocess.run([str(relay), "stop", str(folder)], capture_output=True, timeout=TIMEOUT)


def test_what_is_told_and_said_passes_and_is_counted(relay: Path, folder: Path) -> None:
    one = Relayed(relay, folder, "/bin/cat")
    assert one.done.returncode == 0 and one.done.stderr == ""
    first = one.attach()
    assert first.input == 0
    first.send(b"a line\n")
    assert first.lines(1) == [b"a line"]
    second = one.attach(2)
    assert second.input == 7 and second.lines(1) == [b"line"]
    assert first.close() == 4
    second.cut()


def test_a_connection_that_breaks_loses_and_doubles_nothing(relay: Path, folder: Path) -> None:
    one = Relayed(relay, folder, "/bin/cat")
    lines = [b"%d\n" % number for number in range(300)]
    told, got = b"".join(lines), b""
    while len(got) < len(told):
        now = one.attach(len(got))
        assert now.input >= len(got)
        now.send(told[now.input : now.input + 97])
        now.read()
        got += now.data
        now.cut()
    assert got == told


def test_what_is_said_while_nobody_listens_is_kept_also_beyond_the_end(relay: Path, folder: Path) -> None:
    one = Relayed(relay, folder, "/bin/sh", "-c", "seq 1000; read go; seq 1000")
    while (now := one.attach()).input < 3:  # what was on its way when the connection broke is sent again
        now.send(b"go\n"[now.input :])
        now.cut()
    now.cut()
    _, program = one.pids()
    wait_until_gone(program)
    for offset in (0, 3000):
        later = one.attach(offset)
        assert later.input == 3 and later.close() == 0
        assert later.data == ("".join(f"{number}\n" for number in range(1, 1001)) * 2).encode()[offset:]


def test_the_newest_who_attaches_has_it(relay: Path, folder: Path) -> None:
    one = Relayed(relay, folder, "/bin/cat")
    old = one.attach()
    new = one.attach()
    assert old.close() == 4
    new.send(b"new\n")
    assert new.lines(1) == [b"new"]
    new.cut()


def test_of_what_is_not_kept_or_not_yet_there_nothing_is_told(relay: Path, folder: Path) -> None:
    one = Relayed(relay, folder, "/bin/cat")
    far = one.attach(1)
    assert far.input == -1 and far.close() == 5
    assert one.call("attach", str(folder.parent), "0").returncode == 1


def test_the_spool_is_bounded_and_goes_round(relay: Path, folder: Path) -> None:
    size = 200 << 20
    one = Relayed(relay, folder, "/bin/sh", "-c", f"seq 100000000 | head -c {size}")
    spool = folder / "spool"
    # Nobody listens: it stops when it is full.
    while spool.stat().st_size < 64 << 20:
        os.sched_yield()
    whole, at = hashlib.sha256(), 0
    while at < size:
        now = one.attach(at)
        now.need(lambda data: len(data) >= min(30 << 20, size - at))
        if at + len(now.data) < size:
            now.cut()
        else:
            assert now.close() == 0
        whole.update(now.data)
        at += len(now.data)
    truth = subprocess.run(f"seq 100000000 | head -c {size} | sha256sum", shell=True, capture_output=True, check=True).stdout
    assert whole.hexdigest() == truth.decode().split()[0]
    assert spool.stat().st_size == 64 << 20


def test_whom_nobody_asks_for_ends_in_order_and_leaves_nothing(relay: Path, folder: Path) -> None:
    said = folder.parent / "said"
    script = f'trap "echo in order >{said}; exit 0" TERM; echo up; while :; do read more || :; done'
    one = Relayed(relay, folder, "/bin/sh", "-c", script, linger=1)
    now = one.attach()
    assert now.lines(1) == [b"up"]
    now.cut()
    relay_pid, program = one.pids()
    wait_until_gone(program)
    assert said.read_text() == "in order\n"
    one.wait_until_removed(relay_pid)


def test_who_is_attached_has_any_time(relay: Path, folder: Path) -> None:
    one = Relayed(relay, folder, "/bin/sh", "-c", "echo up; sleep 3; echo still up", linger=1)
    now = one.attach()
    assert now.lines(2) == [b"up", b"still up"] and now.close() == 0


def test_stop_ends_the_program_in_order_and_removes_everything(relay: Path, folder: Path) -> None:
    said = folder.parent / "said"
    one = Relayed(relay, folder, "/bin/sh", "-c", f'trap "echo in order >{said}; exit 0" TERM; echo up; while :; do read more || :; done')
    (folder / "suites").mkdir()
    (folder / "suites" / "program").write_text("deployed")
    now = one.attach()
    assert now.lines(1) == [b"up"]
    relay_pid, _ = one.pids()
    assert one.call("stop", str(folder)).returncode == 0
    assert now.close() == 4
    one.wait_until_removed(relay_pid)
    assert said.read_text() == "in order\n"


def test_who_is_told_twice_to_stop_does_not_ask(relay: Path, folder: Path) -> None:
    one = Relayed(relay, folder, "/bin/sh", "-c", 'trap "" TERM; echo up; while :; do sleep 1; done')
    now = one.attach()
    assert now.lines(1) == [b"up"]
    first = subprocess.Popen([str(relay), "stop", str(folder)], stderr=subprocess.PIPE)
    assert now.close() == 4  # it has come
    assert one.call("stop", str(folder)).returncode == 0
    first.communicate(timeout=TIMEOUT)
    assert not folder.exists()


def test_it_outlives_the_session_that_started_it(relay: Path, folder: Path) -> None:
    folder.mkdir(mode=0o700)
    session = subprocess.Popen(
        ["/bin/sh", "-c", f"{relay} start {folder} -- /bin/cat; echo started; sleep 600"], stdout=subprocess.PIPE, start_new_session=True
    )
    assert session.stdout and session.stdout.readline() == b"started\n"
    os.killpg(session.pid, signal.SIGHUP)
    os.killpg(session.pid, signal.SIGKILL)
    session.wait(TIMEOUT)
    session.stdout.close()
    now = Attached(relay, folder)
    now.send(b"there\n")
    assert now.lines(1) == [b"there"]
    now.cut()


def test_a_relay_that_is_killed_takes_the_program_with_it(relay: Path, folder: Path) -> None:
    one = Relayed(relay, folder, "/bin/cat")
    now = one.attach()
    relay_pid, program = one.pids()
    os.kill(relay_pid, signal.SIGKILL)
    assert now.close() == 1
    wait_until_gone(program)
    assert one.call("attach", str(folder), "0").returncode == 1


@pytest.mark.parametrize("linger", ["x", "-1", "86401", ""])
def test_wrong_usage(relays: Path, tmp_path: Path, linger: str) -> None:
    done = subprocess.run(
        [str(relays / "cts-relay"), "start", "--linger", linger, str(tmp_path), "--", "/bin/cat"], capture_output=True, text=True
    )
    assert done.returncode == 2 and "--linger takes a number" in done.stderr


def test_what_cant_be_started(relay: Path, tmp_path: Path) -> None:
    for program, why in (("/nonexistent", "No such file"), (str(tmp_path), "Permission denied")):
        folder = tmp_path / why.split()[0]
        folder.mkdir()
        done = subprocess.run([str(relay), "start", str(folder), "--", program], capture_output=True, text=True)
        assert done.returncode == 126 and f"{program} can't be started: {why}" in done.stderr
    missing = subprocess.run([str(relay), "start", str(tmp_path / "no"), "--", "/bin/cat"], capture_output=True, text=True)
    assert missing.returncode == 126 and "No such file" in missing.stderr


def test_any_path(relay: Path, tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 40) / ("er" * 60)
    one = Relayed(relay, folder, "/bin/cat")
    now = one.attach()
    now.send(b"x\n")
    assert now.lines(1) == [b"x"]
    now.cut()
    assert one.call("stop", str(folder)).returncode == 0


def test_a_test_of_cts_exec_goes_on_meanwhile(relay: Path, folder: Path, built: Path) -> None:
    """Its frames come without a gap, whenever the connection breaks."""
    one = Relayed(relay, folder, str(built / "cts-exec"))
    go = folder.parent / "go"
    os.mkfifo(go)
    plan = plan_line(shell(f"echo before; read x <{go}; echo after", id="t")) + plan_line({"op": "end"})
    first = one.attach()
    first.send(plan)
    first.need(lambda data: b"before" in data)
    first.cut()
    with go.open("w") as stream:
        stream.write("x\n")
    second = one.attach(len(first.data))
    assert second.input == len(plan) and second.close() == 0
    reader = StreamReader()
    items = [*reader.feed(first.data + second.data), *reader.close()]
    frames = [item for item in items if isinstance(item, Frame)]
    assert frames == items and [frame.seq for frame in frames] == list(range(len(frames)))
    end = next(frame.event for frame in frames if frame.event["ev"] == "test_end")
    assert end["outcome"] == "exited" and end["code"] == 0
