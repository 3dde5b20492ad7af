# SPDX-License-Identifier: GPL-2.0-only
"""`--html FILE` of the commands that show results."""

from __future__ import annotations

from pathlib import Path

from results import files
from results.page import bundle, data, render
from results.page.sources import Sources
from runner import catalogue


def write(path: Path, sources: Sources) -> None:
    """Writes the page, as a whole or not at all. LabError if its script can't be built, UsageError if the file can't be written."""
    files.write_named("--html", path, render.render(data.build(sources, catalogue.requirements()), bundle.obtain()))
