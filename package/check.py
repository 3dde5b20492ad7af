#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""check.py [SUITE]...: builds the Debian package, installs, uses and removes it in a clean tree of each Debian, and looks what is left.

Everything happens in a copy of the tree under bubblewrap, as its root, with a home of its own. The trees are kept in the cache.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP))

from lab import cache, entry, toolbox  # noqa: E402
from lab.errors import LabError  # noqa: E402
from lab.progress import Step, say  # noqa: E402
from results.tests.build_bundle import run_of  # noqa: E402

DATA = "/usr/share/iommu-cts"
# The package manager's own, which every package changes, and what is no part of a tree.
ITS_OWN = ("dev", "proc", "sys", "tmp", "mnt", "work", "run", "var/lib/dpkg", "var/log", "var/cache")
USE = """
set -eux
export HOME=/work/home XDG_CACHE_HOME=/work/cache
iommu-cts --help >/dev/null
iommu-cts hosts | grep -w vtd-endpoint
iommu-cts report /mnt/run | grep 'access/parked'
iommu-cts bundle /mnt/run -o /work/run.tar.gz
iommu-cts verify /work/run.tar.gz | grep 'is sound'
iommu-cts new access/example 2>&1 | grep 'do it in a checkout'
iommu-cts report 2>&1 | grep '/work/home/.local/state/iommu-cts/runs has no runs yet'
man --warnings -E UTF-8 -l /usr/share/man/man1/iommu-cts.1.gz 2>&1 >/dev/null | grep . && exit 1
bash -c '. /usr/share/bash-completion/completions/iommu-cts; COMP_LINE="iommu-cts rep" COMP_POINT=13
_iommu_cts 2>/dev/null; [ "$COMPREPLY" = report ]'
dpkg --verify iommu-cts | grep . && exit 1
! find /usr/share/iommu-cts -newer /work/installed | grep .
"""
RUN = """
set -eux
export HOME=/work/home
iommu-cts run --host vtd --select 'access/opens/*' --jobs 1 | tee /work/said
grep 'every promise that was checked held' /work/said
test -f /work/home/.local/state/iommu-cts/runs/*/results.json
"""


def _tree(suite: str, packages: list[str]) -> Path:
    """A tar of a Debian with these packages, out of the cache."""
    signed = f"[signed-by={toolbox.KEYRING}] " if toolbox.KEYRING.exists() else ""
    source = f"deb {signed}{toolbox.mirror()} {suite} main"

    def fill(draft: Path) -> dict[str, Any]:
        mode = "unshare" if os.getuid() else "root"
        words = ["mmdebstrap", f"--mode={mode}", "--variant=apt", '--aptopt=APT::Install-Recommends "false"', "--format=tar"]
        words += [f"--include={','.join(packages)}", suite, str(draft / "tree.tar"), source]
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode:
            raise LabError(f"mmdebstrap could not make a {suite}:\n" + "\n".join(done.stderr.splitlines()[-10:]))
        return {}

    key = cache.digest(["package", suite, packages])
    return cache.obtain("package", key, f"a clean {suite}", ["tree.tar"], fill)[0] / "tree.tar"


def _snapshot(tree: Path) -> dict[str, str]:
    """What there is in a tree, and what it is, by path."""
    found = {}
    for folder, names, files in os.walk(tree):
        inside = Path(folder).relative_to(tree)
        names[:] = [name for name in names if str(inside / name) not in ITS_OWN]
        for name in [*names, *files]:
            path = Path(folder) / name
            kind = f"{path.lstat().st_mode:o}"
            if path.is_symlink():
                kind += f" to {os.readlink(path)}"
            elif path.is_file():
                kind += " " + hashlib.sha256(path.read_bytes()).hexdigest()
            found[str(inside / name)] = kind
    return found


