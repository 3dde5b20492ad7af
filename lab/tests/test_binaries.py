# SPDX-License-Identifier: GPL-2.0-only
"""What the programs are compiled from is known by its content."""

from pathlib import Path

import pytest

from lab import binaries

FILES = (
    "headers/linux/vfio.h", "tree/tools/testing/selftests/kselftest_harness.h", "tree/tools/testing/selftests/vfio/lib/drivers/igb/igb.c",
    "tree/tools/testing/selftests/vfio/lib/include/libvfio.h", "tree/tools/include/linux/io.h",
)  # fmt: skip


@pytest.mark.parametrize("changed", FILES)
def test_each_file_of_the_kernel_tree_that_is_compiled_counts(tmp_path: Path, changed: str) -> None:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("before")
    before = binaries._tree_digest(tmp_path / "headers", tmp_path / "tree")
    (tmp_path / changed).write_text("after")
    assert binaries._tree_digest(tmp_path / "headers", tmp_path / "tree") != before
