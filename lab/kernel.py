# SPDX-License-Identifier: GPL-2.0-only
"""Building guest kernels: tinyconfig plus fragments, out of tree, incremental."""

import contextlib
import dataclasses
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lab import cache, ksrc, modules, scratch
from lab.arch import NATIVE, Arch
from lab.errors import LabError, UsageError
from lab.progress import Step
from lab.toolbox import Toolbox

HERE = Path(__file__).parent
FRAGMENTS = HERE / "kernel"
RECIPE = 1  # raise it when the way of building changes what comes out
CONFIGURED = "iommu-cts.config"  # in a build tree: the lines that it was configured with
BUILT = "built"  # in a build tree: make came to its end in it, so that it is as make left it
BUILDING = "building"  # in a build tree: make is at work, or did not come to its end
NOT_ITS_FAULT = ("No space left on device", "bwrap: ")  # of the kernel, in what make says
TINY = ("kernel/configs/tiny-base.config", "kernel/configs/tiny.config", "arch/{source}/configs/tiny.config")

# Inside the toolbox every tree is at the same place, so that build trees can be copied from one kernel to the next. Looking for
# warnings would take a sixth of the time of a first build, and is done where the kernel is developed.
MAKE = [
    "make", "-C", "/mnt/ksrc", "O=/mnt/kbuild", "KCFLAGS=-w", "KBUILD_BUILD_USER=iommu-cts",
    "KBUILD_BUILD_HOST=lab", "KBUILD_BUILD_TIMESTAMP=1970-01-01", "KBUILD_BUILD_VERSION=1",
]  # fmt: skip


CHANGED = (7, 0)  # before that lab/kernel/before-7.0.config is needed as well


def _make(arch: Arch) -> list[str]:
    return [*MAKE, f"ARCH={arch.kbuild}", f"CROSS_COMPILE={arch.cross}"]


class BuildError(LabError):
    """The kernel does not build: `lines` say why, `log` has all that make said."""

    def __init__(self, lines: Sequence[str], log: Path) -> None:
        super().__init__("the kernel does not build:\n" + "\n".join(lines) + f"\n(whole log: {log})")
        self.lines = list(lines)
        self.log = log


@dataclasses.dataclass(frozen=True)
class Built:
    """A kernel that was built here: `folder` holds the image, config and, where it has modules, lib/modules."""

    folder: Path
    source: ksrc.Source


class Recipe:
    """One kernel to build: where from, with which configuration, and for which architecture: `toolbox` is that one's."""

    def __init__(self, toolbox: Toolbox, source: ksrc.Source, fragments: Sequence[Path], arch: Arch = NATIVE) -> None:
        for fragment in fragments:
            if not fragment.is_file():
                raise UsageError(f"--config {fragment}: no such file")
        self.toolbox = toolbox
        self.source = source
        self.arch = arch
        self.fragments = [FRAGMENTS / "common.config", FRAGMENTS / f"{arch.name}.config", *fragments]
        # A revision of a repository may not be checked out yet: then nobody knows its version, and these lines are its user's matter.
        self.wishes: list[str] = []
        if not source.check_out and (source.tree / "Makefile").is_file() and _version(source.tree) < CHANGED:
            self.wishes = self._wanted([FRAGMENTS / "before-7.0.config"])
        self.lines = [*self._wanted(self.fragments), *self.wishes]

    @staticmethod
    def _wanted(fragments: Sequence[Path]) -> list[str]:
        """The lines of all fragments; of two for one symbol the later stays."""
        wanted: dict[str, str] = {}
        for fragment in fragments:
            try:
                lines = fragment.read_text().splitlines()
            except UnicodeDecodeError as error:
                raise UsageError(f"--config {fragment}: {error}") from error
            for line in lines:
                found = re.match(r"(?:# )?(CONFIG_\w+)(?:=| is not set)", line)
                if found:
                    wanted[found[1]] = line
        return list(wanted.values())

    def lines_for(self, version: tuple[int, int]) -> list[str]:
        """Those of a kernel of this version: a line may be for newer ones alone."""
        parts = [line.partition("# since ") for line in self.lines if line.startswith("CONFIG_")]
        kept = [line.rstrip() for line, _, since in parts if not since or tuple(map(int, since.split("."))) <= version]
        return kept + [line for line in self.lines if not line.startswith("CONFIG_")]

    def key(self, identity: tuple[str, ...] | None = None) -> str:
        """The cache key of source, configuration, compiler and recipe."""
        what = {"recipe": RECIPE, "source": identity or self.source.identity, "config": self.lines}
        return cache.digest({**what, "toolbox": self.toolbox.key})

    def out(self) -> Path:
        """The build tree. Revisions of a repository have the same one, in which make compiles what differs."""
        identity = self.source.identity[:2] if self.source.check_out else None
        return cache.root() / "kbuild" / self.key(identity)

    def kernel_key(self) -> str:
        """The cache key of the finished kernel: that of source and configuration, and of a kernel with modules that of our own as well."""
        return cache.digest([self.key(), modules.digest()]) if "CONFIG_MODULES=y" in self.lines else self.key()

    def make(self, out: Path, *words: str) -> list[str]:
        """The command that runs make in the toolbox with build tree `out`."""
        return self.toolbox.command([*_make(self.arch), *words], binds={"kbuild": out}, readonly={"ksrc": self.source.tree})


