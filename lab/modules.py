# SPDX-License-Identifier: GPL-2.0-only
"""The kernel modules of fixtures/, built together with the kernel that they are for: one with modules has them among its own."""

import dataclasses
import re
import shutil
from pathlib import Path

from lab import cache

FIXTURES = Path(__file__).parent.parent / "fixtures"


@dataclasses.dataclass(frozen=True)
class Module:
    """One of them: its `name` is also that of its folder in the build tree, `folder` has its source in FIXTURES. It is for kernels with the
    option `needs`, `since` a version."""

    name: str
    folder: str
    needs: str
    since: tuple[int, int]

    @property
    def sources(self) -> list[Path]:
        """What it is made of."""
        folder = FIXTURES / self.folder
        return sorted([folder / "Kbuild", *folder.glob("*.[ch]")])

    def make(self) -> str:
        """What make is told to go into its folder."""
        return f"M=/mnt/kbuild/{self.name}"

    def prepare(self, out: Path) -> list[str]:
        """Copies the source into the build tree `out`, /mnt/kbuild of the toolbox, and returns what make is told. It is our own code, and
        so built with more warnings than the kernel, all of which are errors."""
        folder = out / self.name
        folder.mkdir(exist_ok=True)
        for path in self.sources:
            shutil.copy(path, folder)
        return [self.make(), "W=1", "KCFLAGS=-Werror"]


MODULES = (
    Module("cts_hold", "hold", "PCI", (6, 6)),
    # Since then vfio_device_ops has .get_region_info_caps, by which a driver describes its regions.
    Module("cts_mdev", "mdev", "VFIO_MDEV", (6, 19)),
)


def digest() -> str:
    """Stands for their sources, in the key of a kernel with modules."""
    return cache.digest([[path.name, path.read_text()] for module in MODULES for path in module.sources])


def any_in(config: str) -> bool:
    """Does a kernel of this configuration (the text of .config) have modules?"""
    return bool(re.search(r"^CONFIG_\w+=m$", config, re.MULTILINE))


def ours(config: str, version: tuple[int, int]) -> list[Module]:
    """Those of ours that a kernel of this version and configuration has."""
    if not any_in(config):
        return []
    return [
        module for module in MODULES
        if version >= module.since and re.search(rf"^CONFIG_{module.needs}=[my]$", config, re.MULTILINE)
    ]  # fmt: skip