def _inside(tree: Path, work: Path, script: str, *more: str) -> None:
    """Runs a shell script as root of the tree; LabError with what it said if it fails. /proc is this machine's: one of its own, which
    bubblewrap covers in part, would keep the toolbox within from having one."""
    words = ["bwrap", "--unshare-user-try", "--die-with-parent", "--uid", "0", "--gid", "0", "--cap-add", "ALL"]
    words += ["--bind", str(tree), "/", "--dev", "/dev", "--bind", "/proc", "/proc", "--tmpfs", "/tmp", "--bind", str(work), "/work"]
    words += [*more, "--clearenv", "--setenv", "PATH", "/usr/sbin:/usr/bin:/sbin:/bin", "--setenv", "LC_ALL", "C.UTF-8", "--chdir", "/"]
    done = subprocess.run([*words, "--", "bash", "-c", script], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise LabError(f"exit code {done.returncode}:\n" + "\n".join((done.stdout + done.stderr).splitlines()[-25:]))


def check(suite: str, package: Path) -> None:
    """One Debian. LabError names what went wrong."""
    depends = subprocess.run(["dpkg-deb", "-f", str(package), "Depends"], capture_output=True, text=True, check=True).stdout
    names = sorted({word.split()[0].split(":")[0] for word in depends.split(",")})
    with Step(f"{suite}: a clean tree"):
        tar = _tree(suite, [*names, "man-db", "openssh-client"])
    with tempfile.TemporaryDirectory(prefix="iommu-cts-package-") as scratch:
        tree, work, run = (Path(scratch) / name for name in ("tree", "work", "run"))
        for folder in (tree, work / "home", tree / "mnt/run", tree / "work"):
            folder.mkdir(parents=True)
        run_of(run)
        subprocess.run(["tar", "-x", "-C", str(tree), "--exclude=./dev/*", "-f", str(tar)], check=True)
        shutil.copy(package, work / "iommu-cts.deb")
        before = _snapshot(tree)
        with Step(f"{suite}: install"):
            _inside(tree, work, "dpkg -i /work/iommu-cts.deb && touch /work/installed")
        if not (tree / DATA.lstrip("/") / "runner/cli.py").is_file():
            raise LabError("it is not installed")
        with Step(f"{suite}: use"):
            _inside(tree, work, USE, "--bind", str(run), "/mnt/run")
        with Step(f"{suite}: a run on a virtual host"):
            kept = work / "home/.cache/iommu-cts"
            kept.mkdir(parents=True)
            _inside(tree, work, RUN, "--bind", str(cache.root()), "/work/home/.cache/iommu-cts")
        with Step(f"{suite}: remove"):
            _inside(tree, work, "dpkg --purge iommu-cts")
        after = _snapshot(tree)
        left = [path for path in sorted({*before, *after}) if before.get(path) != after.get(path)]
        if left:
            raise LabError(f"{suite}: after it was removed {len(left)} paths are not as before: {', '.join(left[:5])}")


def main() -> int:
    """All suites that were named."""
    with tempfile.TemporaryDirectory(prefix="iommu-cts-package-") as scratch:
        with Step("the package"):
            built = subprocess.run([str(TOP / "package/deb.sh"), scratch], capture_output=True, text=True)
        if built.returncode:
            raise LabError(f"the package can't be built:\n{built.stderr}")
        package = Path(built.stdout.strip())
        with Step("lintian"):
            found = subprocess.run(["lintian", "--fail-on", "error,warning", str(package)], capture_output=True, text=True)
        if found.returncode:
            raise LabError(f"lintian:\n{found.stdout}{found.stderr}")
        with Step("the manual page"):
            page = subprocess.run([sys.executable, str(TOP / "package/manpage.py"), "0", "2026-01-01", DATA, "/usr/share/doc"],
                                  capture_output=True, check=True).stdout
            said = subprocess.run(["mandoc", "-T", "lint", "-W", "warning"], input=page, capture_output=True).stdout.decode()
        if said:
            raise LabError(f"mandoc:\n{said}")
        for suite in sys.argv[1:]:
            check(suite, package)
            say(f"{suite}: installed, used, removed, nothing left")
    return 0


if __name__ == "__main__":
    sys.exit(entry.ending("check.py", main))
