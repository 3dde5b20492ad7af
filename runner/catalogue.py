# SPDX-License-Identifier: GPL-2.0-only
"""What the suites can do: requirements, tests and their data. What does not fit together fails the build.

Requirements are read from suites/requirements/*.toml, what no test shows from untested.toml beside them. Tests are asked for by
`--describe` from the binaries that were just built, so that the list never differs from what runs.
"""

import dataclasses
import json
import re
import subprocess
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lab import reviewed
from lab.errors import LabError
from runner import profiles

TOP = Path(__file__).parent.parent
REQUIREMENTS = TOP / "suites" / "requirements"
UNTESTED = "untested.toml"
DEVICE = "DEVICE"
ABSENT = "ABSENT"
LAB = "LAB"

_KEYS = {"id", "title", "statement", "source", "level", "kind", "needs", "since"}
_MORE_KEYS = {"note", "untested"}
_LEVELS = ("must", "should")
_KINDS = ("promise", "characterisation", "measurement")


LATER = "later"
IMPOSSIBLE = "impossible"
# The keys of an entry of untested.toml beside `kind` and `ids`, by kind.
_UNTESTED_KEYS = {LATER: {"takes"}, IMPOSSIBLE: {"reason", "takes"}}


@dataclasses.dataclass(frozen=True)
class Untested:
    """Why no test shows a requirement: LATER, one can be written here and is not yet; IMPOSSIBLE, none can, for `reason`.

    `takes` is what a test would stand on.
    """

    kind: str
    takes: str
    reason: str | None = None

    def words(self) -> str:
        """For a reader, in one line."""
        if self.reason is None:
            return f"{self.kind}; it takes {self.takes}"
        return f"{self.kind}: {self.reason}; it would take {self.takes}"


@dataclasses.dataclass(frozen=True)
class Requirement:
    """One promise of the stack, in our words, with where it comes from. `subject` is the name of its file."""

    id: str
    title: str
    statement: str
    source: str
    level: str
    kind: str
    needs: tuple[str, ...]
    since: str
    note: str | None = None
    untested: Untested | None = None
    subject: str = ""


@dataclasses.dataclass(frozen=True)
class Test:
    """One test of a binary. `binary` is its path in the suites, `selector` what the harness's -r takes."""

    path: str
    binary: str
    selector: str
    title: str
    requirements: tuple[str, ...]
    needs: tuple[str, ...]
    kind: str
    timeout_s: int
    taints: int
    faults: bool


def definitions(name: str, macro: str) -> list[list[str]]:
    """The arguments of each `macro(...)` line of lib/<name>, quotes removed: C includes the same lines."""
    return _arguments((TOP / "lib" / name).read_text(), macro)


def _arguments(text: str, macro: str) -> list[list[str]]:
    calls = re.findall(rf"^{macro}\((.*)\)$", text, re.MULTILINE)
    return [[word.strip().strip('"') for word in re.findall(r'"[^"]*"|[^,]+', call)] for call in calls]


def skip_causes(text: str | None = None) -> dict[str, str]:
    """Each skip reason's cause by its code: ABSENT (there is no such feature) or LAB (it can't be shown here); `text` as of skip_codes."""
    calls = definitions("skip_reasons.def", "CTS_SKIP_REASON") if text is None else _arguments(text, "CTS_SKIP_REASON")
    found = {words[1]: words[2] for words in calls if len(words) > 2}
    wrong = [code for code, cause in found.items() if cause not in (ABSENT, LAB)]
    if wrong:
        raise LabError(f"lib/skip_reasons.def: the cause of {', '.join(wrong)} is neither {ABSENT} nor {LAB}")
    return found


def skip_codes(text: str | None = None) -> frozenset[str]:
    """The fixed list of skip reasons; of `text`, if that is another version's skip_reasons.def."""
    if text is None:
        return frozenset(skip_causes())
    return frozenset(words[1] for words in _arguments(text, "CTS_SKIP_REASON") if len(words) > 1)


