# SPDX-License-Identifier: GPL-2.0-only
"""Writes a sysfs of PCI functions and IOMMU groups into a folder, as far as cts-survey reads it."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

# Capability numbers and port types of linux/pci_regs.h.
PM, MSI, EXPRESS, MSIX, AF = 0x01, 0x05, 0x10, 0x11, 0x13
AER, ACS, ATS, SRIOV, PRI, PASID = 0x01, 0x0D, 0x0F, 0x10, 0x13, 0x1B
ENDPOINT, ROOT_PORT, UPSTREAM, DOWNSTREAM, TO_PCI = 0x0, 0x4, 0x5, 0x6, 0x7
GROUPS = 4096
ACS_ISOLATING = 0x1D  # source validation, request and completion redirect, upstream forwarding


def express(kind: int, flr: bool = False) -> tuple[int, bytes]:
    """A PCI Express capability of a port or device type."""
    return EXPRESS, struct.pack("<HI", 2 | kind << 4, 1 << 28 if flr else 0) + bytes(52)


def acs(able: int, on: int) -> tuple[int, bytes]:
    return ACS, struct.pack("<HH", able, on)


def config(
    capabilities: Sequence[tuple[int, bytes]] = (),
    extended: Sequence[tuple[int, bytes]] = (),
    secondary: int | None = None,
    multifunction: bool = False,
) -> bytes:
    """A configuration space of 4,096 bytes. A bridge has a `secondary` bus."""
    space = bytearray(4096)
    space[0x0E] = (secondary is not None) | (0x80 if multifunction else 0)
    if secondary is not None:
        space[0x19] = secondary
    link, at = 0x34, 0x40
    for number, body in capabilities:
        space[0x06] |= 0x10
        space[link] = at
        space[at : at + 2 + len(body)] = bytes([number, 0]) + body
        link, at = at + 1, (at + 2 + len(body) + 3) & ~3
    at = 0x100
    for position, (number, body) in enumerate(extended):
        following = (at + 4 + len(body) + 3) & ~3 if position + 1 < len(extended) else 0
        space[at : at + 4 + len(body)] = struct.pack("<I", number | 1 << 16 | following << 20) + body
        at = following
    return bytes(space)


class Tree:
    """A sysfs in the making, in `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.places: dict[str, str] = {}
        for folder in ("bus/pci/devices", "bus/pci/drivers", "kernel/iommu_groups", "class/iommu", "class/net", "class/block"):
            (root / folder).mkdir(parents=True)

    def function(
        self,
        bdf: str,
        space: bytes,
        above: str | None = None,
        group: int | None = None,
        driver: str | None = None,
        ids: tuple[int, int, int] = (0x8086, 0x10C9, 0x020000),
    ) -> Path:
        """Adds a function, below the bridge `above` or on the root bus, and returns its directory."""
        place = f"{self.places[above] if above else 'devices/pci' + bdf[:7]}/{bdf}"
        self.places[bdf] = place
        folder = self.root / place
        folder.mkdir(parents=True)
        for name, number, digits in zip(("vendor", "device", "class"), ids, (4, 4, 6)):
            (folder / name).write_text(f"0x{number:0{digits}x}\n")
        (folder / "numa_node").write_text("0\n")
        (folder / "revision").write_text("0x01\n")
        (folder / "config").write_bytes(space)
        self.link(self.root / "bus/pci/devices" / bdf, folder)
        if driver is not None:
            self.link(folder / "driver", self.root / "bus/pci/drivers" / driver)
        if group is not None:
            self.group(group, folder, bdf)
        return folder

    def group(self, number: int, folder: Path, bdf: str) -> None:
        where = self.root / f"kernel/iommu_groups/{number}"
        if not where.exists():
            (where / "devices").mkdir(parents=True)
            (where / "type").write_text("DMA\n")
            (where / "reserved_regions").write_text("0x00000000fee00000 0x00000000feefffff msi\n")
        self.link(where / "devices" / bdf, folder)
        self.link(folder / "iommu_group", where)

    @staticmethod
    def link(path: Path, target: Path) -> None:
        """A relative link, as all of sysfs's are."""
        target.mkdir(parents=True, exist_ok=True)
        path.symlink_to(os.path.relpath(target, path.parent))

    def forget_reads(self) -> None:
        """From here on `read` tells what is read: the time of the last access of everything is set back."""
        for path in [*_walk(self.root)]:
            os.utime(path, (0, 0), follow_symlinks=False)

    def read(self) -> set[str]:
        """The files, links and directories that have been read or followed since, by their path in the tree."""
        return {os.path.relpath(path, self.root) for path in _walk(self.root) if os.lstat(path).st_atime > 0}


def root_port(tree: Tree, bdf: str, secondary: int, on: int = ACS_ISOLATING) -> None:
    """Adds a root port with ACS, in a group of its own that has the number of the bus below it."""
    space = config([express(ROOT_PORT)], [acs(ACS_ISOLATING, on)], secondary=secondary)
    tree.function(bdf, space, group=secondary, driver="pcieport", ids=(0x8086, 0x3420, 0x060400))


def crowd(tree: Tree) -> None:
    """GROUPS functions in as many groups, behind 16 root ports; and 0007:00:05.0, which shares its group with 0007:01:02.3."""
    for port in range(16):
        root_port(tree, f"{port:04x}:00:1c.0", 1)
        for number in range(GROUPS // 16):
            bdf = f"{port:04x}:01:{number >> 3:02x}.{number & 7}"
            tree.function(bdf, config([express(ENDPOINT)]), f"{port:04x}:00:1c.0", group=100 + GROUPS // 16 * port + number)
    tree.function("0007:00:05.0", config(), group=100 + GROUPS // 16 * 7 + 19)


def _walk(folder: Path) -> Iterator[str]:
    """All that is below a folder; nothing is followed, and a directory is given before it is read."""
    with os.scandir(folder) as entries:
        for entry in entries:
            yield entry.path
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path))
