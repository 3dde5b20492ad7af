# SPDX-License-Identifier: GPL-2.0-only
"""What is in a bundle: the journal of a run, what it was judged by, what that comes to, and a statement of all of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from lab.errors import LabError, UsageError
from results import build, claims, journal, report, waivers
from results.bench import check
from results.bundle import archive, demands
from results.bundle.archive import Member
from results.model import Run
from runner import catalogue, profiles as known_profiles, suite
from runner.collect import Seen, collect
from runner.judge import judge

STATEMENT, SIGNATURE = "statement.json", "statement.json.sig"
JOURNAL, WAIVERS, SKIPS, INVENTORY = "journal.jsonl", "waivers.toml", "skip_reasons.def", "inventory.json"
SCHEMA = "bundle-1.json"
DEPTH_MAX = 90  # of JSON in a bundle: that of a journal's entry, and some around it
_EVIDENCE = re.compile(r"kernel\.config|console-[0-9]+(-endpoint-[0-9]+)?\.log")


@dataclass(frozen=True)
class Judged:
    """A journal and what it comes to: `derived` are the members that everybody can make again from the others, by name."""

    journal: journal.Journal
    seen: Seen
    run: Run
    derived: dict[str, bytes]


def judged(sources: Mapping[str, bytes], day: date) -> Judged:
    """Judges the journal of a bundle by the waivers, skip reasons and profiles beside it, as of that day. SchemaError, DemandsError;
    LabError for skip reasons that are none."""
    read = journal.parse(sources[JOURNAL])
    skips = sources[SKIPS].decode("utf-8", "replace")
    profiles, requirements = demands.load(sources[demands.MEMBER])
    run = judge(read, waivers.parse(WAIVERS, sources[WAIVERS]), catalogue.skip_codes(skips), day)
    causes = catalogue.skip_causes(skips)
    run = replace(run, claims=[claims.judge(one, run.results, requirements, causes) for one in profiles])
    derived = {name: text.encode("utf-8") for name, text in report.texts(run).items()}
    derived[INVENTORY] = build.dump(run.environment).encode("ascii")
    return Judged(read, collect(read), run, derived)


def _read(path: Path) -> bytes:
    """A file of the run, whole. LabError where it is too long for a bundle, OSError."""
    with path.open("rb") as stream:
        data = stream.read(archive.MEMBER_MAX + 1)
    if len(data) > archive.MEMBER_MAX:
        raise LabError(f"{path} has more than {archive.MEMBER_MAX >> 20} MiB, too much for a bundle")
    return data


def sources(folder: Path, waiver_file: Path | None, by: Sequence[str] | None = None) -> dict[str, bytes]:
    """What goes into a bundle as it is, by name. `by` are profiles that are claimed; None: those that the run was for. UsageError for a
    journal that is still being written, or a profile that there is not."""
    if journal.is_written(folder / JOURNAL):
        raise UsageError(f"{folder.name} is still going on; what can be sealed is a run that has ended, or was stopped")
    found = {path.name: _read(path) for path in folder.iterdir() if _EVIDENCE.fullmatch(path.name) and path.is_file()}
    found[JOURNAL] = _read(folder / JOURNAL)
    try:
        found[WAIVERS] = _read(waiver_file) if waiver_file is not None else b""
    except OSError as error:
        raise UsageError(f"--waivers {waiver_file}: cannot be read: {error.strerror}") from error
    found[SKIPS] = (suite.TOP / "lib" / SKIPS).read_bytes()
    wanted = report.run_for(journal.parse(found[JOURNAL])) if by is None else by
    known = catalogue.requirements()
    found[demands.MEMBER] = demands.dump(known_profiles.find(wanted, known), known)
    return found


def members(files: Mapping[str, bytes]) -> list[Member]:
    """Sorted, as they are in an archive behind the statement."""
    return [Member(name, files[name]) for name in sorted(files)]


def statement(of: Judged, files: Mapping[str, bytes], day: date, signed_by: str | None, judge_version: Mapping[str, Any]) -> dict[str, Any]:
    """The statement of a bundle with these files, but for itself and its signature. `signed_by` is the fingerprint of a key,
    `judge_version` the suite that judged. LabError if it does not follow its schema."""
    document = json.loads(of.derived["results.json"])
    counts = document["counts"]
    made = {
        "schema": "iommu-cts/bundle",
        "version": 1,
        "claim": _claim(of.run, counts),
        "run": document["run"],
        "kernel": of.run.kernel,
        "counts": counts,
        "profiles": {claim.profile: claim.verdict for claim in of.run.claims},
        "problems": len(of.run.problems),
        "left_out": len(of.seen.unselected),
        "made_with": of.seen.run.identity if of.seen.run else {},
        "judged": {"date": day.isoformat(), "suite": dict(judge_version)},
        "signed_by": signed_by,
        "members": [{"name": one.name, "size": len(one.data), "sha256": one.sha256} for one in members(files)],
    }
    check(made, SCHEMA, STATEMENT)
    return made


def _claim(run: Run, counts: Mapping[str, int]) -> str:
    """The statement in a sentence, for people."""
    known = f" but for {counts['known']} known failures" if counts["known"] else ""
    if counts["fail"]:
        verdict = "broke promises"
    elif counts["error"] or counts["miss"] or run.problems:
        verdict = "was not judged in full"
    else:
        verdict = f"kept every promise that was checked{known}"
    verdict += "".join(f", claim {claim.profile} {claim.verdict}" for claim in run.claims)
    how = "the whole plan was run" if run.complete else "the run did not come to its end"
    return f"Linux {run.kernel or 'unknown'} on host {run.host} {verdict}: {counts['pass']} tests of {counts['planned']} passed, {how}"


def dump(document: Mapping[str, Any]) -> bytes:
    """The bytes of a statement: what is signed."""
    return (json.dumps(document, indent=1, sort_keys=True, allow_nan=False) + "\n").encode("ascii")
