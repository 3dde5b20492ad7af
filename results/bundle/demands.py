# SPDX-License-Identifier: GPL-2.0-only
"""What the profiles of a bundle demanded when it was made: profiles.json, so that who has other profiles judges by the same."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence

import jsonschema

from results.bench import validator
from results.typed import parse_json
from runner.catalogue import Requirement, Untested
from runner.profiles import Profile

MEMBER = "profiles.json"
SCHEMA = "bundle-profiles-1.json"
_DEPTH_MAX = 8


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


def _requirement(row: Mapping[str, object]) -> Requirement:
    untested = row["untested"]
    needs = row["needs"]
    assert isinstance(needs, list)
    fields: dict[str, object] = {**row, "needs": tuple(needs), "untested": Untested(**untested) if isinstance(untested, dict) else None}
    return Requirement(**fields)  # type: ignore[arg-type]
