# SPDX-License-Identifier: GPL-2.0-only
"""No fault of a command is a traceback, or looks like a broken promise."""

import subprocess
import sys

import pytest

from lab import entry
from lab.binaries import TOP
from lab.errors import LabError, UsageError

HERE = "lab/tests/test_entry.py"


@pytest.mark.parametrize(("error", "code", "said"), [
    (UsageError("no such host"), 2, "make it: no such host\n"),
    (LabError("no boot"), 3, "make it: no boot\n"),
    (OSError(28, "No space left on device"), 3, "make it: [Errno 28] No space left on device\n"),
    (subprocess.CalledProcessError(1, ["cp", "-a"]), 3, "make it: Command '['cp', '-a']' returned non-zero exit status 1.\n"),
    (KeyError("told"), 3, "make it: 'told'\n"),
    (KeyboardInterrupt(), 130, "make it: interrupted\n"),
    (TypeError("no such key"), 3, f"make it: an error of iommu-cts itself at {HERE}:"),
])
def test_every_fault_has_its_code(error: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> int:
        raise error

    assert entry.ending("make it", fail, (KeyError,)) == code
    assert capsys.readouterr().err.startswith(said)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_like_one_that_nobody_reads(closed: str) -> None:
    script = (
        "import os, sys; from lab import entry; "
        "sys.exit(entry.ending('it', lambda: (print('a'), print('b', file=sys.stderr), sys.stdin.read(), os.dup(0))[-1] - 3))"
    )
    shell = f'exec "$0" -c "$1" {closed}'
    argv = ["sh", "-c", shell, sys.executable, script]
    done = subprocess.run(argv, cwd=TOP, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
