# SPDX-License-Identifier: GPL-2.0-only
"""The module fixtures/mdev, built together with the kernel that it is for: a kernel with mediated devices has it among its modules."""

import re
import shutil
from pathlib import Path

from lab import cache

FOLDER = Path(__file__).parent.parent / "fixtures" / "mdev"
NAME = "cts_mdev"  # also the folder in the build tree
SINCE = (6, 19)  # the first kernel whose vfio_device_ops has .get_region_info_caps, by which a driver describes its regions


def _sources() -> list[Path]:
    return sorted([FOLDER / "Kbuild", *FOLDER.glob("*.[ch]")])


def digest() -> str:
    """Stands for its source, in the key of a kernel with modules."""
    return cache.digest([[path.name, path.read_text()] for path in _sources()])


def is_for(config: str, version: tuple[int, int]) -> bool:
    """Does a kernel of this version and configuration (the text of .config) have it?"""
    return bool(re.search(r"^CONFIG_VFIO_MDEV=[my]$", config, re.MULTILINE)) and version >= SINCE


def prepare(out: Path) -> list[str]:
    """Copies the source into the build tree `out`, /mnt/kbuild of the toolbox, and returns what make is told. It is our own code, and so
    built with more warnings than the kernel, all of which are errors."""
    folder = out / NAME
    folder.mkdir(exist_ok=True)
    for path in _sources():
        shutil.copy(path, folder)
    return [f"M=/mnt/kbuild/{NAME}", "W=1", "KCFLAGS=-Werror"]
