# SPDX-License-Identifier: GPL-2.0-only
"""What a vfio device file can do is a list that somebody reviewed, suites/access/file_operations.toml, and the kernel tree has to agree.

The kernel gates a parked file's methods one by one, so a method that is added to vfio_device_fops is a way to the device that no test
knows of. The tree that the suites are built from is therefore read: a method that vfio sets and nobody reviewed stops the build.
"""

import dataclasses
import fnmatch
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lab.errors import LabError

LIST = Path("suites/access/file_operations.toml")
STRUCTURE = "vfio_device_fops"
SOURCE = Path("drivers/vfio/vfio_main.c")

_KEYS = {"name", "set", "parked", "tests", "unseen", "absent"}


@dataclasses.dataclass(frozen=True)
class Method:
    """One reviewed method. `absent`: why a kernel may do without one that is set; `unseen`: why no test shows anything."""

    name: str
    set: bool
    parked: str
    tests: tuple[str, ...] = ()
    unseen: str | None = None
    absent: str | None = None


def _method(number: int, entry: Mapping[str, Any]) -> Method:
    where = f"{LIST}: [[method]] number {number} ({entry.get('name', 'no name')})"
    unknown = set(entry) - _KEYS
    if unknown or not {"name", "set", "parked"} <= set(entry):
        raise LabError(f"{where}: must have name, set and parked" + (f", and not {', '.join(sorted(unknown))}" if unknown else ""))
    if bool(entry.get("tests")) == bool(entry.get("unseen")):
        raise LabError(f"{where}: give either the tests that show it or, as unseen, why none can")
    if "absent" in entry and not entry["set"]:
        raise LabError(f"{where}: absent is for a method that is set")
    return Method(**{**entry, "tests": tuple(entry.get("tests", ()))})


def methods(text: str) -> dict[str, Method]:
    """The list by name; LabError names the entry at fault."""
    try:
        entries = tomllib.loads(text).get("method", [])
    except tomllib.TOMLDecodeError as error:
        raise LabError(f"{LIST}: {error}") from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise LabError(f"{LIST}: 'method' is no list of tables; write [[method]]")
    found: dict[str, Method] = {}
    for number, entry in enumerate(entries, 1):
        method = _method(number, entry)
        if method.name in found:
            raise LabError(f"{LIST}: {method.name} stands there twice")
        found[method.name] = method
    return found


def set_methods(text: str) -> list[str]:
    """The methods that vfio_device_fops sets, in whatever configuration, in order, from the text of vfio_main.c.

    LabError if there is no such structure, or one that is not written as `.method = value,` throughout.
    """
    plain = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.DOTALL)
    plain = re.sub(r"^[ \t]*#.*?(?<!\\)$", "", plain, flags=re.MULTILINE | re.DOTALL)
    bodies = re.findall(rf"\bstruct\s+file_operations\s+{STRUCTURE}\s*=\s*\{{([^{{}}]*)\}}\s*;", plain)
    if len(bodies) != 1:
        raise LabError(
            f"{SOURCE}: {len(bodies)} definitions of struct file_operations {STRUCTURE} were found instead of one, so nobody can tell"
            f" what a parked file offers; if it has moved, lab/reviewed.py has to follow"
        )
    found = []
    for item in (part.strip() for part in bodies[0].split(",") if part.strip()):
        known = re.fullmatch(r"\.(\w+)\s*=\s*&?\w+", item)
        if not known:
            raise LabError(f"{SOURCE}: {STRUCTURE} has {item!r}, which lab/reviewed.py can't read")
        found.append(known[1])
    return found


def problems(text: str, reviewed: Mapping[str, Method]) -> list[str]:
    """Where the text of vfio_main.c and the list differ."""
    present = set_methods(text)
    found = []
    for name in present:
        if name not in reviewed:
            found.append(f"{SOURCE}: {STRUCTURE} has .{name}, which nobody has reviewed: add it to {LIST}")
        elif not reviewed[name].set:
            found.append(
                f"{SOURCE}: {STRUCTURE} has .{name}, which nobody has reviewed: {LIST} says that vfio doesn't set it"
                f" ({reviewed[name].parked})"
            )
    for method in reviewed.values():
        if method.set and not method.absent and method.name not in present:
            found.append(f"{SOURCE}: {STRUCTURE} has no .{method.name} any more, but {LIST} says that it is set")
    return found


def check(top: Path, tree: Path) -> None:
    """Compares the list of the suites in `top` with the kernel source in `tree`; LabError with every difference."""
    try:
        text = (tree / SOURCE).read_text(errors="replace")
    except OSError as error:
        raise LabError(f"{tree / SOURCE} can't be read, so nobody can tell what a parked file offers: {error.strerror}") from error
    wrong = problems(text, methods((top / LIST).read_text()))
    if wrong:
        raise LabError("what a vfio device file offers was not reviewed:\n  " + "\n  ".join(wrong))


def missing_tests(top: Path, paths: Iterable[str]) -> list[str]:
    """The tests that the list names and that are not among `paths`, the paths of all tests that there are."""
    known = list(paths)
    return [
        f"{LIST}: {method.name}: there is no test {pattern}"
        for method in methods((top / LIST).read_text()).values()
        for pattern in method.tests
        if not fnmatch.filter(known, pattern)
    ]
