# SPDX-License-Identifier: GPL-2.0-only
"""The ramdisk of a virtual host: an uncompressed cpio archive ("newc", Documentation/driver-api/early-userspace/buffer-format.rst).

Uncompressed, because an emulated processor takes longer to inflate it than QEMU takes to hand it over.
"""

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

ALIGN = 4


class _Writer:
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._inode = 0
        self._made: set[str] = set()

    def _pad(self) -> None:
        self._stream.write(b"\0" * (-self._stream.tell() % ALIGN))

    def _entry(self, name: str, mode: int, data: bytes) -> None:
        self._inode += 1
        raw = name.encode() + b"\0"
        fields = (self._inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0)
        self._stream.write(b"070701" + b"".join(b"%08x" % field for field in fields) + raw)
        self._pad()
        self._stream.write(data)
        self._pad()

    def folder(self, name: str) -> None:
        for depth in range(1, name.count("/") + 2):
            part = "/".join(name.split("/")[:depth])
            if part and part not in self._made:
                self._made.add(part)
                self._entry(part, stat.S_IFDIR | 0o755, b"")

    def file(self, name: str, source: Path) -> None:
        self.folder(str(Path(name).parent).removeprefix("."))
        self._entry(name, stat.S_IFREG | 0o755, source.read_bytes())

    def link(self, name: str, target: str) -> None:
        self.folder(str(Path(name).parent).removeprefix("."))
        self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def end(self) -> None:
        self._entry("TRAILER!!!", 0, b"")


def write(path: Path, files: Mapping[str, Path], links: Mapping[str, str]) -> None:
    """Writes the archive: `files` maps names in the guest (no leading slash) to files here, `links` names to link targets.

    Folders are made as needed. There are no device nodes: a kernel brings the one that its first process needs, /dev/console, in a ramdisk
    of its own, and whoever repacks this one without being root could not keep them. OSError if a file can't be read or the disk is full.
    """
    with path.open("wb") as stream:
        archive = _Writer(stream)
        for folder in ("dev", "proc", "sys", "tmp", "root"):
            archive.folder(folder)
        for name, source in sorted(files.items()):
            archive.file(name, source)
        for name, target in sorted(links.items()):
            archive.link(name, target)
        archive.end()
