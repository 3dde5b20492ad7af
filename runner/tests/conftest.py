# SPDX-License-Identifier: GPL-2.0-only
"""Builds cts-exec, and the programs that it is tested with, once a session."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
EXEC = HERE.parent / "exec"
PROGRAMS = HERE / "programs"
CC = os.environ.get("CC", "gcc")
STRICT = ["-std=gnu11", "-D_GNU_SOURCE", "-O1", "-g", "-Wall", "-Wextra", "-Werror"]


def make(out: Path, *variables: str) -> None:
    """The part's own Makefile."""
    subprocess.run(["make", "-s", "-C", str(EXEC), f"OUT={out}", f"CC={CC}", *variables], check=True)


def variant(out: Path, name: str, without: set[str], *options: str) -> Path:
    """cts-exec with sanitizers, with programs/<name>.c linked in to stand for a part of the kernel."""
    sources = [path for path in sorted(EXEC.glob("*.c")) if path.name not in without]
    sources.append(TOP / "lib" / "rid.c")
    sanitize = [
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover=all",
        '-DCTS_VERSION="test"',
        f"-I{EXEC}",
    ]
    binary = out / name
    command = [
        CC,
        *STRICT,
        *sanitize,
        *options,
        "-o",
        str(binary),
        *map(str, sources),
        str(PROGRAMS / f"{name}.c"),
    ]
    subprocess.run(command, check=True)
    return binary


@pytest.fixture(scope="session", autouse=True)
def signals() -> None:
    """What is started here can be interrupted as from a terminal, also where these tests run in the background or under nohup."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session", autouse=True)
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where commands that are started here leave their runs: others may run something in this checkout meanwhile."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IOMMU_CTS_RUNS", str(folder))
        yield folder


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with cts-exec, cts-exec-san and the programs."""
    out = tmp_path_factory.mktemp("exec")
    make(out)
    make(out, "SAN=1")
    for name in ("misbehave", "spawn_loop"):
        command = [CC, *STRICT, "-static", "-o", str(out / name), str(PROGRAMS / f"{name}.c")]
        subprocess.run(command, check=True)
    return out


@pytest.fixture(params=["static", "sanitized"])
def cts_exec(request: pytest.FixtureRequest, built: Path) -> Path:
    """The binary under test: every test of it runs twice."""
    return built / ("cts-exec" if request.param == "static" else "cts-exec-san")


@pytest.fixture
def misbehave(built: Path) -> str:
    """A program that does what tests should not; see programs/misbehave.c."""
    return str(built / "misbehave")


@pytest.fixture(scope="session")
def fake_sysfs_exec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """cts-exec on a PCI bus that exists in its memory only."""
    return variant(tmp_path_factory.mktemp("variant"), "fake_sysfs", {"sysfs.c", "in_use.c"})


@pytest.fixture(scope="session")
def fake_kmsg_exec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """cts-exec whose /dev/kmsg is a socket that the test holds the other end of."""
    return variant(tmp_path_factory.mktemp("variant"), "fake_kmsg", set(), "-Wl,--wrap=open,--wrap=read")


@pytest.fixture(scope="session")
def blunt_exec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """cts-exec whose SIGKILL kills nobody."""
    return variant(tmp_path_factory.mktemp("variant"), "blunt_kill", set(), "-Wl,--wrap=kill")
