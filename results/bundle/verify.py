# SPDX-License-Identifier: GPL-2.0-only
"""Looks whether a bundle is what was sealed, and names what is not: which member, which line of the journal, which verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import zip_longest
from pathlib import Path
from typing import Any, BinaryIO

import jsonschema

from lab.errors import LabError
from results.build import SchemaError
from results.bundle import archive, contents, demands, signature
from results.bench import validator
from results.bundle.archive import Member
from results.bundle.contents import DEPTH_MAX, JOURNAL, SIGNATURE, STATEMENT, Judged
from results.bundle.demands import DemandsError
from results.bundle.signature import Signed, SignatureError
from results.typed import parse_json
from runner import catalogue, suite

_SHOWN = 10  # differences of one kind
_NEEDED = (JOURNAL, contents.WAIVERS, contents.SKIPS, demands.MEMBER)
_PROGRAM = "test program "

NOT_PROVEN = (
    "that the hardware, the kernel and the firmware were what they say they are: the target was asked, and it can lie",
    "that this run was not chosen from many: of the others it says nothing",
    "that the kernel does not know the suite, and behaves only while it is tested",
    "that who sealed it has not made up the journal: a signature says who answers for it",
)
"""What a bundle can't prove, whatever it is signed with."""


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was sealed. `part` is the member, "archive" or "signature"."""

    part: str
    text: str


@dataclass
class Verified:
    """What came out. Nothing is wrong where there are no `findings`; `notes` are what to know all the same. `statement` is None, and so
    are the others, where the bundle could not be read that far. `other_demands` are profiles that demand something else than this suite's
    of those names."""

    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    statement: dict[str, Any] | None = None
    signed: Signed | None = None
    judged: Judged | None = None
    members: int = 0
    other_demands: set[str] = field(default_factory=set)

    def found(self, part: str, text: str) -> None:
        """Adds a finding."""
        self.findings.append(Finding(part, text))


def verify(stream: BinaryIO, signers: Path | None, identity: str | None) -> Verified:
    """Verifies the bundle that `stream` holds. `signers` is a file of allowed signers as in ssh-keygen(1): with it the bundle has to be
    signed by one of them, with `identity` by that one. LabError if there is no ssh-keygen."""
    out = Verified()
    files: dict[str, bytes] = {}
    try:
        for member in archive.read(stream):
            files[member.name] = member.data
    except archive.ArchiveError as error:
        out.found("archive", str(error))
    statement_bytes, signed_bytes = files.pop(STATEMENT, None), files.pop(SIGNATURE, None)
    out.members = len(files)
    if statement_bytes is None:
        out.found(STATEMENT, "is not there: nothing says what this is")
        return out
    _signature(out, statement_bytes, signed_bytes, signers, identity)
    out.statement = _statement(out, statement_bytes)
    if out.statement is None:
        return out
    if (out.signed.key if out.signed else None) != out.statement["signed_by"] and (signed_bytes is None or out.signed):
        by = out.statement["signed_by"]
        out.found("signature", f"the statement says that {by} signed it" if by else "the statement says that nobody signed it")
    changed = _members(out, files, out.statement)
    try:
        day = date.fromisoformat(out.statement["judged"]["date"])
    except ValueError:
        out.found(STATEMENT, "the date on which it was judged is none")
        return out
    missing = [name for name in _NEEDED if name not in files]
    if missing:
        return out
    _judge(out, files, day, changed)
    return out


def _signature(out: Verified, data: bytes, signed: bytes | None, signers: Path | None, identity: str | None) -> None:
    if signed is None:
        if signers is not None:
            out.found("signature", "it is not signed")
        return
    try:
        out.signed = signature.check(data, signed, signers, identity)
    except SignatureError as error:
        out.found("signature", str(error))


def _statement(out: Verified, data: bytes) -> dict[str, Any] | None:
    try:
        document = parse_json(data, DEPTH_MAX)
    except ValueError as error:
        out.found(STATEMENT, f"is no JSON: {error}")
        return None
    wrong = jsonschema.exceptions.best_match(validator(contents.SCHEMA).iter_errors(document))
    if wrong is not None:
        out.found(STATEMENT, f"does not follow {contents.SCHEMA} at {wrong.json_path}")
        return None
    if contents.dump(document) != data:
        out.found(STATEMENT, "is not in the form in which statements are written")
    return dict(document)


def _members(out: Verified, files: Mapping[str, bytes], statement: Mapping[str, Any]) -> set[str]:
    """Compares the members with the statement; returns the names of those that were changed."""
    said = {one["name"]: one for one in statement["members"]}
    if len(said) != len(statement["members"]):
        out.found(STATEMENT, "names a member twice")
    changed = set()
    for name in sorted({*said, *files}):
        if name not in files:
            out.found(name, "is missing")
        elif name not in said:
            out.found(name, "is not in the statement: it was added")
        elif Member(name, files[name]).sha256 != said[name]["sha256"] or len(files[name]) != said[name]["size"]:
            changed.add(name)
            out.found(name, f"was changed: it has not the digest of the statement; {len(files[name])} bytes of {said[name]['size']}")
    return changed


def _judge(out: Verified, files: Mapping[str, bytes], day: date, changed: set[str]) -> None:
    assert out.statement is not None
    try:
        judged = out.judged = contents.judged(files, day)
    except (SchemaError, DemandsError, LabError) as error:
        out.found(JOURNAL, f"can't be judged with what is beside it: {error}")
        return
    for text in judged.journal.breaks:
        out.found(JOURNAL, text)
    if not judged.journal.linked:
        out.notes.append("the journal's lines have no links, as those of older versions: which line was changed could not be told")
    elif JOURNAL in changed and not judged.journal.breaks:
        out.found(JOURNAL, "its lines hang together all the same: the last one was changed, or the links were made anew")
    _plan(out, judged)
    mine = out.statement["judged"]["suite"] == suite.version()
    _standards(out, files, mine and not suite.version()["dirty"])
    for name, data in judged.derived.items():
        if name in files and files[name] != data:
            _derived(out, name, files[name], data, mine or name in changed)
    try:
        again = contents.statement(judged, files, day, out.statement["signed_by"], out.statement["judged"]["suite"])
    except LabError as error:
        out.found(JOURNAL, f"no statement can be made of it: {error}")
        return
    for place in _differences(out.statement | {"members": []}, again | {"members": []}, "$"):
        _tell(out, STATEMENT, f"{place} is not what comes out of the journal", mine)


def _standards(out: Verified, files: Mapping[str, bytes], mine: bool) -> None:
    """What the verdicts rest on came with the bundle: is it what this suite would have judged by?"""
    profiles, _ = demands.load(files[demands.MEMBER])
    for name, text in demands.other_profiles(profiles):
        out.other_demands.add(name)
        _tell(out, demands.MEMBER, f"{name}: {text}", mine)
    for text in demands.other_causes(catalogue.skip_causes(files[contents.SKIPS].decode("utf-8", "replace"))):
        _tell(out, contents.SKIPS, text, mine)


def _tell(out: Verified, part: str, text: str, mine: bool) -> None:
    """A difference counts where it can't be due to this suite's being another version than the one that judged."""
    if mine:
        out.found(part, text)
    else:
        out.notes.append(f"{part}: {text}; another version of the suite judged it, so this may be no change")


def _plan(out: Verified, judged: Judged) -> None:
    """Was something cut out of the plan? Each program that the run was made with has tests in it, or among those that were left out."""
    seen = judged.seen
    paths = [*(test.path for test in seen.plan), *(left.path for left in seen.unselected)]
    known = {"/".join(path.split("/")[:2]) for path in paths}
    made_with = seen.run.identity if seen.run else {}
    without = [name for name in sorted(made_with) if name.startswith(_PROGRAM) and name.removeprefix(_PROGRAM) not in known]
    for name in without[:_SHOWN]:
        out.found(JOURNAL, f"the plan names no test of {name}, which the run was made with: it was cut out")
    if seen.unselected:
        out.notes.append(f"the selection left out {len(seen.unselected)} tests of the suite, of which this says nothing")
    if judged.run.suite.get("dirty"):
        out.notes.append("the suite that ran had changes which are in no commit")
    if not judged.run.complete:
        out.notes.append("PARTIAL: the run did not come to its end")
    missing = sum(result.verdict.value == "MISS" for result in judged.run.results)
    if missing:
        out.notes.append(f"PARTIAL: {missing} planned tests never ran")


def _derived(out: Verified, name: str, theirs: bytes, ours: bytes, counts: bool) -> None:
    """A file that does not come out of the journal: which verdict, which value or which line differs."""
    if name == "results.json":
        verdicts = list(_verdicts(theirs, ours))
        for text in verdicts[:_SHOWN]:
            out.found(name, text)
        if len(verdicts) > _SHOWN:
            out.found(name, f"and {len(verdicts) - _SHOWN} verdicts more")
        if verdicts:
            return
    if name.endswith(".json"):
        try:
            places = list(_differences(parse_json(theirs, DEPTH_MAX), json.loads(ours), "$"))
        except ValueError:
            places = ["$"]
        where = f"at {', '.join(places[:3])}" if places else "in how it is written"
        _tell(out, name, f"is not what the journal comes to: it differs {where}", counts)
        return
    pairs = zip_longest(theirs.split(b"\n"), ours.split(b"\n"))
    line = next(number for number, (left, right) in enumerate(pairs, 1) if left != right)
    _tell(out, name, f"is not what the journal comes to: it differs from line {line} on", counts)


def _verdicts(theirs: bytes, ours: bytes) -> Iterator[str]:
    """Each test of which results.json says something else than the journal."""
    try:
        rows = parse_json(theirs, DEPTH_MAX)["results"]
        said = {str(row["id"]): _verdict(row) for row in rows}
    except (ValueError, KeyError, TypeError):
        yield "has no readable list of results"
        return
    true = {row["id"]: _verdict(row) for row in json.loads(ours)["results"]}
    for test in sorted({*said, *true}):
        if said.get(test) != true.get(test):
            yield f"{test} is {said.get(test, 'not there')}, and by the journal it is {true.get(test, 'not there')}"


def _verdict(row: Mapping[str, Any]) -> str:
    return f"{row['verdict']}{' (known)' if row['waived'] else ''}"


def _differences(theirs: Any, ours: Any, where: str) -> Iterator[str]:
    """The places, as JSON paths, at which two values differ."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in sorted({*theirs, *ours}):
            yield from _differences(theirs.get(key), ours.get(key), f"{where}.{key}")
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for at, pair in enumerate(zip(theirs, ours)):
            yield from _differences(*pair, f"{where}[{at}]")
    elif theirs != ours or type(theirs) is not type(ours):
        yield where
