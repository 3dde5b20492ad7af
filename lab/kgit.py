# SPDX-License-Identifier: GPL-2.0-only
"""Revisions of a user's kernel repository, checked out one after the other in a tree of our own.

The tree stays in the cache and belongs to a repository without commits of its own, which borrows the user's objects: nothing is ever
written to the user's, no reference, no worktree and no state of a bisection. A checkout writes the files that differ and leaves the
others as they are, times included, so that make compiles only what a revision changes.
"""

import contextlib
import dataclasses
import functools
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from lab import cache, ksrc
from lab.errors import LabError, UsageError
from lab.progress import Step

KIND = "kgit"  # in the cache
# What `git rev-parse --local-env-vars` names and a hook or `git rebase --exec` sets: it is for the repository from where we were called.
_LOCAL = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR",
    "GIT_PREFIX", "GIT_NAMESPACE", "GIT_SHALLOW_FILE",
)  # fmt: skip
# No hook or filter of the user's has a part in our tree.
_OWN = ("-c", "core.hooksPath=/dev/null", "-c", "core.autocrlf=false", "-c", "core.fsmonitor=false", "-c", "advice.detachedHead=false")
NEEDED = ("Kbuild", "drivers/vfio", "drivers/iommu/iommufd")  # or it is no kernel that these suites are for


@dataclasses.dataclass(frozen=True)
class Revision:
    """A commit. `name` is what the user calls it, `tree` the digest of its files, `subject` the first line of its message."""

    name: str
    commit: str
    tree: str
    subject: str


def environment() -> dict[str, str]:
    """Of a git that works where it is told to."""
    return {name: value for name, value in os.environ.items() if name not in _LOCAL}


def _git(folder: Path, *words: str) -> str:
    """What git says. LabError with its message if it fails."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *_OWN, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            env=environment(),
        )  # fmt: skip
    except FileNotFoundError as error:
        raise LabError("there is no git on this machine; install the package of that name") from error
    if done.returncode:
        raise LabError(f"git {words[0]} in {folder}: {done.stderr.strip() or f'exit code {done.returncode}'}")
    return done.stdout.strip("\n")


class Repository:
    """The user's repository in which `folder` is: any clone, worktree or bare one. UsageError if there is none.

    `tree` holds one of its revisions at a time. Who checks one out and builds it does so while `held`.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise UsageError(f"--ksrc {folder}: no such folder")
        self.folder = folder.resolve()
        try:
            common = _git(self.folder, "rev-parse", "--path-format=absolute", "--git-common-dir")
        except LabError as error:
            raise UsageError(f"--ksrc {folder}: {error}") from error
        self._common = Path(common).resolve()
        self._place = cache.root() / KIND / cache.digest(str(self._common))
        self.tree = self._place / "tree"
        self._own = self._place / "git"

    def find(self, name: str) -> Revision:
        """The commit that a name stands for. UsageError if there is none, or if it holds no kernel."""
        try:
            if name.startswith("-"):
                raise LabError("no revision begins with a dash")
            commit = _git(self.folder, "rev-parse", "--verify", f"{name}^{{commit}}")
            lacking = [path for path in NEEDED if not _git(self.folder, "ls-tree", "--full-tree", commit, path)]
        except LabError as error:
            raise UsageError(f"{name!r} is no revision of {self.folder}: {error}") from error
        if lacking:
            raise UsageError(f"{name!r} of {self.folder} is no kernel source tree with iommufd: it has no {lacking[0]}")
        _, tree, subject = _git(self.folder, "log", "-1", "--no-show-signature", "--format=%H%n%T%n%s", commit).split("\n", 2)
        return Revision(name, commit, tree, subject)

    def count(self, good: str, bad: str) -> int:
        """How many commits lead to `bad` and not to `good`."""
        return int(_git(self.folder, "rev-list", "--count", bad, f"^{good}"))

    def source(self, revision: Revision) -> ksrc.Source:
        """What a kernel of it is built from. The files are there once its check_out was called, which kernel.build does where it has to."""
        identity = ("git", str(self._common), revision.tree)
        label = f"{self.folder.name} {revision.name}"
        return ksrc.Source(label, self.tree, identity, check_out=functools.partial(self.check_out, revision))

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """While it goes on nobody else checks out a revision."""
        with cache.lock(self._place.with_name(f"{self._place.name}.lock"), f"kernels of {self.folder}"):
            yield

    def git(self, *words: str) -> str:
        """Runs git in the tree of our own. LabError with its message if it fails."""
        return _git(self.tree, *words)

    def _prepare(self) -> None:
        """Makes the tree of our own, without files, if it is not there or not of use any more."""
        if (self.tree / ".git").exists():
            self._borrow()
            with contextlib.suppress(LabError):  # the first checkout was stopped, or another repository lies there now
                self.git("cat-file", "-e", "HEAD^{tree}")
                return
        cache.remove(self._place)
        self.tree.mkdir(parents=True)
        # Its .git lies elsewhere: in the toolbox, where only the tree is seen, the kernel's build finds no repository to name itself by.
        form = _git(self.folder, "rev-parse", "--show-object-format")
        own = ["--quiet", "--template=", f"--object-format={form}", f"--separate-git-dir={self._own}"]
        _git(self.tree, "init", *own)
        self._borrow()

    def _borrow(self) -> None:
        """Says where the user's objects are, and where their history is cut off; leaves of a git that was killed are removed."""
        info = self._own / "objects" / "info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "alternates").write_text(f"{self._common / 'objects'}\n")
        shallow = self._common / "shallow"
        (self._own / "shallow").unlink(missing_ok=True)
        if shallow.exists():
            (self._own / "shallow").write_bytes(shallow.read_bytes())
        for lock in self._own.glob("*.lock"):
            lock.unlink()

    def check_out(self, revision: Revision) -> None:
        """Makes `tree` what the revision is."""
        with Step(f"checking out {revision.name}"):
            self._prepare()
            self.git("checkout", "--quiet", "--force", "--detach", revision.commit)
            self.git("clean", "-ffdxq")
