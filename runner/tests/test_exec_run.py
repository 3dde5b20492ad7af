# SPDX-License-Identifier: GPL-2.0-only
"""cts-exec runs tests: outcomes, what they are started with, and what they leave behind."""

import os
import signal
from pathlib import Path

import pytest

from runner.tests.exec_driver import Event, Exec, case, of, run, run_one, shell, text_of, wait_until_gone

NS_PER_MS = 1_000_000


def test_exit_codes(cts_exec: Path) -> None:
    events = run(cts_exec, *(shell(f"exit {code}", id=str(code)) for code in (0, 1, 4, 255)))
    assert [(end["outcome"], end["code"]) for end in of(events, "test_end")] == [
        ("exited", code) for code in (0, 1, 4, 255)
    ]


@pytest.mark.parametrize("sig", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL, signal.SIGTERM])
def test_signals(cts_exec: Path, misbehave: str, sig: signal.Signals) -> None:
    end, _ = run_one(cts_exec, case(misbehave, "signal", str(int(sig))))
    assert (end["outcome"], end["signal"], end["left"]) == ("signaled", sig, 0)
    assert "code" not in end


def test_what_test_end_tells(cts_exec: Path) -> None:
    end, events = run_one(cts_exec, shell("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"))
    taint = int(Path("/proc/sys/kernel/tainted").read_text())
    assert set(end) == {
        "ev",
        "id",
        "outcome",
        "code",
        "duration_ns",
        "user_us",
        "system_us",
        "max_rss_kib",
        "taint_before",
        "taint_after",
        "kmsg",
        "left",
    }
    assert end["taint_before"] == end["taint_after"] == taint
    assert 0 < end["user_us"] * 1000 <= end["duration_ns"] + 20 * NS_PER_MS  # accounting goes by the tick
    assert end["max_rss_kib"] > 100
    start = of(events, "test_start")[0]
    assert set(start) == {"ev", "id", "pid", "taint", "monotonic_ns"}
    assert start["taint"] == taint
    assert start["monotonic_ns"] > events[0]["monotonic_ns"]


@pytest.mark.parametrize(
    ("argv0", "error"),
    [
        ("/no/such/binary", "execute /no/such/binary: No such file or directory"),
        ("true", "execute true: No such file or directory"),  # no search in PATH
        ("", "execute : No such file or directory"),
        ("/etc/passwd", "execute /etc/passwd: Permission denied"),
        ("/", "execute /: Permission denied"),
    ],
)
def test_not_started(cts_exec: Path, argv0: str, error: str) -> None:
    events = run(cts_exec, case(argv0, "x"), case("/bin/true", id="next"))
    first, second = of(events, "test_end")
    assert (first["outcome"], first["error"]) == ("not_started", error)
    assert "code" not in first
    assert second["outcome"] == "exited"


