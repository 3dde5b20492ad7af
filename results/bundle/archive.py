# SPDX-License-Identifier: GPL-2.0-only
"""The archive that a bundle is: plain files in one fixed form of tar (POSIX ustar) within gzip, without times and owners.

The reader is handed archives by strangers. It takes that one form and nothing else: each header has to be, byte for byte, what the writer
would have written for that name and size. So there are no links, no devices, no second way to say a name or a size, and no place to
hide anything in. Nothing is written to disk, and no more than READ_MAX is ever unpacked.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MEMBER_MAX = 128 << 20  # bytes; the longest journal so far has 19 MB
READ_MAX = 2 * MEMBER_MAX
MEMBERS_MAX = 200
_BLOCK = tarfile.BLOCKSIZE
_RECORD = tarfile.RECORDSIZE
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?")
_KINDS = {
    tarfile.SYMTYPE: "a symbolic link", tarfile.LNKTYPE: "a hard link", tarfile.DIRTYPE: "a folder", tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device", tarfile.FIFOTYPE: "a pipe", tarfile.GNUTYPE_LONGNAME: "a long name",
    tarfile.GNUTYPE_SPARSE: "a sparse file", tarfile.XHDTYPE: "an extended header", tarfile.XGLTYPE: "an extended header",
}  # fmt: skip


class ArchiveError(Exception):
    """It is no archive that a bundle can be; the text says what is wrong, and where."""


@dataclass(frozen=True)
class Member:
    """A file of the archive, whole."""

    name: str
    data: bytes

    @property
    def sha256(self) -> str:
        """Hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")


def fits(name: str) -> bool:
    """Can a member have this name? One folder at most, and no dot in front."""
    return len(name) <= tarfile.LENGTH_NAME and _NAME.fullmatch(name) is not None


def write(path: Path, members: Iterable[Member]) -> None:
    """Writes an archive: there as a whole, or as it was before. The same members give the same bytes (by the same zlib). OSError."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("xb") as out:
            with gzip.GzipFile("", "wb", fileobj=out, mtime=0) as stream:
                written = 0
                for member in members:
                    written += stream.write(_header(member.name, len(member.data)))
                    written += stream.write(member.data + bytes(-len(member.data) % _BLOCK))
                stream.write(bytes(2 * _BLOCK + -(written + 2 * _BLOCK) % _RECORD))
            out.flush()
            os.fsync(out.fileno())
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def read(stream: BinaryIO) -> Iterator[Member]:
    """The members of an archive, in order. ArchiveError on the first thing that is not as `write` would have written it."""
    try:
        with gzip.GzipFile(fileobj=stream) as unpacked:
            yield from _members(unpacked)
    except EOFError:
        raise ArchiveError("it ends too early") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ArchiveError(f"it is no gzip file, or damaged: {error}") from None


def _members(stream: gzip.GzipFile) -> Iterator[Member]:
    names: set[str] = set()
    total = used = 0
    while True:
        block = _exactly(stream, _BLOCK, "a header")
        if not any(block):
            break
        name, size = _read_header(block, len(names) + 1)
        if name in names:
            raise ArchiveError(f"{name} is in it twice")
        names.add(name)
        total += size
        if total > READ_MAX or len(names) > MEMBERS_MAX:
            raise ArchiveError(f"with {name} it has {len(names)} members of {total} bytes, more than a bundle may have")
        data = _exactly(stream, size, name)
        if any(_exactly(stream, -size % _BLOCK, name)):
            raise ArchiveError(f"there is something behind the end of {name}")
        used += _BLOCK + size + -size % _BLOCK
        yield Member(name, data)
    # Two empty blocks end it, and as many more as fill a record.
    rest = stream.read(_RECORD + _BLOCK)
    if any(rest) or len(rest) != _BLOCK + -(used + 2 * _BLOCK) % _RECORD:
        raise ArchiveError("there is something behind its end, or it has none")


def _exactly(stream: gzip.GzipFile, size: int, what: str) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise ArchiveError(f"it ends within {what}")
    return data


def _read_header(block: bytes, number: int) -> tuple[str, int]:
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError) as error:
        raise ArchiveError(f"member {number} has no header of tar: {error}") from None
    kind = _KINDS.get(info.type)
    if kind is not None:
        raise ArchiveError(f"member {number} is {kind}; a bundle has files only")
    if not fits(info.name):
        raise ArchiveError(f"member {number} is called {info.name!a}, which no member of a bundle can be")
    if not 0 <= info.size <= MEMBER_MAX:
        raise ArchiveError(f"{info.name} has {info.size} bytes, more than a member of a bundle may have")
    if block != _header(info.name, info.size):
        raise ArchiveError(f"the header of {info.name} is not in the form of a bundle")
    return info.name, info.size
