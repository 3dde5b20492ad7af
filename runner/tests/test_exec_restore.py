# SPDX-License-Identifier: GPL-2.0-only
"""Who puts back what a test has changed is let go on when everything else that the test left is killed."""

import os
import subprocess
from pathlib import Path

import pytest

from lab.binaries import TOP
from runner.tests.conftest import CC, PROGRAMS, STRICT
from runner.tests.exec_driver import Exec, case, of, text_of, wait_until_gone

LIB = TOP / "lib"


@pytest.fixture(scope="session", name="restorer")
def restorer_fixture(tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("restorer") / "restorer"
    sources = [PROGRAMS / "restorer.c", *(LIB / f"{name}.c" for name in ("restore", "check", "record"))]
    subprocess.run([CC, *STRICT, f"-I{LIB}", "-o", str(out), *map(str, sources)], check=True)
    return str(out)


def full(fifo: Path) -> int:
    """A pipe of this name that nothing can be written to before something is read."""
    os.mkfifo(fifo)
    end = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    try:
        while True:
            os.write(end, b"x" * 4096)
    except BlockingIOError:
        return end


def test_it_comes_to_its_end(cts_exec: Path, restorer: str, tmp_path: Path) -> None:
    end = full(tmp_path / "fifo")
    setting = tmp_path / "setting"
    setting.write_text("changed")
    with Exec(cts_exec) as target:
        target.send(case(restorer, str(tmp_path / "fifo"), str(setting)))
        while not text_of(target.events).endswith("\n"):
            target.read_some()
        # Begun later, and so looked at later: when this one is gone the other would be as well.
        wait_until_gone(int(text_of(target.events)))
        assert setting.read_text() == "changed"
        os.read(end, 1 << 16)
        while not of(target.events, "test_end"):
            target.read_some()
        (told,) = of(target.events, "test_end")
    os.close(end)
    assert setting.read_text() == "as it was"
    assert (told["outcome"], told["left"]) == ("signaled", 1)