def test_not_a_program(cts_exec: Path, tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("neither ELF nor a script")
    path.chmod(0o755)
    end, _ = run_one(cts_exec, case(str(path)))
    assert (end["outcome"], end["error"]) == ("not_started", f"execute {path}: Exec format error")


def test_deadline(cts_exec: Path) -> None:
    end, _ = run_one(cts_exec, case("/bin/sleep", "1000", timeout_ms=100))
    assert (end["outcome"], end["left"]) == ("timeout", 0)
    assert end["duration_ns"] >= 100 * NS_PER_MS
    assert "code" not in end and "signal" not in end


def test_deadline_of_one_that_ignores_signals(cts_exec: Path, misbehave: str) -> None:
    end, events = run_one(cts_exec, case(misbehave, "ignore", timeout_ms=300))
    assert end["outcome"] == "timeout"
    assert text_of(events) == "ready\n"


def test_deadline_reaches_a_child_in_a_group_of_its_own(cts_exec: Path, misbehave: str) -> None:
    end, _ = run_one(cts_exec, case(misbehave, "group", timeout_ms=300))
    assert (end["outcome"], end["left"]) == ("timeout", 1)


def test_what_a_test_is_started_with(cts_exec: Path) -> None:
    script = """
        pwd; readlink /proc/self/fd/0
        cut -d' ' -f5,6,7 /proc/$$/stat; echo $$
        grep -E '^Sig(Blk|Ign)' /proc/self/status
        echo $CTS_RECORD_FD
        ls /proc/$$/fd
    """
    _, events = run_one(cts_exec, shell(script))
    lines = text_of(events).splitlines()
    pid = of(events, "test_start")[0]["pid"]
    assert lines[:2] == ["/", "/dev/null"]
    assert lines[2:4] == [f"{pid} {pid} 0", str(pid)]  # its own group and session, and no terminal
    signals = {line.split(":")[0]: int(line.split(":")[1], 16) for line in lines[4:6]}
    assert signals == {"SigBlk": 0, "SigIgn": 0}
    assert lines[6] == "3"
    assert set(lines[7:]) - {"10"} == {"0", "1", "2", "3"}  # dash keeps a descriptor of its own at 10


def test_environment(cts_exec: Path) -> None:
    test = case(
        "/usr/bin/env", env={"A": "1", "B": "", "HOME": "x=y\né", "CTS_RECORD_FD": "9"}, device="0000:01:00.0"
    )
    _, events = run_one(
        cts_exec, test, env={"HOME": "/root", "KEPT": "yes", "CTS_DEVICE": "0000:02:00.0", "AB": "2"}
    )
    lines = text_of(events).splitlines()
    for line in (
        "A=1",
        "B=",
        "HOME=x=y",
        "é",
        "CTS_RECORD_FD=3",
        "CTS_DEVICE=0000:01:00.0",
        "KEPT=yes",
        "AB=2",
    ):
        assert lines.count(line) == 1, line
    assert not [
        line for line in lines if line in ("HOME=/root", "CTS_DEVICE=0000:02:00.0", "CTS_RECORD_FD=9")
    ]


def test_arguments(cts_exec: Path) -> None:
    argv = ["/usr/bin/printf", "%s|", "", "a b", "*", "$HOME", "é\U0001f600", "--", "\\n"]
    _, events = run_one(cts_exec, case(*argv))
    assert text_of(events) == "|a b|*|$HOME|é\U0001f600|--|\\n|"


@pytest.mark.parametrize(
    ("how", "left"),
    [(["daemon"], 1), (["hold"], 1), (["sibling"], 1), (["swarm", "50"], 50), (["chain", "10"], None)],
)
def test_what_is_left_is_killed(cts_exec: Path, misbehave: str, how: list[str], left: int | None) -> None:
    if left is None:  # the first process stays, with ten generations below it
        test, outcome, left = case(misbehave, *how, timeout_ms=1000), "timeout", 10
    else:
        test, outcome = case(misbehave, *how), "exited"
    events = run(cts_exec, test, case("/bin/true", id="next"))
    first, second = of(events, "test_end")
    assert (first["outcome"], first["left"]) == (outcome, left)
    assert (second["outcome"], second["left"]) == ("exited", 0)


def test_what_is_left_dies_before_test_end(cts_exec: Path) -> None:
    with Exec(cts_exec) as target:
        target.send(shell("setsid sleep 1000 >/dev/null 2>&1 3>&- & echo $!"))
        target.wait_for("test_end")
        pid = int(text_of(target.events))
        assert not os.path.exists(f"/proc/{pid}")
        assert target.finish()[-2]["left"] == 1


def test_orphans_that_end_by_themselves_are_not_left(cts_exec: Path) -> None:
    end, events = run_one(cts_exec, shell("(: & (: &)); sleep 0.1; echo done"))
    assert (end["outcome"], end["left"]) == ("exited", 0)
    assert text_of(events) == "done\n"


def test_a_test_that_closes_everything_and_lives_on(cts_exec: Path, misbehave: str, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with Exec(cts_exec) as target:
        target.send(case(misbehave, "closed", str(fifo)))
        target.wait_for("test_start")
        fifo.write_text("x")
        end = target.wait_for("test_end")
        target.finish()
    assert (end["outcome"], end["code"]) == ("exited", 5)


def test_the_test_dies_with_cts_exec(cts_exec: Path) -> None:
    with Exec(cts_exec) as target:
        target.send(case("/bin/sleep", "1000"))
        pid = target.wait_for("test_start")["pid"]
        target.process.kill()
        wait_until_gone(pid)


def test_a_process_that_cannot_be_killed(blunt_exec: Path, tmp_path: Path) -> None:
    """Given up after 10 s; no further test starts beside it; when the kernel lets it go, tests run again."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    true = case("/bin/true", id="next")
    with Exec(blunt_exec) as target:
        target.send(shell(f"exec 3>&-; read x < {fifo}", timeout_ms=100), true, {"op": "give_back"}, true)
        ends = [target.wait_for("test_end") for _ in range(3)]
        pid = of(target.events, "test_start")[0]["pid"]
        fifo.write_text("go\n")
        wait_until_gone(pid)
        target.send(true)
        ends.append(target.wait_for("test_end"))
        target.finish()
    assert [end["outcome"] for end in ends] == ["unkillable", "not_started", "not_started", "exited"]
    assert ends[1]["error"] == "a process of an earlier test cannot be killed"


def test_many_tests(cts_exec: Path) -> None:
    tests: list[Event] = [case("/bin/true", id=str(n)) for n in range(200)]
    with Exec(cts_exec) as target:
        target.wait_for("hello")
        before = len(os.listdir(f"/proc/{target.process.pid}/fd"))
        target.send(*tests)
        for test in tests:
            assert target.wait_for("test_end")["id"] == test["id"]
        assert len(os.listdir(f"/proc/{target.process.pid}/fd")) == before
        assert target.finish()[-1] == {"ev": "end", "tests": 200}
