# SPDX-License-Identifier: GPL-2.0-only
"""Archives by strangers: one form is read, everything else is refused with a word, and nothing is ever written or unpacked for long."""

from __future__ import annotations

import gzip
import io
import os
import random
import resource
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from results.bundle import archive
from results.bundle.archive import ArchiveError, Member

MEMBERS = [Member("b.json", b"{}"), Member("a", b""), Member("profiles/x.toml", os.urandom(5000))]


def _read(data: bytes) -> list[Member]:
    return list(archive.read(io.BytesIO(data)))


def _tar(*infos: tarfile.TarInfo, form: int = tarfile.USTAR_FORMAT, data: bytes = b"") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=form) as tar:
        for info in infos:
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def _info(name: str, **keys: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for key, value in keys.items():
        setattr(info, key, value)
    return info


def test_what_is_written_is_read(tmp_path: Path) -> None:
    archive.write(tmp_path / "x", MEMBERS)
    data = (tmp_path / "x").read_bytes()
    assert _read(data) == MEMBERS
    archive.write(tmp_path / "y", MEMBERS)
    assert (tmp_path / "y").read_bytes() == data and sorted(os.listdir(tmp_path)) == ["x", "y"]
    with tarfile.open(tmp_path / "x") as tar:  # any tar reads it
        assert [info.name for info in tar] == [one.name for one in MEMBERS]


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 7680, 8192, 8704, 9216, 9728, 10240, 20000])
def test_every_size(tmp_path: Path, size: int) -> None:
    members = [Member("x", random.Random(size).randbytes(size))]
    archive.write(tmp_path / "x", members)
    assert _read((tmp_path / "x").read_bytes()) == members


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("old")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limit[1]))
    try:
        with pytest.raises(OSError):
            archive.write(tmp_path / "x", MEMBERS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert (tmp_path / "x").read_text() == "old" and os.listdir(tmp_path) == ["x"]


@pytest.mark.parametrize(
    "data, words",
    [
        (_tar(_info("../../etc/passwd")), "called '../../etc/passwd', which no member"),
        (_tar(_info("/etc/passwd")), "called '/etc/passwd'"),
        (_tar(_info("a/../b")), "called 'a/../b'"),
        (_tar(_info(".hidden")), "called '.hidden'"),
        (_tar(_info("a\x1b[31m")), r"called 'a\\x1b\[31m'"),
        (_tar(_info("\udcff\udcfe")), r"called '\\udcff\\udcfe'"),
        (_tar(_info("x", type=tarfile.SYMTYPE, linkname="/etc/passwd")), "is a symbolic link"),
        (_tar(_info("x", type=tarfile.LNKTYPE, linkname="y")), "is a hard link"),
        (_tar(_info("x", type=tarfile.CHRTYPE)), "is a device"),
        (_tar(_info("x", type=tarfile.FIFOTYPE)), "is a pipe"),
        (_tar(_info("x", type=tarfile.DIRTYPE)), "is a folder"),
        (_tar(_info("x" * 200), form=tarfile.GNU_FORMAT), "is a long name"),
        (_tar(_info("x", pax_headers={"comment": "y"}), form=tarfile.PAX_FORMAT), "is an extended header"),
        (_tar(_info("x"), _info("x")), "x is in it twice"),
        (_tar(_info("x", mtime=1)), "the header of x is not in the form of a bundle"),
        (_tar(_info("x", uid=1)), "the header of x is not in the form of a bundle"),
        (_tar(_info("x", mode=0o4755)), "the header of x is not in the form of a bundle"),
        (_tar(_info("x", size=1), data=b"1")[:-30], "ends too early|damaged"),
        (gzip.compress(archive._header("x", 5)), "it ends within x"),
        (gzip.compress(archive._header("x", 1) + b"x" * 512 + bytes(1024)), "something behind the end of x"),
        (gzip.compress(bytes(10240) + bytes(512)), "something behind its end"),
        (gzip.compress(bytes(10240)) + gzip.compress(b"more"), "something behind its end"),
        (gzip.compress(bytes(512)), "has none"),
        (b"", "it ends within a header"),
        (b"PK\x03\x04", "no gzip file"),
        (gzip.compress(b"x" * 512), "has no header of tar"),
    ],
)
def test_what_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(ArchiveError, match=words):
        _read(data)


def _bomb(size: int) -> bytes:
    out = io.BytesIO()
    with gzip.GzipFile("", "wb", 9, out) as stream:
        stream.write(archive._header("x", size))
        for _ in range(size >> 20):
            stream.write(bytes(1 << 20))
    return out.getvalue()


def _many() -> bytes:
    return gzip.compress(b"".join(archive._header(f"x{number}", 0) for number in range(archive.MEMBERS_MAX + 1)))


def _claims_much() -> bytes:
    header = archive._header("x", 4 << 30)
    return gzip.compress(header)


@pytest.mark.parametrize("make", [lambda: _bomb(archive.MEMBER_MAX + (1 << 20)), _many, _claims_much])
def test_bombs(tmp_path: Path, make: Callable[[], bytes]) -> None:
    """Refused with a word by a process that may not have more than a fixed amount of memory."""
    (tmp_path / "bomb").write_bytes(make())
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (600 << 20,) * 2)\n"
        "from results.bundle.archive import ArchiveError, read\n"
        "try: list(read(open(sys.argv[1], 'rb')))\n"
        "except ArchiveError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "bomb")], capture_output=True, text=True)
    assert "more than a" in done.stdout and not done.stderr
    assert os.listdir(tmp_path) == ["bomb"]