def need_scopes() -> dict[str, str]:
    """Each need's scope: DEVICE (its tests run once for each device) or HOST."""
    return {words[1]: words[3] for words in definitions("needs.def", "CTS_NEED")}


def _requirement(path: Path, number: int, table: Any) -> Requirement:
    where = f"{path.name}: [[requirement]] number {number}"
    if not isinstance(table, dict):
        raise LabError(f"{where}: is no table")
    missing, unknown = _KEYS - set(table), set(table) - _KEYS - _MORE_KEYS
    if missing or unknown:
        parts = [f"missing {', '.join(sorted(missing))}"] if missing else []
        parts += [f"unknown {', '.join(sorted(unknown))}"] if unknown else []
        raise LabError(f"{where} ({table.get('id', 'no id')}): {'; '.join(parts)}")
    for key, value in table.items():
        if key == "needs" and not (isinstance(value, list) and all(isinstance(need, str) for need in value)):
            raise LabError(f"{where} ({table['id']}): needs must be a list of the names in lib/needs.def")
        if key != "needs" and not isinstance(value, str):
            raise LabError(f"{where} ({table['id']}): {key} must be a text")
    for key, allowed in (("level", _LEVELS), ("kind", _KINDS)):
        if table[key] not in allowed:
            raise LabError(f"{where} ({table['id']}): {key} = {table[key]!r} is none of {', '.join(allowed)}")
    unknown_needs = set(table["needs"]) - set(need_scopes())
    if unknown_needs:
        raise LabError(f"{where} ({table['id']}): needs {', '.join(map(repr, sorted(unknown_needs)))}, which lib/needs.def does not have")
    fields: dict[str, Any] = {**table, "needs": tuple(table["needs"]), "subject": path.stem}
    if "untested" in table:
        fields["untested"] = Untested(LATER, table["untested"])
    return Requirement(**fields)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LabError(f"{path}: {error}") from error


def _untested(path: Path, number: int, table: Any) -> tuple[list[str], Untested]:
    where = f"{path.name}: [[untested]] number {number}"
    kind = table.get("kind") if isinstance(table, dict) else None
    if kind not in _UNTESTED_KEYS:
        raise LabError(f"{where}: kind = {kind!r} is none of {', '.join(_UNTESTED_KEYS)}")
    wanted = {"kind", "ids", *_UNTESTED_KEYS[kind]}
    if set(table) != wanted:
        raise LabError(f"{where} ({kind}): its keys are {', '.join(sorted(table))} and have to be {', '.join(sorted(wanted))}")
    if not all(isinstance(table[key], str) and table[key] for key in _UNTESTED_KEYS[kind]):
        raise LabError(f"{where} ({kind}): {' and '.join(sorted(_UNTESTED_KEYS[kind]))} must be text")
    if not isinstance(table["ids"], list) or not table["ids"] or not all(isinstance(name, str) for name in table["ids"]):
        raise LabError(f"{where} ({kind}): ids must be a list of requirements")
    return table["ids"], Untested(kind, table["takes"], table.get("reason"))


def _add_untested(path: Path, found: dict[str, Requirement]) -> None:
    """Puts what untested.toml says into the requirements; LabError for an id that is unknown or stands twice."""
    for number, entry in enumerate(_read(path).get("untested", []), 1):
        names, why = _untested(path, number, entry)
        for name in names:
            if name not in found:
                raise LabError(f"{path.name}: there is no requirement {name}")
            if found[name].untested:
                raise LabError(f"{path.name}: {name} is said to be untested twice, or in {found[name].subject}.toml too")
            found[name] = dataclasses.replace(found[name], untested=why)


