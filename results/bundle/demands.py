# SPDX-License-Identifier: GPL-2.0-only
"""What the profiles of a bundle demanded when it was made: profiles.json, so that who has other profiles judges by the same."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence

import jsonschema

from results.bench import validator
from results.typed import parse_json
from runner import catalogue as own, profiles as own_profiles
from runner.catalogue import Requirement, Untested
from runner.profiles import Profile

MEMBER = "profiles.json"
SCHEMA = "bundle-profiles-1.json"
_DEPTH_MAX = 8
_NAMED = 3


class DemandsError(Exception):
    """It can't be read; the text says why."""


def dump(profiles: Sequence[Profile], catalogue: Mapping[str, Requirement]) -> bytes:
    """The member's bytes: the profiles, and the requirements that they name, in the catalogue's order."""
    named = {name for profile in profiles for name in profile.requirements}
    document = {
        "schema": "iommu-cts/bundle-profiles",
        "version": 1,
        "profiles": [dataclasses.asdict(profile) for profile in profiles],
        "requirements": [dataclasses.asdict(one) for name, one in catalogue.items() if name in named],
    }
    return (json.dumps(document, indent=1) + "\n").encode("ascii")


def load(data: bytes) -> tuple[list[Profile], dict[str, Requirement]]:
    """What `dump` wrote. DemandsError."""
    try:
        document = parse_json(data, _DEPTH_MAX)
    except ValueError as error:
        raise DemandsError(f"is no JSON: {error}") from None
    wrong = jsonschema.exceptions.best_match(validator(SCHEMA).iter_errors(document))
    if wrong is not None:
        raise DemandsError(f"does not follow {SCHEMA} at {wrong.json_path}")
    profiles = [Profile(**row | {"demanded": tuple(row["demanded"])}) for row in document["profiles"]]
    catalogue = {row["id"]: _requirement(row) for row in document["requirements"]}
    missing = sorted({name for profile in profiles for name in profile.requirements} - set(catalogue))
    if missing:
        raise DemandsError(f"has no requirement {missing[0]}, which a profile of it names")
    return profiles, catalogue


def other_profiles(profiles: Sequence[Profile]) -> Iterator[tuple[str, str]]:
    """Those that demand something else than this suite's profile of that name, and what. A name alone promises nothing."""
    known = own.requirements()
    for profile in profiles:
        if profile.name not in own_profiles.names():
            yield profile.name, "this suite has no profile of that name"
            continue
        (mine,) = own_profiles.find([profile.name], known)
        for what, theirs, ours in (
            ("does not demand", mine.demanded, profile.demanded), ("demands beside that", profile.demanded, mine.demanded),
            ("does not know", mine.requirements, profile.requirements),
        ):  # fmt: skip
            names = [name for name in theirs if name not in ours]
            if names:
                more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
                yield profile.name, f"{what} {', '.join(names[:_NAMED])}{more}"


def other_causes(causes: Mapping[str, str]) -> Iterator[str]:
    """The reasons of a skip that stand for something else than in this suite: a feature may be absent, the lab may not."""
    for code, cause in own.skip_causes().items():
        if causes.get(code, cause) != cause:
            yield f"{code} stands for {causes[code]}, and in this suite for {cause}"


def _requirement(row: Mapping[str, object]) -> Requirement:
    untested = row["untested"]
    needs = row["needs"]
    assert isinstance(needs, list)
    fields: dict[str, object] = {**row, "needs": tuple(needs), "untested": Untested(**untested) if isinstance(untested, dict) else None}
    return Requirement(**fields)  # type: ignore[arg-type]
