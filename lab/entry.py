# SPDX-License-Identifier: GPL-2.0-only
"""How a command ends: every fault becomes a message and an exit code, none a traceback, and none the code of a broken promise."""

import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from lab.errors import LabError, UsageError

EXIT_USAGE = 2
EXIT_LAB = 3
EXIT_INTERRUPTED = 128 + signal.SIGINT
EXIT_PIPE = 128 + signal.SIGPIPE

# What the system does to us: no room, no permission, a tool that failed.
SYSTEM = (OSError, subprocess.SubprocessError)
_TOP = Path(__file__).resolve().parent.parent


def _open_standard_streams() -> None:
    """/dev/null stands for what the caller has closed (`>&-`): else the next file that is opened would be the standard output."""
    while (fd := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(fd, True)
    os.close(fd)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))


def unexpected(error: Exception) -> str:
    """The sentence for an exception that nobody foresaw, with the line of ours that it came from."""
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(_TOP)]
    place = f" at {Path(ours[-1].filename).relative_to(_TOP)}:{ours[-1].lineno}" if ours else ""
    return f"an error of iommu-cts itself{place}: {type(error).__name__}: {error}; please report it with this line and the command"


def ending(name: str, command: Callable[[], int], faults: tuple[type[Exception], ...] = ()) -> int:
    """Calls `command`, which the user knows as `name`, and returns its exit code, or that of what it raised. `faults` are exceptions
    whose text says all, beside those of the lab."""
    _open_standard_streams()
    known: tuple[type[Exception], ...] = (LabError, *SYSTEM, *faults)
    try:
        code = command()
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # who read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_PIPE
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except known as error:
        print(f"{name}: {error}", file=sys.stderr)
        return EXIT_USAGE if isinstance(error, UsageError) else EXIT_LAB
    except Exception as error:
        print(f"{name}: {unexpected(error)}", file=sys.stderr)
        return EXIT_LAB