def requirements(folder: Path = REQUIREMENTS) -> dict[str, Requirement]:
    """The catalogue by id; LabError names the file and entry at fault."""
    found: dict[str, Requirement] = {}
    for path in sorted(folder.glob("*.toml")):
        if path.name == UNTESTED:
            continue
        entries = _read(path).get("requirement", [])
        if not isinstance(entries, list):
            raise LabError(f"{path.name}: 'requirement' is no list of tables; write [[requirement]]")
        for number, entry in enumerate(entries, 1):
            requirement = _requirement(path, number, entry)
            if requirement.id in found:
                raise LabError(f"{path.name}: requirement {requirement.id} stands twice in the catalogue")
            found[requirement.id] = requirement
    if (folder / UNTESTED).exists():
        _add_untested(folder / UNTESTED, found)
    return found


def describe(name: str, binary: Path, emulator: Path | None = None) -> list[dict[str, Any]]:
    """What a test program prints of its tests; `emulator` runs it if it is of another architecture."""
    argv = [str(path) for path in (emulator, binary) if path]
    try:
        done = subprocess.run([*argv, "--describe"], capture_output=True, text=True, timeout=60)
        tests = json.loads(done.stdout)["tests"]
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, TypeError) as error:
        raise LabError(f"suites/{name}: does not describe its tests ({error}); does it end with CTS_MAIN?") from error
    if not tests:
        raise LabError(f"suites/{name}: has no test")
    return list(tests)


def _test(name: str, entry: Mapping[str, Any]) -> Test:
    words = [entry["fixture"], *([entry["variant"]] if entry["variant"] else []), entry["name"]]
    path = "/".join([name, entry["name"], *([entry["variant"]] if entry["variant"] else [])])
    return Test(
        path=path,
        binary=name,
        selector=".".join(words),
        title=entry["title"] or "",
        requirements=tuple(entry["requirements"]),
        needs=tuple(entry["needs"]),
        kind=entry["kind"],
        timeout_s=entry["timeout_s"],
        taints=entry["taints"],
        faults=entry["faults"],
    )


def problems(tests: Iterable[Test], catalogue: Mapping[str, Requirement]) -> list[str]:
    """What would make the suites untrustworthy: undocumented tests, unknown ids, duplicate paths, promises that nobody checks."""
    found = []
    seen: dict[str, Test] = {}
    covered = set()
    for test in tests:
        where = f"suites/{test.binary}.c: {test.selector}"
        if not test.title:
            found.append(f"{where}: undocumented: declare it with CTS_TEST() or CTS_TEST_F() and give it a .title")
            continue
        if not test.requirements:
            found.append(f"{where}: names no requirement")
        for name in test.requirements:
            covered.add(name)
            if name not in catalogue:
                found.append(f"{where}: requirement {name} is not in suites/requirements/")
        if test.path in seen:
            found.append(f"{where}: has the same path as {seen[test.path].selector}: {test.path}")
        seen[test.path] = test
    for requirement in catalogue.values():
        if requirement.id not in covered and not requirement.untested:
            found.append(f"requirement {requirement.id} has no test: write one, or say why not in suites/requirements/{UNTESTED}")
        if requirement.id in covered and requirement.untested:
            found.append(f"requirement {requirement.id} has a test: take it out of suites/requirements/{UNTESTED}")
    return found


def load_tests(binaries: Mapping[str, Path], emulator: Path | None = None) -> list[Test]:
    """Every test of the binaries, in the order in which they describe them."""
    return [_test(name, entry) for name, binary in binaries.items() for entry in describe(name, binary, emulator)]


def load(binaries: Mapping[str, Path], emulator: Path | None = None) -> list[Test]:
    """Every test of all the suites; LabError with all that is wrong with them."""
    tests = load_tests(binaries, emulator)
    found = requirements()
    wrong = problems(tests, found) + profiles.problems(found) + reviewed.missing_tests(TOP, [test.path for test in tests])
    if wrong:
        raise LabError("the suites do not fit together:\n  " + "\n  ".join(wrong))
    return tests
