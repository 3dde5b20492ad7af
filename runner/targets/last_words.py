# SPDX-License-Identifier: GPL-2.0-only
"""What a kernel that died left in memory that outlives it (pstore), on another machine."""

import re
import shlex
import threading
from pathlib import Path

from lab.errors import LabError
from runner import reboot
from runner.targets.remote import Remote

_LIST = "find {folders} -type f -name 'dmesg-*' -exec stat -c '%Y %s %n' '{{}}' + 2>/dev/null; true"
_PATH = re.compile(r"\d+ \d+ (/(?:sys/fs/pstore|var/lib/systemd/pstore)/[\w./-]+)")
# A machine that has just come up may be moving them from the first folder to the second.
_MOVING = "systemctl is-active systemd-pstore.service 2>/dev/null; true"
MOVING_TRIES, MOVING_S = 15, 2.0
PARTS_MAX = 64


class LastWords:
    """Of the machine that `remote` reaches; `stop` ends waiting. What lay there before is its owner's: it is neither read nor removed."""

    def __init__(self, remote: Remote, stop: threading.Event) -> None:
        self._remote = remote
        self._stop = stop
        self._before: set[str] = set()

    def note(self) -> None:
        """Whatever is there now is old."""
        self._before = self._list()

    def _run(self, script: str) -> str:
        return self._remote.run("the kernel's last words", script)

    def _list(self) -> set[str]:
        """One line a file, with its time and size: names are used again."""
        return set(self._run(_LIST.format(folders=" ".join(map(str, reboot.PSTORE)))).splitlines())

    def read(self) -> str:
        """What has come since `note`, "" if nothing or if it may not be read. It is removed where the kernel has it, and where a service
        of the machine has put it in an archive it stays."""
        for _ in range(MOVING_TRIES):
            try:
                if self._run(_MOVING).strip() != "activating":
                    return self._read()
            except LabError:
                pass  # one that was listed may be somewhere else now
            if self._stop.wait(MOVING_S):
                break
        return ""

    def _read(self) -> str:
        found = [match[1] for line in self._list() - self._before if (match := _PATH.fullmatch(line)) and ".." not in line]
        paths = sorted(found, key=lambda path: reboot.part(Path(path)), reverse=True)[:PARTS_MAX]
        # The last of a record is what the kernel said last.
        texts = [self._run(f"tail -c {reboot.WORDS_MAX} {shlex.quote(path)}") for path in paths]
        ours = [path for path in paths if path.startswith(f"{reboot.PSTORE[0]}/")]
        if ours:
            self._run(f"rm -f {shlex.join(ours)}")
        return reboot.joined(texts)
