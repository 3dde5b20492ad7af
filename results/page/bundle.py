# SPDX-License-Identifier: GPL-2.0-only
"""The page's script and style, bundled with the libraries that they stand on.

A package has them in dist/ beside this file. Elsewhere they are built on first use, into the cache: `npm ci` fetches what
package-lock.json names, without running scripts of its own, and esbuild makes one script of it. `python3 -m results.page.bundle FOLDER`
writes them to a folder, for a package.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import cache, entry
from lab.errors import LabError, UsageError
from lab.progress import Step

HERE = Path(__file__).resolve().parent
SHIPPED = HERE / "dist"
SCRIPT, STYLE, LICENCES = "main.js", "style.css", "licences.txt"
FILES = [SCRIPT, STYLE, LICENCES]
TITLE = "the script of the report page"
UNREACHED = "can npm reach its registry? `npm ping` tells; and is nodejs 18 or newer?"
WAY_OUT = "install your system's packages nodejs (18 or newer) and npm; on Debian, in a checkout, root may say `lab/deps.sh page`"

INSTALL = ["npm", "ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error"]
_BUILD = [
    "node_modules/.bin/esbuild", "src/main.ts", "src/style.css", "--bundle", "--minify", "--format=iife", "--target=es2022",
    "--legal-comments=none", "--outdir=out", "--metafile=meta.json", "--log-level=warning",
]  # fmt: skip


@dataclass(frozen=True)
class Bundle:
    """Texts: a classic script, a style sheet, and the licences of what others wrote in the script."""

    script: str
    style: str
    licences: str


def obtain() -> Bundle:
    """The bundle, built if need be. LabError names what is lacking and the way out."""
    folder = SHIPPED
    if not (SHIPPED / SCRIPT).is_file():
        inputs = {str(path.relative_to(HERE)): cache.file_digest(path) for path in sources()}
        folder, _ = cache.obtain("page", cache.digest([inputs, INSTALL, _BUILD]), TITLE, FILES, _make)
    try:
        return Bundle(*((folder / name).read_text("utf-8") for name in FILES))
    except OSError as error:
        raise LabError(f"{TITLE}: {error}") from error


def sources() -> Iterator[Path]:
    """Everything that goes into the bundle."""
    yield from (HERE / "package.json", HERE / "package-lock.json")
    yield from sorted((HERE / "src").iterdir())


def _make(folder: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="iommu-cts-page-") as name, Step(f"building {TITLE}"):
        work = Path(name)
        copy(sources(), work)
        call(INSTALL, work, UNREACHED)
        call(_BUILD, work, "is nodejs 18 or newer?")
        meta = json.loads((work / "meta.json").read_text("utf-8"))
        (folder / LICENCES).write_text("\n\n".join(_licences(work, meta)) + "\n", "utf-8")
        for made in (SCRIPT, STYLE):
            shutil.copyfile(work / "out" / made, folder / made)
    return {}


def copy(paths: Iterable[Path], work: Path) -> None:
    """Copies files of this folder to another one, each to its place there."""
    for path in paths:
        place = work / path.relative_to(HERE)
        place.parent.mkdir(exist_ok=True)
        shutil.copyfile(path, place)


def call(command: list[str], work: Path, way_out: str) -> None:
    """Runs npm, or what it has installed, in the folder `work`. LabError with what it says on its standard error, and the way out."""
    if shutil.which("npm") is None:
        raise LabError(f"{TITLE} is built on first use, and npm, which fetches its libraries, is not installed: {WAY_OUT}")
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, errors="replace")
    if done.returncode:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()][:3]
        raise LabError(f"{TITLE}: `{command[0]}` failed ({done.returncode}): {' '.join(said)}; {way_out}")


def _licences(work: Path, meta: Mapping[str, Any]) -> Iterator[str]:
    """Of each package that is in the script: its name, its version and its licence; LabError if it has none."""
    inputs = next(output["inputs"] for name, output in meta["outputs"].items() if name.endswith(SCRIPT))
    used = {path.split("node_modules/")[-1] for path, part in inputs.items() if "node_modules/" in path and part["bytesInOutput"]}
    names = {"/".join(path.split("/")[: 2 if path.startswith("@") else 1]) for path in used}
    for name in sorted(names):
        folder = work / "node_modules" / name
        about = json.loads((folder / "package.json").read_text("utf-8"))
        texts = [path for path in sorted(folder.iterdir()) if path.name.lower().startswith(("license", "licence"))]
        if not texts:
            raise LabError(f"{TITLE}: the package {name} comes without the text of its licence")
        yield "\n".join([f"{name} {about['version']} ({about.get('license')})", *(path.read_text("utf-8").strip() for path in texts)])


def main(words: list[str]) -> int:
    """Writes the bundle to the folder that is named."""
    if len(words) != 1:
        raise UsageError("write the folder that the bundle goes to")
    made, folder = obtain(), Path(words[0])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in zip(FILES, (made.script, made.style, made.licences)):
        (folder / name).write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(entry.ending("results.page.bundle", lambda: main(sys.argv[1:])))
