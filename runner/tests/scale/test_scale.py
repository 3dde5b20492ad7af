# SPDX-License-Identifier: GPL-2.0-only
"""`make bench-scale` in small: what is slow, lies, or dies takes nothing from the others, and comes to what it has to."""

import json
import os
import signal
import subprocess
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console

from lab.errors import LabError
from results import report
from results.journal import JobEntry, read
from results.model import Verdict
from runner.judge import exit_code
from runner.lava import cli, fleet, transfer
from runner.lava.server import Server, Unreachable
from runner.tests.scale import runs
from runner.tests.scale.__main__ import Bench, expected
from runner.tests.scale.disorders import Boaster, Boundless, Disordered, Laughing, Packed, Silent, Slow, Stranger
from runner.tests.scale.laboratory import Answer, Host, Laboratory
from runner.tests.scale.machine import RARE, Machine, names

PATIENCE_S = 120.0


def until(what: Callable[[], bool]) -> bool:
    """True as soon as it is so; False if that does not happen."""
    end = time.monotonic() + PATIENCE_S
    while not what():
        if time.monotonic() > end:
            return False
        threading.Event().wait(0.1)
    return True


@pytest.fixture(name="bench")
def bench_fixture(tmp_path: Path) -> Iterator[Bench]:
    """Six hosts with 200 tests, of which each has one job; the first is slow."""
    paths = [path for path in names(7, 203) if not path.startswith(RARE)]
    bench = Bench(tmp_path, 6, paths, [Slow, Laughing, Packed])
    with bench.laboratory:
        yield bench
        bench.healed.set()


