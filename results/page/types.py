# SPDX-License-Identifier: GPL-2.0-only
"""The types of the page's script, checked by the compiler that package-lock.json names. `make lint` does it.

Like the script itself that is done again only when something of it has changed (results/page/bundle.py).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from lab import cache, entry
from lab.errors import LabError
from lab.progress import Step
from results.page import bundle

TITLE = "the types of the report page's script"
_DONE = "checked"
_INSTALL = [word for word in bundle.INSTALL if word != "--omit=dev"]
_CHECK = ["node_modules/.bin/tsc", "--pretty", "false"]


def _inputs() -> list[Path]:
    return [bundle.HERE / "tsconfig.json", *bundle.sources()]


def _make(folder: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="iommu-cts-page-") as name, Step(f"checking {TITLE}"):
        work = Path(name)
        bundle.copy(_inputs(), work)
        bundle.call(_INSTALL, work, bundle.UNREACHED)
        done = subprocess.run(_CHECK, cwd=work, capture_output=True, text=True, errors="replace")
        if done.returncode:
            raise LabError(f"{TITLE}, paths from results/page/ on:\n{done.stdout}{done.stderr}")
        (folder / _DONE).write_text("")
    return {}


def main() -> int:
    """Checks them. LabError with what the compiler says, or if it can't be had."""
    inputs = {str(path.relative_to(bundle.HERE)): cache.file_digest(path) for path in _inputs()}
    cache.obtain("page", cache.digest([inputs, _INSTALL, _CHECK]), TITLE, [_DONE], _make)
    return 0


if __name__ == "__main__":
    sys.exit(entry.ending("results.page.types", main))
