# SPDX-License-Identifier: GPL-2.0-only
"""What a kernel that died left in memory that outlives it (pstore), on another machine."""

import contextlib
import re
import shlex
from pathlib import Path

from lab.errors import LabError
from runner import reboot
from runner.targets.remote import Remote

_LIST = "find {folders} -type f -name 'dmesg-*' -exec stat -c '%Y %s %n' '{{}}' + 2>/dev/null; true"
_PATH = re.compile(r"\d+ \d+ (/(?:sys/fs/pstore|var/lib/systemd/pstore)/[\w./-]+)")
PARTS_MAX = 64


class LastWords:
    """Of the machine that `remote` reaches. What lay there before is its owner's: it is neither read nor removed."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._before: set[str] = set()

    def note(self) -> None:
        """Whatever is there now is old."""
        self._before = self._list()

    def _list(self) -> set[str]:
        """One line a file, with its time and size: names are used again."""
        script = _LIST.format(folders=" ".join(map(str, reboot.PSTORE)))
        return set(self._remote.run("the kernel's last words", script).splitlines())

    def read(self) -> str:
        """What has come since `note`, "" if nothing or if it may not be read. It is removed where the kernel has it, and where a service
        of the machine has put it in an archive it stays."""
        try:
            found = [match[1] for line in self._list() - self._before if (match := _PATH.fullmatch(line)) and ".." not in line]
        except LabError:
            return ""
        texts = []
        for path in sorted(found, key=lambda path: reboot.part(Path(path)), reverse=True)[:PARTS_MAX]:
            with contextlib.suppress(LabError):
                texts.append(self._remote.run("the kernel's last words", f"head -c {reboot.WORDS_MAX} {shlex.quote(path)}"))
                if path.startswith(f"{reboot.PSTORE[0]}/"):
                    self._remote.run("the kernel's last words", f"rm -f {shlex.quote(path)}")
        return reboot.joined(texts)
