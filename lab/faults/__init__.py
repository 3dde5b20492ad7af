# SPDX-License-Identifier: GPL-2.0-only
"""Small faults of our own for a kernel, each of which breaks a promise, to see whether the suites notice.

A fault is an entry of a .toml file in this folder. It names a function (or an initialised structure) of the kernel and a few words in it
to be replaced, so it holds next to no kernel text, and goes on applying while the code around it changes.
"""

import dataclasses
import re
import tomllib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from lab import cache
from lab.errors import LabError, UsageError

HERE = Path(__file__).parent
WORDS_MAX = 200  # characters of kernel text in one edit


@dataclasses.dataclass(frozen=True)
class Edit:
    """One change: in `file`, within the function or structure `within`, `replace` (white space of any kind and length alike) becomes `by`.

    `occurrence` says which one if there are several, from 1; 0: there has to be just one.
    """

    file: str
    within: str
    replace: str
    by: str
    occurrence: int = 0


@dataclasses.dataclass(frozen=True)
class Fault:
    """A kernel that breaks a promise. `tests` are patterns of the tests that should notice, on `host`; `breaks` the requirements."""

    name: str
    subject: str
    what: str
    breaks: tuple[str, ...]
    tests: tuple[str, ...]
    host: str
    edits: tuple[Edit, ...]

    @property
    def digest(self) -> str:
        """Of what it does, for telling whether what came of it is still true."""
        return cache.digest(dataclasses.asdict(self))


def _edit(where: str, found: Any) -> Edit:
    try:
        edit = Edit(**found)
    except TypeError as error:
        raise LabError(f"{where}: an edit has file, within, replace, by and perhaps occurrence ({error})") from error
    if not all(isinstance(text, str) for text in (edit.file, edit.within, edit.replace, edit.by)) or type(edit.occurrence) is not int:
        raise LabError(f"{where}: file, within, replace and by are texts, occurrence is a number")
    if not edit.replace.split() or max(len(edit.replace), len(edit.by)) > WORDS_MAX:
        raise LabError(f"{where}: an edit replaces some words, at most {WORDS_MAX} characters of them")
    return edit


def _listed(found: Any) -> tuple[str, ...]:
    if not isinstance(found, list) or not found or not all(isinstance(text, str) for text in found):
        raise TypeError("a list of texts is needed")
    return tuple(found)


def _fault(subject: str, name: str, found: Any) -> Fault:
    where = f"lab/faults/{subject}.toml: {name}"
    try:
        fault = Fault(
            name, subject, str(found["what"]), _listed(found["breaks"]), _listed(found["tests"]), str(found.get("host", "vtd")),
            tuple(_edit(where, edit) for edit in found["edit"]),
        )  # fmt: skip
    except (KeyError, TypeError) as error:
        raise LabError(f"{where}: what, breaks, tests and at least one edit are needed ({error})") from error
    unknown = set(found) - {"what", "breaks", "tests", "host", "edit"}
    if unknown:
        raise LabError(f"{where}: unknown key {sorted(unknown)[0]}")
    return fault


def load(folder: Path = HERE) -> list[Fault]:
    """Every fault, file by file and in the order in which they stand there. LabError for a file that is not as it should be."""
    faults: list[Fault] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            entries = tomllib.loads(path.read_text())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise LabError(f"{path}: {error}") from error
        faults += [_fault(path.stem, name, found) for name, found in entries.items()]
    twice = {fault.name for fault in faults if sum(other.name == fault.name for other in faults) > 1}
    if twice:
        raise LabError(f"{folder}: two faults have the name {sorted(twice)[0]}")
    return faults


def select(faults: Sequence[Fault], patterns: Sequence[str]) -> list[Fault]:
    """Those whose name or subject one of the patterns is or matches; all if there is no pattern. UsageError for one without any."""
    for pattern in patterns:
        if not any(_matches(fault, pattern) for fault in faults):
            raise UsageError(f"no fault is called {pattern} (`iommu-cts lab prove --list` shows them)")
    return [fault for fault in faults if not patterns or any(_matches(fault, pattern) for pattern in patterns)]


def _matches(fault: Fault, pattern: str) -> bool:
    return fnmatchcase(fault.name, pattern) or fault.subject == pattern


def _body(text: str, within: str) -> tuple[int, int] | None:
    """Where the definition of `within` is: from the line that names it to the brace in the first column. A function rather than what has
    a parameter of that type."""
    for behind in (r"\)?\(", r"\b"):
        for found in re.finditer(rf"^(?![\s#/*])[^;{{}}\n]*?\b{re.escape(within)}{behind}[^;{{}}]*\{{", text, re.MULTILINE):
            end = re.compile(r"^\}", re.MULTILINE).search(text, found.end())
            if end:
                return found.end(), end.start()
    return None


def changed(text: str, edit: Edit) -> str:
    """`text` with the edit made. LabError if its place is not there, or not just once."""
    place = _body(text, edit.within)
    if place is None:
        raise LabError(f"{edit.file} has no {edit.within}")
    words = re.compile(r"\s+".join(re.escape(word) for word in edit.replace.split()))
    found = list(words.finditer(text, *place))
    if len(found) < max(edit.occurrence, 1):
        raise LabError(f"{edit.within} in {edit.file} has no `{edit.replace}`")
    if len(found) > 1 and not edit.occurrence:
        raise LabError(f"{edit.within} in {edit.file} has `{edit.replace}` {len(found)} times")
    at = found[max(edit.occurrence, 1) - 1]
    return text[: at.start()] + edit.by + text[at.end() :]


def texts(fault: Fault, tree: Path) -> dict[str, str]:
    """The files of the kernel source `tree` that the fault changes, by path, as they are with it. LabError if it has no place there."""
    new: dict[str, str] = {}
    for edit in fault.edits:
        try:
            text = new.get(edit.file) or (tree / edit.file).read_text()
        except OSError as error:
            raise LabError(f"{fault.name} has no place in this kernel: {error}") from error
        try:
            new[edit.file] = changed(text, edit)
        except LabError as error:
            raise LabError(f"{fault.name} has no place in this kernel: {error}") from error
    return new
