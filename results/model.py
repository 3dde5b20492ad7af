# SPDX-License-Identifier: GPL-2.0-only
"""What a judged run is: the values that every report is made of. The names are those of results-1.json."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any


class Verdict(str, Enum):
    """KCIDB's verdicts, see docs/results.md."""

    PASS = "PASS"
    FAIL = "FAIL"
    SKIP = "SKIP"
    ERROR = "ERROR"
    MISS = "MISS"
    DONE = "DONE"


@dataclass(frozen=True)
class Reason:
    """Why a verdict isn't PASS: a short code that can be counted, and a sentence."""

    code: str
    text: str


@dataclass(frozen=True)
class Evidence:
    """Lines that show why: `kind` says where they come from, `text` is one or more lines."""

    kind: str
    text: str


@dataclass(frozen=True)
class Waived:
    """The waiver that makes a FAIL a known failure."""

    reason: str
    url: str
    expires: date


@dataclass(frozen=True)
class Measurement:
    """Every raw sample of one measure under one set of parameters, in the order in which they were taken."""

    measure: str
    unit: str
    better: str
    params: dict[str, Any]
    samples: list[float]


@dataclass(frozen=True)
class Result:
    """One planned test and what became of it. `boot` is the boot it ran in, None if it never started. `shown` has the code of everything
    that was found in any of its attempts, of which `reason` names one: a waiver has to cover them all."""

    id: str
    path: str
    device: str | None
    title: str | None
    requirements: list[str]
    kind: str
    verdict: Verdict
    reason: Reason | None = None
    waived: Waived | None = None
    boot: int | None = None
    duration_ns: int | None = None
    max_rss_kib: int | None = None
    notes: list[str] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    measurements: list[Measurement] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Problem:
    """Something that isn't one test's verdict but keeps the run from being clean."""

    kind: str
    text: str


class State(str, Enum):
    """What a run says of one requirement of a claim, from bad to good."""

    BROKEN = "broken"
    KNOWN = "known"
    ABSENT = "absent"
    NOT_COVERED = "not-covered"
    UNTESTABLE = "untestable"
    FINE = "absent-as-may-be"
    HELD = "held"


@dataclass(frozen=True)
class Cause:
    """Why a requirement isn't held: the first test that says so (None: there is none), a code and a sentence."""

    test: str | None
    code: str
    text: str


@dataclass(frozen=True)
class Finding:
    """What became of one requirement of a claim."""

    requirement: str
    title: str
    demanded: bool
    state: State
    causes: list[Cause] = field(default_factory=list)


HELD, NOT_HELD, INCOMPLETE = "HELD", "NOT HELD", "INCOMPLETE"


@dataclass(frozen=True)
class Claim:
    """A run judged by a profile: `verdict` is HELD, NOT_HELD or INCOMPLETE."""

    profile: str
    title: str
    verdict: str
    findings: list[Finding]

    def of(self, *states: State) -> list[Finding]:
        """Those in one of these states."""
        return [finding for finding in self.findings if finding.state in states]


@dataclass(frozen=True)
class Run:
    """A judged run. Times are seconds since the epoch; `drivers` are by BDF. `claims` are those that it was judged by."""

    id: str
    host: str
    command: list[str]
    suite: dict[str, Any]
    environment: dict[str, Any]
    started: float | None
    finished: float | None
    complete: bool
    interrupted: bool
    boots: int
    kernel: str | None
    drivers: dict[str, str]
    results: list[Result]
    problems: list[Problem]
    directory: Path | None = None
    claims: list[Claim] = field(default_factory=list)


COUNTS = ("pass", "fail", "known", "error", "miss", "skip", "done")


def counted_as(result: Result) -> str:
    """The row of COUNTS in which a result is counted: a waived FAIL is `known`."""
    return "known" if result.waived else result.verdict.value.lower()


def counts(results: list[Result]) -> dict[str, int]:
    """How many results each row of COUNTS has; the rows add up to the number of results."""
    found = Counter(counted_as(result) for result in results)
    return {row: found[row] for row in COUNTS}


def leaf(result: Result) -> str:
    """The last component of the path, with the device where the test runs for one."""
    name = result.path.rsplit("/", 1)[-1]
    return f"{name}@{result.device}" if result.device else name