def _seed(recipe: Recipe, out: Path) -> None:
    """Starts a build tree as a copy of that of the nearest kernel already built, if there is one."""
    trees = cache.root() / "kbuild"
    unpatched = trees / recipe.key(recipe.source.identity[:2])
    plain = trees / Recipe(recipe.toolbox, recipe.source, [], recipe.arch).key(recipe.source.identity[:2])
    for near in (unpatched, plain):
        if (near / BUILT).exists():
            subprocess.run(["cp", "-a", "--reflink=auto", str(near), str(out)], check=True)
            recipe.source.renew_patched()
            return
    out.mkdir(parents=True)


@contextlib.contextmanager
def _building(out: Path) -> Iterator[None]:
    """While make works in `out`. What a make that was killed has made is removed first: a half-written file is newer than its source.
    The files in include/config are without content, or renamed when they are whole; they say what changed since it was last compiled."""
    marker = out / BUILDING
    if marker.exists():
        half = ["-newer", str(marker), "-type", "f", "-not", "-path", f"{out}/include/config/*"]
        subprocess.run(["find", str(out), *half, "-delete"], check=True)
    marker.touch()
    try:
        yield
    except LabError:  # make came to its end, and has removed what it could not make
        _ended(out)
        raise
    _ended(out)


def _ended(out: Path) -> None:
    (out / BUILT).touch()
    (out / BUILDING).unlink()


def _run(step: Step, argv: list[str], log: Path) -> None:
    """Runs make, counts what it compiles, keeps everything in `log`."""
    count = 0
    with log.open("a") as kept:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        assert process.stdout
        for line in process.stdout:
            kept.write(line)
            found = re.match(r"  (CC|LD|AS|AR)\s+(?:\[M\]\s+)?(\S+)", line)
            if found:
                count += found[1] == "CC"
                step.note(f"{count} compiled, {found[2]}")
        code = process.wait()
    if code:
        lines = log.read_text(errors="replace").replace("/mnt/ksrc/", "").splitlines()
        errors = [line for line in lines if re.search(r"error:|Error \d|\*\*\*|undefined reference", line)]
        ours = [line for line in lines if any(word in line for word in NOT_ITS_FAULT)]
        if ours:
            raise LabError(f"make can't go on: {ours[-1].strip()} (whole log: {log})")
        raise BuildError((errors or lines)[-15:], log)


def _configure(recipe: Recipe, out: Path, step: Step, log: Path) -> None:
    lines = recipe.lines_for(_version(recipe.source.tree))
    wanted = "\n".join(lines) + "\n"
    fragment = out / CONFIGURED
    if fragment.exists() and fragment.read_text() == wanted:
        return
    step.note("configuring")
    # What `make tinyconfig` does, with our lines behind its own (for Kconfig the last line of a symbol counts) and in one step.
    tiny = [recipe.source.tree / name.format(source=recipe.arch.source) for name in TINY]
    (out / "wanted.config").write_text("".join(path.read_text() for path in tiny if path.exists()) + wanted)
    _run(step, recipe.make(out, "KCONFIG_ALLCONFIG=/mnt/kbuild/wanted.config", "allnoconfig"), log)
    config = set((out / ".config").read_text().splitlines())
    symbols = {line.split("=")[0] for line in config if line.startswith("CONFIG_")}
    lost = [
        line
        for line in lines
        if line not in recipe.wishes
        and (line not in config if line.startswith("CONFIG_") and not line.endswith("=n") else _symbol(line) in symbols)
    ]
    if lost:
        why = "these lines of the configuration did not survive (a dependency is missing, or the symbol is gone):"
        raise BuildError([why, *(f"  {line}" for line in lost)], log)
    fragment.write_text(wanted)


