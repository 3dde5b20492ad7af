# SPDX-License-Identifier: GPL-2.0-only
"""Kernel sources: the distribution's source package of some version, a folder of the user's, either with patches on top."""

import contextlib
import dataclasses
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lab import cache, toolbox
from lab.errors import LabError, UsageError
from lab.progress import Step, say
from lab.toolbox import Toolbox, archive, read_lock

TELLING = ["Makefile", "Kconfig"]


@dataclasses.dataclass(frozen=True)
class Source:
    """A kernel tree. `identity` is everything that makes it what it is, for cache keys.

    An `editable` tree is the user's own: it is never written to, and what is built from it is checked by make each time. One that has
    `check_out` holds a revision of a repository (identity[:2]) once that was called, and another one later; all are built in one build
    tree.
    """

    label: str
    tree: Path
    identity: tuple[str, ...]
    editable: bool = False
    drift: str | None = None
    check_out: Callable[[], None] | None = None

    def renew_patched(self) -> None:
        """Makes what the patches have changed newer than any build: make goes by time, and a tree may have been patched before the build
        was made that its own begins with. Of a cached tree these are the files without a second name; another's is patched anew each time.
        """
        if not self.editable and not self.check_out and self.identity[2:]:
            subprocess.run(["find", str(self.tree), "-type", "f", "-links", "1", "-exec", "touch", "{}", "+"], check=True)


def default_package() -> tuple[str, str]:
    """Name and version of the source package that lab/toolbox.lock names."""
    for package, version in read_lock().items():
        if package.startswith("linux-source-"):
            return package, version
    raise LabError("lab/toolbox.lock names no linux-source package")


def _unpack(package: Path, draft: Path) -> None:
    """The tree in the package's inner archive. With the host's own tools: the toolbox is being made meanwhile."""
    script = (
        "set -eo pipefail; name=$(dpkg-deb --fsys-tarfile \"$1\" | tar -t | grep '/linux-source-.*[.]tar[.]xz$');"
        ' dpkg-deb --fsys-tarfile "$1" | tar -xO "$name" | xz -dc -T0 | tar -x -C "$2" --strip-components=1 --no-same-owner'
    )
    argv = ["bash", "-c", script, "unpack", str(package), str(draft)]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise LabError(f"{package.name} can't be unpacked:\n{done.stderr.strip()}")


def _fetch(package: str, wanted: str | None) -> tuple[str, str | None]:
    """Downloads and unpacks `package`; returns the cache key and a sentence if it is not the wanted version."""
    with Step(f"kernel source {package}") as step, tempfile.TemporaryDirectory(prefix="iommu-cts-") as scratch:
        step.note("asking the archive for versions")
        debian = archive()
        try:
            version, drift = debian.offers([package])[package].resolve(package, wanted)
        except LabError:
            newest = debian.dependency("linux-source")
            if wanted is None or newest is None:
                raise
            drift = f"{package} is no longer in the archive, taking {newest}"
            package, version = newest, debian.offers([newest])[newest].candidate
        if wanted and drift:
            say(f"WARNING: {drift}; results are not strictly comparable with those of the locked kernel")

        def fill(draft: Path) -> dict[str, Any]:
            folder = Path(scratch) / "deb"
            folder.mkdir()
            step.note(f"downloading {version}")
            debian.download(package, version, folder)
            step.note(f"unpacking {version}")
            _unpack(next(folder.glob("*.deb")), draft)
            return {"package": package, "version": version}

        key = f"{package}-{version}".replace("/", "_")
        cache.obtain("ksrc", key, f"kernel source {package} {version}", TELLING, fill)
    return key, drift if wanted else None


def of_package(version: str | None) -> Source:
    """The distribution's source of `version` such as "6.12", by default the one in lab/toolbox.lock; from the cache if it is there."""
    package, wanted = default_package() if version is None else (f"linux-source-{version}", None)
    pointer = cache.root() / "ksrc" / f"{package}@{wanted or 'newest'}"
    pointer.parent.mkdir(parents=True, exist_ok=True)
    drift: str | None = None
    pointed = cache.read_pointer(pointer)
    if pointed is not None:
        key, _, note = pointed.partition("\n")
        drift = note or None
    else:
        key, drift = _fetch(package, wanted)
        cache.write_pointer(pointer, f"{key}\n{drift or ''}")

    def again(_: Path) -> dict[str, Any]:
        pointer.unlink()
        raise LabError(f"the kernel source {key} in {cache.root()} was damaged and has been removed; run the same command again")

    tree, facts = cache.obtain("ksrc", key, f"kernel source {key}", TELLING, again)
    return Source(f"{facts['package']} {facts['version']}", tree, ("package", key), drift=drift)


