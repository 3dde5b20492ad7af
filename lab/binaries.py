# SPDX-License-Identifier: GPL-2.0-only
"""Building what runs on a target: the suites, cts-exec, cts-relay, cts-survey and the virtual host's first process."""

import dataclasses
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from lab import cache, kernel, reviewed
from lab.arch import NATIVE, Arch
from lab.errors import LabError
from lab.ksrc import Source
from lab.progress import Step
from lab.toolbox import Toolbox

TOP = Path(__file__).parent.parent
SELFTESTS = "tools/testing/selftests"
PARTS = ("suites", "runner/exec", "runner/relay", "runner/survey", "lab/guest")


@dataclasses.dataclass(frozen=True)
class Binaries:
    """Programs: `suites` maps <subject>/<file> to a test program.

    They are static, unless they are built with sanitizers: then `libraries` maps the path on the target of each shared library that they
    need to its file. `emulator` is what runs them on this machine, if they don't run by themselves.
    """

    folder: Path
    suites: dict[str, Path]
    libraries: Mapping[str, Path] = dataclasses.field(default_factory=dict)
    emulator: Path | None = None

    @property
    def cts_exec(self) -> Path:
        return self.folder / ("cts-exec-san" if self.libraries else "cts-exec")

    @property
    def cts_relay(self) -> Path:
        return self.folder / "cts-relay"

    @property
    def init(self) -> Path:
        return self.folder / "cts-init"


def _tree_digest(headers: Path, tree: Path) -> str:
    """Stands for everything of a kernel tree that the programs are compiled from: the exported headers, the harness, the drivers of test
    devices and what those include, and what iommufd's mock device is spoken to with."""
    total = hashlib.sha256()
    selftests = tree / SELFTESTS
    files = [
        headers.rglob("*.h"), selftests.glob("*.h"), (selftests / "vfio/lib").rglob("*.[ch]"), (tree / "tools/include").rglob("*.h"),
        tree.glob("drivers/iommu/iommufd/iommufd_test.h"),
    ]  # fmt: skip
    for path in (path for found in files for path in sorted(found)):
        total.update(str(path.name).encode() + path.read_bytes())
    return total.hexdigest()


def _libraries(toolbox: Toolbox, out: Path, program: str) -> dict[str, Path]:
    """The shared libraries of a program, and what loads them, as the toolbox has them."""
    said = toolbox.run(f"listing the libraries of {program}", ["ldd", f"/mnt/out/{program}"], readonly={"out": out}).stdout
    paths = re.findall(r"(/\S+) \(0x", said)
    return {path.removeprefix("/"): toolbox.tree / path.removeprefix("/") for path in paths}


def build(toolbox: Toolbox, source: Source, version: str, sanitize: bool = False, arch: Arch = NATIVE) -> Binaries:
    """Builds for the uAPI headers and the test harness of `source`; make rebuilds only what changed. `toolbox` is that of `arch`.
    LabError with the compiler's words, or with what that tree's vfio offers and nobody reviewed.

    With `sanitize` the suites and cts-exec stop at the first error of their own that AddressSanitizer or UBSan sees.
    """
    reviewed.check(TOP, source.tree)
    khdr = kernel.headers(toolbox, source, arch)
    if not (source.tree / SELFTESTS / "kselftest_harness.h").is_file():
        raise LabError(f"{source.label} has no {SELFTESTS}/kselftest_harness.h")
    what = [toolbox.key, _tree_digest(khdr / "include", source.tree), str(TOP), sanitize]
    out = cache.root() / "build" / cache.digest(what)
    readonly = {"src": TOP, "ksrc": source.tree, "khdr": khdr}
    with cache.lock(out.with_name(out.name + ".lock"), "the suites"), Step("suites and cts-exec"):
        out.mkdir(parents=True, exist_ok=True)
        for part in PARTS:
            argv = ["make", "-C", f"/mnt/src/{part}", "-j3", "KSRC=/mnt/ksrc", "KHDR=/mnt/khdr", f"VERSION={version}"]
            argv += [*arch.compilers, f"SAN={int(sanitize)}", "OUT=/mnt/out" + ("/suites" if part == "suites" else "")]
            toolbox.run(f"building {part}", argv, binds={"out": out}, readonly=readonly)
    wanted = {
        str(path.relative_to(TOP / "suites").with_suffix("")) for path in (TOP / "suites").glob("*/*.c")
    }  # a program whose source is gone may still lie in the build tree
    libraries = _libraries(toolbox, out, "cts-exec-san") if sanitize else {}
    emulator = toolbox.tree / arch.runs if arch.runs else None
    return Binaries(out, {name: out / "suites" / name for name in sorted(wanted)}, libraries, emulator)