def test_a_slow_host_delays_nobody_and_a_lying_one_is_told(bench: Bench) -> None:
    assert subprocess.run(bench.fetch(), env=bench.environment, capture_output=True).returncode == 3  # submits
    others = bench.hosts[1:2] + bench.hosts[3:]
    with subprocess.Popen(bench.fetch(), env=bench.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert until(lambda: all(bench.is_over(host) for host in others))
            assert process.poll() is None and not bench.is_over(bench.hosts[0])
        finally:
            bench.healed.set()
        said, told = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 3 and "the answer is packed (gzip)" in told, told
    assert len(said.splitlines()) == 7, said
    for host in [bench.hosts[0], *others]:
        report = bench.report(host)
        assert report and report["run"]["exit_code"] == 0 and report["problems"] == []
        verdicts = {one["id"]: "known" if one["waived"] else one["verdict"] for one in report["results"]}
        assert len(verdicts) == 200 and all(expected(test) == verdict for test, verdict in verdicts.items())
    packed = bench.report(bench.hosts[2])
    assert packed and packed["counts"]["miss"] == 200 and "packed (gzip)" in packed["problems"][0]["text"]


class OneSlowJob(Slow):
    """The log of its first job alone is slow."""

    def log(self, number: str, start: int) -> Answer:
        return super().log(number, start) if number.endswith("001") else Host.log(self, number, start)


def test_a_slow_job_delays_no_other_of_its_run(tmp_path: Path) -> None:
    host = OneSlowJob(1, threading.Event())
    paths = [path for path in names(7, 203) if not path.startswith(RARE)]
    with Laboratory([host]) as laboratory:
        run = runs.make(tmp_path, 1, laboratory.url(1), paths, shares=3)
        env = {**os.environ, "LAVA_TOKEN": "secret"}
        command = [*Bench.COMMAND, "lava", "wait", str(run), "--waivers", str(tmp_path / "waivers.toml")]
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            try:
                assert until(lambda: ended(run) == {"1002", "1003"})
            finally:
                host.healed.set()
            said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0 and ended(run) == {"1001", "1002", "1003"}, said


def ended(run: Path) -> set[str | None]:
    """The jobs of a run that have been read."""
    return {entry.id for entry in read(run / "journal.jsonl").entries if isinstance(entry, JobEntry) and entry.action == "ended"}


@pytest.mark.parametrize("kind, jobs, cause", [
    (Stranger, 10, "what comes from there can't be believed"), (Boundless, 10, "what comes from there can't be believed"),
    (Silent, 3, "the target did not come up (job failed) it has no log"),
])  # fmt: skip
def test_who_is_never_to_be_believed_is_given_up(
    kind: type[Disordered], jobs: int, cause: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAVA_TOKEN", "secret")
    host = kind(1, threading.Event())
    with Laboratory([host]) as laboratory:
        run = runs.make(tmp_path, 1, laboratory.url(1), names(1, 30))
        for _ in range(jobs + 3):  # the last ones find nothing to do, and leave it at that
            cli.go_on(run, False)
    assert len(host.jobs) == jobs
    found = report.write_all(run, None, date.today())
    assert cause in found.problems[-1].text and exit_code(found) == 3
    assert {result.verdict for result in found.results} <= {Verdict.MISS, Verdict.ERROR}


class Painter(Disordered):
    """Its console, and what LAVA says of it, would clear a terminal."""

    def lines(self, number: str) -> Iterator[bytes]:
        machine = Machine([])
        yield machine.line("\x1b[2J\r\x07a machine that does not come up")
        error = {"error_type": "Infrastructure\x1b[2J", "error_msg": "no \x1b]0;power\x07"}
        yield machine.line({"definition": "lava", "case": "job", "result": "fail", **error}, "results")


def test_what_a_target_writes_is_no_control_of_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAVA_TOKEN", "secret")
    with Laboratory([Painter(1, threading.Event())]) as laboratory:
        run = runs.make(tmp_path, 1, laboratory.url(1), names(1, 30))
        cli.go_on(run, False)
        cli.go_on(run, False)
    said = capsys.readouterr().err
    assert "a machine that does not come up" in said and not {"\x1b", "\x07", "\r"} & set(said)


@pytest.fixture(name="boaster")
def boaster_fixture() -> Iterator[tuple[Boaster, Server]]:
    host = Boaster(1, threading.Event())
    host.jobs["1001"] = zlib.compress("\n".join(json.dumps({"op": "test", "id": path}) for path in names(1, 30)).encode())
    with Laboratory([host]) as laboratory:
        yield host, Server(laboratory.url(1), "secret")


def test_a_log_is_gone_on_with_where_it_ended(boaster: tuple[Boaster, Server], tmp_path: Path) -> None:
    host, server = boaster
    with pytest.raises(Unreachable, match="before the end that it claims to have"):
        server.save("1001", tmp_path / "log")
    assert not (tmp_path / "log").exists()
    host.healed.set()
    server.save("1001", tmp_path / "log")
    whole = b"".join(host.lines("1001"))
    assert (tmp_path / "log").read_bytes() == whole and "start=" in host.asked[-1] and "start=0" not in host.asked[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_no_more_of_a_log_is_kept_than_may_be(
    boaster: tuple[Boaster, Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "LOG_MAX", 10_000)
    boaster[0].healed.set()
    boaster[1].save("1001", tmp_path / "log")
    assert (tmp_path / "log").stat().st_size == 10_000


def test_a_log_that_can_not_be_written_is_no_silent_server(boaster: tuple[Boaster, Server], tmp_path: Path) -> None:
    boaster[0].healed.set()
    with pytest.raises(LabError, match="no-such-folder/.log.part: can't be written: No such file") as caught:
        boaster[1].save("1001", tmp_path / "no-such-folder" / "log")
    assert not isinstance(caught.value, Unreachable)


def test_a_run_that_dies_takes_no_other_with_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also while it has the turn, of which there are few."""
    folders = [tmp_path / f"run{number}" for number in range(6)]

    def one(folder: Path, turn: fleet.Turn) -> fleet.Left:
        with turn():
            if folder != folders[-1]:
                os.kill(os.getpid(), signal.SIGKILL)
        return fleet.Left(waiting=1)

    assert fleet.go_on(folders, None, one, Console(width=200), again=False) == 3
    told = capsys.readouterr()
    assert told.err.count("its process ended with code -9") == 5
    assert told.out.splitlines()[-1].split()[-2:] == ["1", "3"]