def of_folder(folder: Path) -> Source:
    """A tree of the user's own."""
    tree = folder.resolve()
    if not (tree / "Kbuild").is_file() or not (tree / "drivers/vfio").is_dir():
        raise UsageError(f"{folder} is no kernel source tree (it has no Kbuild or drivers/vfio)")
    if (tree / ".config").exists() or (tree / "include/config").exists():
        raise UsageError(
            f"{folder} was built in place, so kbuild refuses to build it elsewhere. Either `make -C {folder} mrproper`,\n"
            f"or leave it alone and use a clean copy: git -C {folder} worktree add ../clean && --ksrc ../clean"
        )
    return Source(str(tree), tree, ("folder", str(tree)), editable=True)


def find(spec: str | None) -> Source:
    """What `--ksrc` names: a folder, a version, or (None) the default."""
    if spec is None:
        return of_package(None)
    if os.path.isdir(spec):
        return of_folder(Path(spec))
    if re.fullmatch(r"\d+\.\d+", spec):
        return of_package(spec)
    raise UsageError(f"--ksrc {spec}: neither a folder nor a version such as 6.12")


def with_toolbox(spec: str | None, profile: str = "lab") -> tuple[Toolbox, Source]:
    """The toolbox of `profile` and the source that `--ksrc` names, fetched at the same time: making the toolbox keeps one processor busy
    at most."""
    with ThreadPoolExecutor(1) as other:
        source = other.submit(find, spec)
        return toolbox.obtain(profile), source.result()


@contextlib.contextmanager
def with_patches(box: Toolbox, source: Source, patches: Sequence[Path]) -> Iterator[Source]:
    """A copy of `source` with the patches applied in order (`patch -p1`).

    A cached tree is copied by hard links, which is quick and keeps the time stamps, so that an incremental build only compiles what the
    patches touch; `patch` replaces files and never writes through a link. A user's own tree is copied for real: an editor may write
    through links. It may have changed since the last time, so its copy is made anew; whoever asks for the same meanwhile waits until this
    one is not used any more.
    """
    if not patches:
        yield source
        return
    for patch in patches:
        if not patch.is_file():
            raise UsageError(f"--patch {patch}: no such file")
    digests = [cache.file_digest(patch) for patch in patches]
    names = ", ".join(patch.name for patch in patches)
    identity = (*source.identity, *digests)

    def fill(draft: Path) -> dict[str, Any]:
        with Step(f"copying {source.label} for {names}"):
            shutil.rmtree(draft)
            how = ["cp", "-a"] if source.editable else ["cp", "-al"]
            exclude = draft / ".git"
            done = subprocess.run([*how, str(source.tree), str(draft)], stderr=subprocess.PIPE, text=True, errors="replace")
            if done.returncode:
                raise LabError(f"{source.label} can't be copied:\n" + "\n".join(done.stderr.splitlines()[-5:]))
            cache.remove(exclude)
            (draft / cache.MANIFEST).unlink(missing_ok=True)
            for patch in patches:
                argv = ["patch", "-d", "/mnt/ksrc", "-p1", "--forward", "--batch", "-i", f"/mnt/src/{patch.name}"]
                box.run(
                    f"applying {patch}", argv, binds={"ksrc": draft}, readonly={"src": patch.resolve().parent}
                )
        return {"patches": [str(patch) for patch in patches]}

    title = f"{source.label} + {names}"
    if source.editable:
        folder = cache.root() / "ksrc" / f"edited-{cache.digest(identity)}"
        with cache.lock(folder.with_name(f"{folder.name}.lock"), title):
            draft = folder.with_name(f".{folder.name}.draft")
            cache.remove(draft)
            draft.mkdir()
            fill(draft)
            cache.remove(folder)
            draft.rename(folder)
            yield Source(title, folder, identity, editable=True)
        return
    tree, _ = cache.obtain("ksrc", f"patched-{cache.digest(identity)}", title, TELLING, fill)
    yield Source(title, tree, identity, drift=source.drift)
