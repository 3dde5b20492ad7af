# SPDX-License-Identifier: GPL-2.0-only
"""A run on this very machine survives that the machine goes down: which test did it, what the kernel said last, and who goes on."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from lab.errors import LabError, UsageError
from results.journal import Writer
from runner import suite
from runner.collect import Seen

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# Where a dying kernel's last words are kept; systemd-pstore moves them from the first to the second.
PSTORE = (Path("/sys/fs/pstore"), Path("/var/lib/systemd/pstore"))
WORDS_MAX = 64 << 10
WENT_DOWN = "the machine went down"
UNIT = Path("/etc/systemd/system/iommu-cts-resume.service")
ATTEMPTS = 2  # to get to a test; then somebody should look

_TEXT = """\
[Unit]
Description=Goes on with a run of iommu-cts after the machine went down
After=multi-user.target

[Service]
Type=exec
Environment={environment}
ExecStart={command} run --resume {run}

[Install]
WantedBy=multi-user.target
"""


def part(path: Path) -> int:
    """Parts of one message are numbered from its end."""
    found = re.search(r"(\d+)(?:\.\w+)*$", path.name)
    return int(found[1]) if found else 0


def last_words(since: float, folders: tuple[Path, ...]) -> str:
    """What kernels that died after `since` (seconds since the epoch) left in pstore; "" if nothing."""
    found = []
    for folder in folders:
        try:
            found += [path for path in folder.rglob("dmesg-*") if path.is_file() and path.stat().st_mtime >= since]
        except OSError:
            continue  # it is moved just now, or may not be read
    texts = []
    for path in sorted(found, key=part, reverse=True):
        try:
            texts.append(path.read_text("utf-8", "replace"))
        except OSError:
            continue
    return joined(texts)


def joined(texts: list[str]) -> str:
    """The parts of a message, without the level before each line."""
    return re.sub(r"^<\d+>", "", "\n".join(texts), flags=re.MULTILINE)[-WORDS_MAX:]


def note(journal: Writer, kept: Seen) -> bool:
    """Has the machine gone down since the run was stopped? Then the journal says so, and which test ran. LabError if that happens
    again and again without one."""
    now = BOOT_ID.read_text().strip()
    if kept.boot_id is None or kept.boot_id == now:
        return False
    if kept.running is None and sum(problem.kind == "lost" for problem in kept.problems) >= ATTEMPTS:
        raise LabError(f"the machine went down {ATTEMPTS} times while no test ran: it is not tried again; see what the journal says")
    began = kept.last if kept.last is not None else 0.0
    journal.write("lost", machine=1, id=kept.running, why=WENT_DOWN, console=last_words(began, PSTORE))
    journal.sync()
    return True


def _systemctl(*words: str) -> None:
    done = subprocess.run(["systemctl", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"systemctl {' '.join(words)}: {done.stderr.strip() or done.returncode}")


def check() -> None:
    """UsageError where `survive` can't be done."""
    if os.geteuid() != 0 or not Path("/run/systemd/system").is_dir():
        raise UsageError("--survive-reboots: only root on a machine with systemd can have a run gone on with after a reboot")
    if UNIT.exists():
        raise UsageError(f"--survive-reboots: {UNIT} is there already, for another run; go on with that, or remove the file")


def survive(folder: Path) -> None:
    """From now on a boot of this machine goes on with the run in `folder`. LabError if that can't be had."""
    kept = {name: value for name in ("IOMMU_CTS_CACHE", "IOMMU_CTS_RUNS", "HOME") if (value := os.environ.get(name))}
    environment = " ".join(shlex.quote(f"{name}={value}") for name, value in kept.items())
    text = _TEXT.format(environment=environment, command=suite.TOP / "iommu-cts", run=shlex.quote(str(folder)))
    try:
        with UNIT.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise LabError(f"{UNIT}: {error.strerror}") from error
    _systemctl("daemon-reload")
    _systemctl("enable", UNIT.name)


def forget(folder: Path) -> None:
    """The run in `folder` has come to its end."""
    try:
        if str(folder) not in UNIT.read_text("utf-8"):
            return
        _systemctl("disable", UNIT.name)
        UNIT.unlink(missing_ok=True)
        _systemctl("daemon-reload")
    except FileNotFoundError:
        return
    except (OSError, LabError) as error:
        print(f"iommu-cts: {UNIT} stays: {error}", file=sys.stderr)
