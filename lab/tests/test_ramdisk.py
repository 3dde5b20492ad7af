# SPDX-License-Identifier: GPL-2.0-only
"""The ramdisk is a cpio archive that another program reads alike."""

from pathlib import Path

from lab import ramdisk, toolbox


def test_another_cpio_reads_it(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"\x7fELF" + b"\0" * 1001)
    (tmp_path / "two").write_bytes(b"")
    files = {"init": tmp_path / "one", "suites/access/x": tmp_path / "two"}
    ramdisk.write(tmp_path / "initrd", files, {"bin/sh": "busybox"})
    script = "cd /mnt/work && mkdir tree && cd tree && cpio -i --quiet --no-absolute-filenames < ../initrd; true"
    toolbox.obtain().run("cpio", ["bash", "-c", script], binds={"work": tmp_path})
    tree = tmp_path / "tree"
    assert (tree / "init").read_bytes() == (tmp_path / "one").read_bytes()
    assert (tree / "init").stat().st_mode & 0o777 == 0o755
    assert (tree / "suites/access/x").read_bytes() == b""
    assert (tree / "bin/sh").is_symlink() and (tree / "bin/sh").readlink() == Path("busybox")
    assert all((tree / name).is_dir() for name in ("dev", "proc", "sys", "tmp"))
