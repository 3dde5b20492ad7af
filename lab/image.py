# SPDX-License-Identifier: GPL-2.0-only
"""What `--kernel` may name: an image, a folder with an image and modules, or a distribution's kernel packages."""

import dataclasses
import os
import re
import shutil
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab import cache
from lab.errors import LabError, UsageError
from lab.progress import Step
from lab.toolbox import Toolbox

PACKAGES = (".deb", ".rpm")
IMAGES = ("bzImage", "vmlinuz", "boot/vmlinuz-*", "lib/modules/*/vmlinuz", "vmlinuz-*", "Image", "boot/Image-*")
CONFIGS = ("config", "boot/config-*", "lib/modules/*/config", ".config")
MODULES = ("lib/modules/*", "usr/lib/modules/*")


@dataclasses.dataclass(frozen=True)
class Image:
    """A bootable kernel. `modules` is the folder lib/modules/<release>, `config` its .config; None where it has none. `origin` is where
    `path` was copied from."""

    path: Path
    release: str | None
    modules: Path | None
    config: Path | None
    origin: Path | None = None

    def copied(self, folder: Path) -> "Image":
        """The same with image and configuration in `folder`: who builds the kernel again does not change it under the one who boots it."""
        folder.mkdir()
        path = Path(shutil.copy(self.path, folder))
        config = self.config and Path(shutil.copy(self.config, folder / "config"))
        return dataclasses.replace(self, path=path, config=config, origin=self.origin or self.path)

    def facts(self) -> dict[str, Any]:
        """What a run records of it."""
        return {"image": str(self.origin or self.path), "sha256": cache.file_digest(self.path), "release": self.release}


def release_of(path: Path) -> str | None:
    """The kernel release that an x86 image names in its setup header (Documentation/arch/x86/boot.rst, kernel_version), or None."""
    with path.open("rb") as stream:
        setup = stream.read(0x210)
        if len(setup) < 0x210 or setup[0x202:0x206] != b"HdrS":
            return None
        (offset,) = struct.unpack_from("<H", setup, 0x20E)
        stream.seek(offset + 0x200)
        text = stream.read(256).split(b"\0")[0].decode("ascii", "replace")
    return text.split(" ")[0] or None


def _first(folder: Path, patterns: Sequence[str]) -> list[Path]:
    """What the first of the patterns fits that fits anything: no rescue images, and each file under one name."""
    for pattern in patterns:
        found = {path.resolve(): path for path in sorted(folder.glob(pattern), reverse=True) if "rescue" not in path.name}
        if found:
            return sorted(found.values())
    return []


def _config(folder: Path, release: str | None) -> Path | None:
    found = _first(folder, CONFIGS)
    if len(found) > 1:
        found = [path for path in found if release in (path.name.removeprefix("config-"), path.parent.name)]
    return found[0] if found else None


def _modules(folder: Path, release: str | None) -> Path | None:
    candidates = sorted(path for pattern in MODULES for path in folder.glob(pattern) if path.is_dir())
    exact = [path for path in candidates if path.name == release]
    if exact:
        return exact[0]
    if candidates and release:
        have = ", ".join(path.name for path in candidates)
        raise LabError(f"{folder}: the image is {release}, but the modules are of {have}")
    return candidates[0] if len(candidates) == 1 else None


def of_folder(folder: Path) -> Image:
    """An image with its modules, as `lab build`, `make tar-pkg` or an unpacked package leaves them."""
    images = _first(folder, IMAGES)
    if not images:
        raise UsageError(f"{folder} has no kernel image (looked for {', '.join(IMAGES)})")
    if len(images) > 1:
        names = ", ".join(str(path.relative_to(folder)) for path in images)
        raise UsageError(f"{folder} has several kernel images: {names}; name one of them, and its modules by --modules")
    path = images[0]
    release = release_of(path)
    return Image(path, release, _modules(folder, release), _config(folder, release))