def _has_newer_kconfig(tree: Path, configured: Path) -> bool:
    """Was a build tree configured with another Kconfig than the source has now?"""
    if not configured.exists():
        return False
    argv = ["find", str(tree), "-name", "Kconfig*", "-newer", str(configured), "-print", "-quit"]
    return bool(subprocess.run(argv, check=True, capture_output=True).stdout)


def _version(tree: Path) -> tuple[int, int]:
    """The two first numbers of a kernel tree's version."""
    text = (tree / "Makefile").read_text()
    major, minor = (re.search(rf"^{name} = (\d+)$", text, re.MULTILINE) for name in ("VERSION", "PATCHLEVEL"))
    if not major or not minor:
        raise LabError(f"{tree}/Makefile names no version")
    return int(major[1]), int(minor[1])


def _symbol(line: str) -> str:
    return line.removeprefix("# ").split("=")[0].split(" ")[0]


def _compile(recipe: Recipe, out: Path, step: Step, log: Path) -> None:
    """The image, and the modules where there are any."""
    config = (out / ".config").read_text()
    targets = [recipe.arch.image, *(["modules"] if modules.any_in(config) else [])]
    _run(step, recipe.make(out, f"-j{_jobs()}", *targets), log)
    for module in modules.ours(config, _version(recipe.source.tree)):
        _run(step, recipe.make(out, *module.prepare(out), "modules"), log)


def _collect(recipe: Recipe, out: Path, draft: Path, step: Step, log: Path) -> None:
    """Image, configuration and modules."""
    arch = recipe.arch
    shutil.copy(out / "arch" / arch.source / "boot" / arch.image, draft / arch.image)
    shutil.copy(out / ".config", draft / "config")
    config = (draft / "config").read_text()
    if not modules.any_in(config):
        return
    step.note("modules")
    own = [[module.make()] for module in modules.ours(config, _version(recipe.source.tree))]
    for which in [[], *own]:
        words = [*_make(arch), f"-j{_jobs()}", *which, "INSTALL_MOD_PATH=/mnt/out", "modules_install"]
        binds = {"kbuild": out, "out": draft}
        _run(step, recipe.toolbox.command(words, binds=binds, readonly={"ksrc": recipe.source.tree}), log)
    for release in draft.glob("lib/modules/*"):
        (release / "build").unlink(missing_ok=True)  # a link to the build tree, which may go away


def _jobs() -> int:
    return (os.cpu_count() or 1) + 1


def _facts(source: ksrc.Source) -> dict[str, Any]:
    """What source_of() needs."""
    return {
        "source": source.label,
        "tree": None if source.check_out else str(source.tree),  # which holds another revision by then
        "identity": list(source.identity),
        "editable": source.editable,
        "drift": source.drift,
    }


def build(toolbox: Toolbox, source: ksrc.Source, fragments: Sequence[Path] = (), arch: Arch = NATIVE) -> Built:
    """The kernel of `source` with the architecture's configuration and `fragments` on top, built unless it is in the cache.

    BuildError if it does not build, or if a line of the configuration did not survive.
    """
    recipe = Recipe(toolbox, source, fragments, arch)
    title = f"kernel from {source.label}"

    def fill(draft: Path) -> dict[str, Any]:
        out = recipe.out()
        log = out.with_name(f"{out.name}.log")
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("")
        if source.check_out:
            source.check_out()
        with Step(title) as step:
            if not (out / BUILT).exists() and not (out / BUILDING).exists():
                cache.remove(out)
                step.note("preparing the build tree")
                copy = out.with_name(f".{out.name}.draft")
                cache.remove(copy)
                _seed(recipe, copy)
                copy.rename(out)
            with _building(out):
                if source.check_out and _has_newer_kconfig(source.tree, out / CONFIGURED):
                    (out / CONFIGURED).unlink()
                _configure(recipe, out, step, log)
                _compile(recipe, out, step, log)
            _collect(recipe, out, draft, step, log)
        return _facts(source)

    # Of an editable source make knows what changed; the cache can't.
    folder, _ = cache.obtain("kernel", recipe.kernel_key(), title, [arch.image, "config"], fill, fresh=source.editable)
    return Built(folder, source)


