# SPDX-License-Identifier: GPL-2.0-only
"""Endpoints start before QEMU, and whichever fails ends both; with programs that stand for them."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lab import endpoint
from lab.host import Endpoint

# Makes its socket, says a word, and waits for QEMU to take the other end away.
SERVES = 'echo "endpoint: $*" >&2; python3 -c "import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])" "$2"; '
TWO = (Endpoint("port1"), Endpoint("port2", ("--without", "pri")))

Run = Callable[[str, str], "subprocess.CompletedProcess[str]"]


@pytest.fixture(name="run")
def run_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the two scripts as program of the endpoints and as QEMU."""
    monkeypatch.setattr(endpoint, "_socket", lambda number: f"{tmp_path}/socket-{number}")
    (tmp_path / "gone").mkdir()

    def run(serve: str, qemu: str) -> "subprocess.CompletedProcess[str]":
        program = tmp_path / "endpoint"
        program.write_text(f"#!/bin/sh\ncd {tmp_path}\n{serve}\n")
        program.chmod(0o755)
        logs = [str(tmp_path / "1.log"), str(tmp_path / "2.log")]
        argv = endpoint.together(TWO, str(program), logs, ["sh", "-c", f"cd {tmp_path}; {qemu}"])
        return subprocess.run(argv, input="from the terminal\n", capture_output=True, text=True, timeout=60)

    return run


WAITS = "while [ -e gone ]; do sleep 0.01; done"


def test_without_any_qemu_is_run_as_it_is() -> None:
    assert endpoint.together((), "endpoint", (), ["qemu", "-x"]) == ["qemu", "-x"] and not endpoint.devices(())


def test_qemu_is_told_of_each() -> None:
    words = endpoint.devices(TWO)
    found = [json.loads(word) for word in words[1::2]]
    assert words[::2] == ["-device"] * 2 and [one["bus"] for one in found] == ["port1", "port2"]
    assert len({one["socket"]["path"] for one in found}) == 2 and all(one["driver"] == "vfio-user-pci" for one in found)


@pytest.mark.parametrize("code", [0, 3])
def test_it_ends_as_qemu_does(run: Run, tmp_path: Path, code: int) -> None:
    done = run(SERVES + WAITS, f"test -S socket-1 && test -S socket-2 && cat; rmdir gone; exit {code}")
    assert (done.returncode, done.stdout, done.stderr) == (code, "from the terminal\n", "")
    assert (tmp_path / "1.log").read_text() == f"endpoint: --socket {tmp_path}/socket-1 --serial 1\n"
    assert (tmp_path / "2.log").read_text() == f"endpoint: --socket {tmp_path}/socket-2 --serial 2 --without pri\n"


def test_endpoints_may_end_before_qemu_has_ended(run: Run) -> None:
    assert run(SERVES + WAITS, "rmdir gone; sleep 0.3; exit 7").returncode == 7


@pytest.mark.parametrize(("serve", "qemu"), [
    ("exit 1", "sleep 30"), (SERVES + "sleep 0.2; exit 1", "sleep 30"), (SERVES + "sleep 0.2; kill -SEGV $$", "sleep 30"),
])  # fmt: skip
def test_an_endpoint_that_fails_ends_it(run: Run, serve: str, qemu: str) -> None:
    assert run(serve, f"exec >&- 2>&-; {qemu}").returncode not in (0, 7)


def test_an_endpoint_that_qemu_has_left_ends_it(run: Run) -> None:
    done = run(SERVES + WAITS, "rmdir gone; exec sleep 30 >&- 2>&-")
    assert done.returncode == 1 and "left by QEMU" in done.stderr