def of_packages(toolbox: Toolbox, packages: Sequence[Path]) -> Image:
    """A distribution's packages, unpacked on top of each other: nothing of them is executed."""
    digests = [cache.file_digest(package) for package in packages]
    names = " and ".join(package.name for package in packages)

    def fill(draft: Path) -> dict[str, Any]:
        tree = draft / "tree"
        tree.mkdir()
        with Step(f"unpacking {names}"):
            for package in packages:
                script = (
                    'dpkg-deb --fsys-tarfile "$1" | tar -x -C /mnt/out --no-same-owner'
                    if package.suffix == ".deb"
                    else 'bsdtar -x -f "$1" -C /mnt/out --no-same-owner'
                )
                argv = ["bash", "-c", f"set -eo pipefail; {script}", "unpack", f"/mnt/src/{package.name}"]
                where: dict[str, Any] = {"binds": {"out": tree}, "readonly": {"src": package.resolve().parent}}
                toolbox.run(f"unpacking {package}", argv, **where)
        return {}

    def images(draft: Path) -> list[str]:
        return [str(path.relative_to(draft)) for path in _first(draft / "tree", IMAGES)]

    entry, _ = cache.obtain("packages", cache.digest(digests), names, images, fill)
    return of_folder(entry / "tree")


def find(toolbox: Toolbox, specs: Sequence[str], modules: str | None) -> Image:
    """What `--kernel` (once, or once for each package) and `--modules` name. LabError names what is missing."""
    paths = [Path(spec).absolute() for spec in specs]
    for path in paths:
        if not path.exists():
            raise UsageError(f"--kernel {path}: no such file or folder")
    if all(path.suffix in PACKAGES for path in paths):
        image = of_packages(toolbox, paths)
    elif len(paths) > 1:
        raise UsageError("--kernel may be given several times only for packages (.deb, .rpm)")
    elif paths[0].is_dir():
        image = of_folder(paths[0])
    else:
        beside = paths[0].with_name("config")
        image = Image(paths[0], release_of(paths[0]), None, beside if beside.is_file() else None)
    if modules is None:
        return image
    folder = Path(modules).absolute()
    if not (folder / "modules.builtin").is_file():
        inner = _modules(folder, image.release)
        if inner is None:
            raise UsageError(f"--modules {folder}: neither a lib/modules/<release> folder nor one that has lib/modules in it")
        folder = inner
    return dataclasses.replace(image, modules=folder)


def _key(name: str) -> str:
    """A module's name as the kernel compares it."""
    return re.sub(r"\.ko(\.(gz|xz|zst))?$", "", os.path.basename(name)).replace("-", "_")


def module_files(toolbox: Toolbox, image: Image, wanted: Sequence[str]) -> tuple[list[Path], list[str]]:
    """The files of `wanted` and of what they depend on, in the order of loading, and the names of those that the kernel lacks.

    An image that came without modules is taken to have built in whatever it has.
    """
    if image.modules is None:
        return [], []
    listing = image.modules / "modules.dep"
    if listing.is_file():
        text = listing.read_text()
    else:  # packages run depmod when they are installed, and these were only unpacked
        tree = image.modules.parent.parent.parent
        argv = ["depmod", "-n", "-b", "/mnt/src", image.modules.name]
        text = toolbox.run("depmod", argv, readonly={"src": tree}).stdout.split("\n# ")[0]
    needs: dict[str, tuple[str, list[str]]] = {}
    for line in text.splitlines():
        file, colon, rest = line.partition(":")
        if colon and ".ko" in file:
            needs[_key(file)] = (file, rest.split())
    builtin_list = image.modules / "modules.builtin"
    builtin = {_key(line) for line in builtin_list.read_text().splitlines()} if builtin_list.is_file() else set()
    order: list[str] = []
    missing = []

    def add(name: str) -> None:
        file, dependencies = needs[name]
        for dependency in reversed(dependencies):
            add(_key(dependency))
        if file not in order:
            order.append(file)

    for name in map(_key, wanted):
        if name in needs:
            add(name)
        elif name not in builtin:
            missing.append(name)
    return [image.modules / file for file in order], missing