def is_built(toolbox: Toolbox, source: ksrc.Source, fragments: Sequence[Path] = (), arch: Arch = NATIVE) -> bool:
    """Is the kernel that build() would make in the cache already?"""
    key = Recipe(toolbox, source, fragments, arch).kernel_key()
    return (cache.root() / "kernel" / key / cache.MANIFEST).exists()


class Variants:
    """Kernels that differ from that of `source` in a few files each, built one after the other in one build tree; a context manager.

    Everything it makes is scratch and goes with it; `plain` is the one without a difference.
    """

    def __init__(self, toolbox: Toolbox, source: ksrc.Source, fragments: Sequence[Path] = (), arch: Arch = NATIVE) -> None:
        self.plain = build(toolbox, source, fragments, arch)
        self._scratch = scratch.folder()
        self._toolbox, self._fragments, self._arch = toolbox, fragments, arch
        self._changed: set[str] = set()

    def __enter__(self) -> "Variants":
        self._folder = self._scratch.__enter__()
        tree = self._folder / "ksrc"
        out = self._folder / "kbuild"
        with Step(f"copying {self.plain.source.label}") as step:
            how = ["cp", "-a"] if self.plain.source.editable else ["cp", "-al"]
            done = subprocess.run([*how, str(self.plain.source.tree), str(tree)], stderr=subprocess.PIPE, text=True)
            if done.returncode:
                raise LabError(f"the kernel source can't be copied:\n{done.stderr.strip()}")
            copied = dataclasses.replace(self.plain.source, tree=tree)
            self._recipe = Recipe(self._toolbox, copied, self._fragments, self._arch)
            _seed(self._recipe, out)
            _configure(self._recipe, out, step, self._log())
        return self

    def _log(self) -> Path:
        """Of the last build only; it outlives the scratch, for the message that names it."""
        log = cache.root() / "kbuild" / "variants.log"
        log.write_text("")
        return log

    def __exit__(self, *what: Any) -> None:
        self._scratch.__exit__(*what)

    def build(self, name: str, texts: dict[str, str]) -> Path:
        """A folder `name` with image, configuration and modules of the kernel in which the files of `texts`, by path, are as given.

        LabError if it does not build.
        """
        before = self.plain.source.tree
        for file in self._changed - set(texts):
            self._write(file, (before / file).read_text())
        for file, text in texts.items():
            self._write(file, text)
        self._changed = set(texts)
        with Step(f"kernel {name}") as step:
            out, draft, log = self._folder / "kbuild", self._folder / name, self._log()
            draft.mkdir()
            _compile(self._recipe, out, step, log)
            _collect(self._recipe, out, draft, step, log)
        (draft / cache.MANIFEST).write_text(json.dumps({"facts": _facts(self.plain.source)}))
        return draft

    def _write(self, file: str, text: str) -> None:
        """A new file with the time of now, for make; the old one may be a link to the source's own."""
        path = self._recipe.source.tree / file
        path.unlink(missing_ok=True)
        path.write_text(text)


def source_of(folder: Path) -> ksrc.Source | None:
    """The source that a kernel of `build` came from, if it did and that is still there: the suites are built against it."""
    try:
        facts = json.loads((folder / cache.MANIFEST).read_text())["facts"]
        tree = Path(facts["tree"])
        source = ksrc.Source(facts["source"], tree, tuple(facts["identity"]), facts["editable"], facts["drift"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return source if tree.is_dir() else None


def headers(toolbox: Toolbox, source: ksrc.Source, arch: Arch = NATIVE) -> Path:
    """The uAPI headers of `source`, installed: a folder with include/."""
    key = cache.digest({"headers": source.identity, "arch": arch.name})

    def fill(draft: Path) -> dict[str, Any]:
        scratch = draft / "kbuild"
        scratch.mkdir()
        argv = [*_make(arch), f"-j{_jobs()}", "headers_install", "INSTALL_HDR_PATH=/mnt/out"]
        binds = {"kbuild": scratch, "out": draft}
        with Step(f"uAPI headers of {source.label}"):
            toolbox.run("headers_install", argv, binds=binds, readonly={"ksrc": source.tree})
        cache.remove(scratch)
        return {}

    title = f"uAPI headers of {source.label}"
    return cache.obtain("khdr", key, title, ["include/linux/iommufd.h"], fill, fresh=source.editable)[0]
