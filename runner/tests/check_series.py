# SPDX-License-Identifier: GPL-2.0-only
"""`make check-series`: a series and two bisections on real kernels. Does what was changed show, by its size, and nothing else?

The repository is made of the default kernel source; its revisions are a comment, a loop in the map path, one more flush for each unmap,
one that does not compile, and one that breaks a promise. Takes about twenty minutes on two processors that have nothing else to do.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from lab import cache, entry, ksrc
from lab.binaries import TOP
from lab.errors import LabError
from lab.progress import Step, say
from lab.tests.fake_kernel import git
from results import series as kept

MAP = "drivers/iommu/iommufd/io_pagetable.c"
VTD = "drivers/iommu/intel/iommu.c"
CDEV = "drivers/vfio/device_cdev.c"
FLUSH = (
    "\tcache_tag_flush_range(to_dmar_domain(domain), gather->start,\n"
    "\t\t\t      gather->end,\n"
    "\t\t\t      iommu_pages_list_empty(&gather->freelist));\n"
)
# What each revision replaces, in the file that it names, in the order in which the bisected line has them.
CHANGES: Mapping[str, tuple[str, str, str]] = {
    "v1": (MAP, "area->pages must be set inside", "Note that area->pages must be set inside"),
    "v5": (CDEV, "\tif (user_size < minsz)\n", "\tif (user_size + 1 < minsz)\n"),
    "v4": (MAP, "up_write(&iopt->iova_rwsem);\nout_unlock_domains:", "up_write(&iopt->iova_rwsem)\nout_unlock_domains:"),
    "v2": (MAP, "\trc = iopt_alloc_area_pages(iopt, pages_list,", "\tfor (int i = 0; i != 20; i++)\n\t\tbarrier();\n\n"
           "\trc = iopt_alloc_area_pages(iopt, pages_list,"),
    "v3": (VTD, FLUSH, FLUSH + FLUSH),
}  # fmt: skip
# The measures that each may change, and between what the largest change has to be.
EXPECTED: Mapping[str, tuple[set[str], float, float]] = {
    "2-v1": (set(), 0.0, 0.0),
    "3-v2": ({"map", "copy", "loop"}, 0.01, 0.03),
    "4-v3": ({"unmap", "unmap-copy"}, 0.05, 0.3),
    "6-v5": (set(), 0.0, 0.0),
}
TEST = "access/bind_argument/argsz_too_small@0000:01:00.0"
ROW = "bench/ioas/map_unmap:map pages=base table=none 2^12"


def change(folder: Path, name: str, back: bool = False) -> None:
    """Commits a revision's change, or takes it back."""
    file, old, new = CHANGES[name]
    if back:
        old, new = new, old
    text = (folder / file).read_text()
    if text.count(old) != 1:
        raise LabError(f"{name} has no place in this kernel: {file} has {text.count(old)} times {old!r}")
    (folder / file).write_text(text.replace(old, new))
    git(folder, "commit", "-qam", f"{name}, taken back" if back else name)


def repository(source: Path, folder: Path) -> None:
    """Branches v1 to v5, each one commit on top of base, and `line` with all of them one after the other."""
    cache.remove(folder)
    with Step("making a repository"):
        subprocess.run(["cp", "-a", "--reflink=auto", str(source), str(folder)], check=True)
        git(folder, "init", "-q", "-b", "base")
        git(folder, "add", "-f", "-A", ".")
        git(folder, "commit", "-qm", "base")
        for name in sorted(CHANGES):
            git(folder, "checkout", "-q", "-b", name, "base")
            change(folder, name)
        git(folder, "checkout", "-q", "-b", "line", "base")
        for name in CHANGES:
            change(folder, name)
            if name == "v4":
                change(folder, name, back=True)


def command(*words: str) -> tuple[int, str]:
    """Exit code and standard output of iommu-cts; what it says meanwhile is shown."""
    done = subprocess.run([str(TOP / "iommu-cts"), *words], stdout=subprocess.PIPE, text=True)
    print(done.stdout, flush=True)
    return done.returncode, done.stdout


def changed(folder: Path, label: str) -> list[tuple[str, float]]:
    """The measures of a revision that changed, and by how much, as `compare --json` has them."""
    base, mine = (str(kept.bench_of(folder, one)) for one in kept.read(folder).revisions if one.label in ("1-base", label))
    said = subprocess.run([str(TOP / "iommu-cts"), "compare", "--json", base, mine], stdout=subprocess.PIPE, text=True).stdout
    (one,) = json.loads(said)["comparisons"]
    return [(row["measure"], row["change"]) for row in one["rows"] if row["verdict"] in ("more", "less")]


def check_series(user: Path) -> list[str]:
    """What is not as it should be of a series."""
    wrong = []
    code, said = command("series", "--ksrc", str(user), "--revs", "base,v1,v2,v3,v4,v5", "--select", "access/*", "--boots", "2")
    if code != 1 or f"PASS -> FAIL  {TEST}" not in said or "v4 does not build" not in said:
        wrong.append(f"the series ended with {code}, or does not say that v4 does not build and v5 fails {TEST}")
    folder = kept.find("last")
    for label, (measures, least, most) in EXPECTED.items():
        rows = changed(folder, label)
        others = {measure for measure, _ in rows} - measures
        largest = max((change for _, change in rows), default=0.0)
        if others or not least <= largest <= most:
            wrong.append(f"{label}: changed are {rows}; expected: {sorted(measures) or 'none'}, by {least} to {most} at most")
    return wrong


def check_bisect(user: Path) -> list[str]:
    """What is not as it should be of two bisections."""
    wrong = []
    for name, words in (("v5", ["--test", TEST]), ("v2", ["--row", ROW, "--threshold", "1%"])):
        code, said = command("bisect", "--ksrc", str(user), "--good", "base", "--bad", "line", *words)
        if code or not said.endswith(f" {name}\n"):
            wrong.append(f"the bisection for {name} ended with {code}: {said}")
    return wrong


def main() -> int:
    """1 if something was not seen, or seen that is not there."""
    source = ksrc.find(None)
    user = cache.root() / "check-series" / source.identity[1]  # with its kernels in the cache the next time is quick
    if not user.exists():
        draft = user.with_name(f".{user.name}.draft")
        draft.parent.mkdir(parents=True, exist_ok=True)
        repository(source.tree, draft)
        draft.rename(user)
    wrong = check_series(user) + check_bisect(user)
    if git(user, "status", "--porcelain") or git(user, "rev-parse", "--abbrev-ref", "HEAD") != "line":
        wrong.append("the repository was changed")
    for text in wrong:
        say(text)
    print("what was changed was seen, and nothing else" if not wrong else f"{len(wrong)} things are not as they should be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(entry.ending("make check-series", main))
