# SPDX-License-Identifier: GPL-2.0-only
"""Profiles (docs/profiles.md): what a claim such as `vfio-cdev-core` demands, suites/profiles/*.toml, one file a profile.

A profile names requirements by id or by pattern. A claim rests on promises that must hold: a pattern leaves out whatever else it
matches. What does not fit the catalogue fails the build.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.errors import LabError, UsageError

if TYPE_CHECKING:  # the catalogue itself asks whether the profiles fit it
    from runner.catalogue import Requirement

PROFILES = Path(__file__).parent.parent / "suites" / "profiles"

_KEYS = {"title", "claim", "demanded"}
_MORE_KEYS = {"note", "conditional"}


@dataclasses.dataclass(frozen=True)
class Profile:
    """What a claim demands. `demanded` are requirements by id, in the catalogue's order; `conditional` are those that may be absent, each
    with what it takes to be there. `note` is for whoever makes the claim."""

    name: str
    title: str
    claim: str
    demanded: tuple[str, ...]
    conditional: Mapping[str, str]
    note: str | None = None

    @property
    def requirements(self) -> tuple[str, ...]:
        """All of them, by id."""
        return (*self.demanded, *self.conditional)


def _text(table: Mapping[str, Any], key: str, where: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value.strip():
        raise LabError(f"{where}: {key} must be a text")
    return value


def _resolved(patterns: Any, where: str, catalogue: Mapping[str, Requirement]) -> list[str]:
    """The promises of level `must` that the patterns match, in the catalogue's order. LabError for what matches none."""
    if not isinstance(patterns, list) or not patterns or not all(isinstance(pattern, str) for pattern in patterns):
        raise LabError(f"{where}: must be a list of requirements, by id or by pattern")
    found = set()
    for pattern in patterns:
        if pattern in catalogue:
            one = catalogue[pattern]
            if one.kind != "promise" or one.level != "must":
                what = f"a {one.kind}" if one.kind != "promise" else f"of level {one.level}"
                raise LabError(f"{where}: {pattern} is {what}; a claim rests on promises that must hold")
        matched = {
            name for name, one in catalogue.items()
            if fnmatch.fnmatchcase(name, pattern) and one.kind == "promise" and one.level == "must"
        }  # fmt: skip
        if not matched:
            raise LabError(f"{where}: {pattern!r} is no requirement, and matches no promise that must hold")
        found |= matched
    return [name for name in catalogue if name in found]


def _conditional(entries: Any, where: str, catalogue: Mapping[str, Requirement]) -> dict[str, str]:
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise LabError(f"{where}: 'conditional' is no list of tables; write [[conditional]]")
    found: dict[str, str] = {}
    for number, entry in enumerate(entries, 1):
        here = f"{where}: [[conditional]] number {number}"
        if set(entry) != {"requirements", "when"}:
            raise LabError(f"{here}: its keys are {', '.join(sorted(entry))} and have to be requirements, when")
        when = _text(entry, "when", here)
        for name in _resolved(entry["requirements"], f"{here}: requirements", catalogue):
            if name in found:
                raise LabError(f"{here}: {name} is conditional twice")
            found[name] = when
    return found


def read(path: Path, catalogue: Mapping[str, Requirement]) -> Profile:
    """One profile. LabError names the file and what of it does not fit the catalogue."""
    where = f"profiles/{path.name}"
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LabError(f"{where}: {error}") from error
    missing, unknown = _KEYS - set(table), set(table) - _KEYS - _MORE_KEYS
    if missing or unknown:
        parts = [f"missing {', '.join(sorted(missing))}"] if missing else []
        parts += [f"unknown {', '.join(sorted(unknown))}"] if unknown else []
        raise LabError(f"{where}: {'; '.join(parts)}")
    demanded = _resolved(table["demanded"], f"{where}: demanded", catalogue)
    conditional = _conditional(table.get("conditional", []), where, catalogue)
    both = [name for name in demanded if name in conditional]
    if both:
        raise LabError(f"{where}: both demanded and conditional: {', '.join(both)}")
    note = _text(table, "note", where) if "note" in table else None
    return Profile(path.stem, _text(table, "title", where), _text(table, "claim", where), tuple(demanded), conditional, note)


def names(folder: Path = PROFILES) -> list[str]:
    """Those that there are."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def find(wanted: Sequence[str], catalogue: Mapping[str, Requirement], folder: Path = PROFILES) -> list[Profile]:
    """The profiles of such names, each once, in order. UsageError for a name that there is not."""
    known = names(folder)
    for name in wanted:
        if name not in known:
            raise UsageError(f"--profile {name}: no such profile; there are {', '.join(known)}")
    return [read(folder / f"{name}.toml", catalogue) for name in dict.fromkeys(wanted)]


def problems(catalogue: Mapping[str, Requirement], folder: Path = PROFILES) -> list[str]:
    """What of the profiles does not fit the catalogue."""
    found = []
    for name in names(folder):
        try:
            read(folder / f"{name}.toml", catalogue)
        except LabError as error:
            found.append(str(error))
    return found


def of_none(profiles: Iterable[Profile], catalogue: Mapping[str, Requirement]) -> list[str]:
    """The promises that must hold and that no claim rests on, in the catalogue's order."""
    named = {name for profile in profiles for name in profile.requirements}
    return [name for name, one in catalogue.items() if one.level == "must" and one.kind == "promise" and name not in named]
