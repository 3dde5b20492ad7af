# SPDX-License-Identifier: GPL-2.0-only
"""The server's command line, used wrongly. (That it boots and answers is shown by `make check-ssh`.)"""

import subprocess
import sys
from pathlib import Path

import pytest

from lab import toolbox
from lab.server.machine import DEVICES, Server

TOP = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["power", "FOLDER", "off"], "FOLDER holds no server; make one: python3 -m lab.server boot FOLDER"),
        (["kernel", "FOLDER"], "CTS_IMAGE names no kernel image"),
        (["power", "FOLDER", "explode"], "invalid choice: 'explode'"),
    ],
)
def test_used_wrongly(tmp_path: Path, words: list[str], complaint: str) -> None:
    argv = [sys.executable, "-m", "lab.server", *(word.replace("FOLDER", str(tmp_path)) for word in words)]
    done = subprocess.run(argv, cwd=TOP, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"})
    assert done.returncode == 2 and complaint.replace("FOLDER", str(tmp_path)) in done.stderr


def test_what_is_off_can_be_switched_off(tmp_path: Path) -> None:
    Server(tmp_path).power_off()


def test_a_daemon_outlives_who_starts_it_and_has_the_network() -> None:
    box = toolbox.Toolbox(Path("/nonexistent"), "key", {}, {})
    assert "--die-with-parent" in box.command(["true"]) and "--share-net" not in box.command(["true"])
    assert "--die-with-parent" not in box.command(["true"], daemon=True) and "--share-net" in box.command(["true"], daemon=True)
    assert {"nvme,bus=port4,serial=cts-idle,drive=idle", "edu,bus=bridge,addr=1"} <= set(DEVICES)
