# SPDX-License-Identifier: GPL-2.0-only
"""What comes from a server, which may be slow, stop in the middle, claim a wrong length, or never end."""

import http.client
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from lab.errors import LabError

LOG_MAX = 256 << 20  # bytes of a job's log; of a job of 5,000 tests that print little it has 13 MB
PATIENCE_S = 120.0  # for a log, at a time; what has come is kept
CHUNK = 1 << 16


class Unkept(LabError):
    """It can't be written here."""


def pieces(answer: http.client.HTTPResponse, most: int, seconds: float) -> Iterator[bytes]:
    """An answer as it comes, `most` bytes of it. Raises TimeoutError after `seconds`, and ConnectionError if it ends before its end."""
    end = time.monotonic() + seconds
    came = 0
    while came < most and (piece := answer.read1(min(CHUNK, most - came))):
        came += len(piece)
        yield piece
        if time.monotonic() > end:
            raise TimeoutError(f"{came} bytes came in {seconds:.0f} s, and that was not all")
    if came < most and answer.length:
        raise ConnectionError(f"the answer ended {answer.length} bytes before the end that it claims to have")


def write(file: BinaryIO, piece: bytes) -> None:
    """Adds to a file. Raises Unkept, so that a full disk is not taken for a silent server."""
    try:
        file.write(piece)
    except OSError as error:
        raise Unkept(f"{file.name}: can't be written: {error.strerror}") from error


def _whole(file: BinaryIO) -> int:
    """Cuts off the line that did not come to its end; returns how many lines there are."""
    lines = end = 0
    while piece := file.read(CHUNK):
        if b"\n" in piece:
            lines += piece.count(b"\n")
            end = file.tell() - len(piece) + piece.rindex(b"\n") + 1
    file.seek(end)
    file.truncate()
    return lines


@contextmanager
def kept(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """A file that will be at `path` when all is in it, and how many lines of it are there from before."""
    part = path.with_name(f".{path.name}.part")
    try:
        with open(os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644), "r+b") as file:
            yield file, _whole(file)
        part.rename(path)
    except OSError as error:
        raise Unkept(f"{part}: can't be written: {error.strerror}") from error
