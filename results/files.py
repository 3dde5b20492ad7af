# SPDX-License-Identifier: GPL-2.0-only
"""Files that users keep are there as a whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from lab.errors import UsageError


def replace(path: Path, text: str) -> None:
    """Writes the file beside its place and moves it there; what is no file, such as a pipe, is written to. OSError as usual."""
    if path.exists() and not path.is_file():
        path.write_text(text, "utf-8")
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, "utf-8")
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def write_named(option: str, path: Path, text: str) -> None:
    """Writes a file that the user named by an option. UsageError, with the option, if that can't be."""
    try:
        replace(path, text)
    except OSError as error:
        raise UsageError(f"{option} {path}: can't be written: {error.strerror}") from error
