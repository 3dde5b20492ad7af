# SPDX-License-Identifier: GPL-2.0-only
"""What the history of runs is asked: which runs there are, what a test said over kernels, how a measured row went, which tests waver."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from results.history_record import stored
from results.store import WORDS

RUNS = """
SELECT run.name, host.name, run.kernel, run.suite, run.began, run.pass, run.fail, run.known, run.error, run.miss, run.skip, run.done
FROM run JOIN host ON host.id = run.host
WHERE host.name GLOB :host AND run.kernel GLOB :kernel AND run.began >= :since AND run.began < :until
ORDER BY run.id DESC LIMIT :limit
"""

# CROSS JOIN keeps the order of the tables: first the names, then each name's own part of the tree.
TESTS = """
SELECT test.name, host.name, run.kernel, verdict.word, count(*), min(run.id), max(run.id), max(run.began)
FROM test CROSS JOIN host CROSS JOIN verdict ON verdict.test = test.id AND verdict.host = host.id JOIN run ON run.id = verdict.run
WHERE (test.name GLOB :test OR test.name GLOB :test || '@*') AND host.name GLOB :host AND run.kernel GLOB :kernel
GROUP BY test.id, host.id, run.kernel, verdict.word ORDER BY test.name, host.name
"""

ROWS = """
SELECT measure.name, measure.unit, host.name, run.mode, run.kernel, run.id, run.began, value.median, value.minimum
FROM measure CROSS JOIN host CROSS JOIN value ON value.measure = measure.id AND value.host = host.id JOIN run ON run.id = value.run
WHERE measure.name GLOB :row AND host.name GLOB :host AND run.kernel GLOB :kernel
ORDER BY measure.name, host.name, run.mode, run.id
"""

# Since the oldest of the newest runs of each host: first the tests that held and broke, then what they said on one build of a kernel, tried
# by one state of the suite.
FLAKY = """
WITH newest AS (
  SELECT run.id, run.host, row_number() OVER (PARTITION BY run.host ORDER BY run.id DESC) AS place
  FROM run JOIN host ON host.id = run.host WHERE host.name GLOB :host
),
since AS MATERIALIZED (SELECT host, min(id) AS run FROM newest WHERE place <= :last GROUP BY host),
both AS MATERIALIZED (
  SELECT verdict.test, verdict.host, since.run FROM since CROSS JOIN test
  CROSS JOIN verdict ON verdict.test = test.id AND verdict.host = since.host AND verdict.run >= since.run
  GROUP BY since.host, test.id HAVING max(verdict.word IN (0, 6)) AND max(verdict.word IN (1, 2, 3))
)
SELECT test.name, host.name, run.kernel, run.suite, coalesce(run.build, run.kernel), verdict.word, count(*), max(run.began)
FROM both CROSS JOIN verdict ON verdict.test = both.test AND verdict.host = both.host AND verdict.run >= both.run
JOIN run ON run.id = verdict.run JOIN test ON test.id = both.test JOIN host ON host.id = both.host
GROUP BY both.test, both.host, run.kernel, run.suite, 5, verdict.word ORDER BY test.name, host.name, max(run.began)
"""

# Of the newest runs on one ground. They are few beside all runs of the host: each of their verdicts is asked for.
ON_GROUND = """
WITH ground AS MATERIALIZED (
  SELECT id, host, name FROM run WHERE host = (SELECT id FROM host WHERE name = :host)
  AND kernel = :kernel AND build IS :build AND suite = :suite ORDER BY id DESC LIMIT :limit
)
SELECT ground.name, test.name, verdict.word FROM test CROSS JOIN ground CROSS JOIN verdict
ON verdict.test = test.id AND verdict.host = ground.host AND verdict.run = ground.id
"""

_HELD, _BROKE = {"PASS", "DONE"}, {"FAIL", "KNOWN", "ERROR"}  # 0 and 6, 1 to 3 in the question


@dataclass(frozen=True)
class KeptRun:
    """A run with its counts, in the order of WORDS."""

    name: str
    host: str
    kernel: str
    suite: str
    began: str
    counts: dict[str, int]


@dataclass(frozen=True)
class Said:
    """What a test said on a host and a kernel, how often, and when last (RFC 3339)."""

    test: str
    host: str
    kernel: str
    counts: dict[str, int]
    last: str


@dataclass(frozen=True)
class Point:
    """A measured row on a host and a kernel: the median of its runs' medians, the lowest and the highest of them, the smallest sample,
    and how much more that is than on the kernel before all others, as a part of it (None for that one, or if there is no ratio)."""

    row: str
    unit: str
    host: str
    mode: str
    kernel: str
    runs: int
    median: float
    low: float
    high: float
    minimum: float
    change: float | None


@dataclass(frozen=True)
class Wavering:
    """A test that held and broke on one build of a kernel, tried by one state of the suite."""

    test: str
    host: str
    kernel: str
    suite: str
    counts: dict[str, int]
    last: str


def runs(connection: sqlite3.Connection, host: str, kernel: str, since: str, until: str, limit: int) -> list[KeptRun]:
    """The newest runs; `host` and `kernel` are patterns, `since` and `until` days or times (RFC 3339; until: not after)."""
    asked = {"host": host, "kernel": kernel, "since": since, "until": until, "limit": limit}
    return [
        KeptRun(name, where, release, suite, began, dict(zip(WORDS, counted)))
        for name, where, release, suite, began, *counted in connection.execute(RUNS, asked)
    ]


def tests(connection: sqlite3.Connection, test: str, host: str, kernel: str) -> list[Said]:
    """What tests said: by test and host, kernels in the order in which they were first seen there. `test` is an id, a path or a pattern."""
    found: dict[tuple[str, str, str], tuple[int, dict[str, int], str]] = {}
    for name, where, release, word, number, first, _, began in connection.execute(TESTS, {"test": test, "host": host, "kernel": kernel}):
        seen, counts, last = found.get((name, where, release), (first, {}, began))
        counts[WORDS[word]] = number
        found[name, where, release] = min(seen, first), counts, max(last, began)
    order = sorted(found.items(), key=lambda item: (item[0][0], item[0][1], item[1][0]))
    return [Said(*key, counts, last) for key, (_, counts, last) in order]


def measured(connection: sqlite3.Connection, row: str, host: str, kernel: str) -> list[Point]:
    """How measured rows went: by row, host and what was counted, kernels in the order in which they were first seen there."""
    found: dict[tuple[str, str, str, str], dict[str, list[tuple[float, float]]]] = {}
    for name, unit, where, mode, release, _, _, middle, least in connection.execute(ROWS, {"row": row, "host": host, "kernel": kernel}):
        found.setdefault((name, unit, where, mode), {}).setdefault(release, []).append((middle, least))
    return [point for key, kernels in found.items() for point in _points(key, kernels)]


def _points(key: tuple[str, str, str, str], kernels: dict[str, list[tuple[float, float]]]) -> list[Point]:
    made: list[Point] = []
    for kernel, values in kernels.items():
        middles = [middle for middle, _ in values]
        middle = median(middles)
        change = middle / made[0].median - 1 if made and made[0].median else None
        least = min(one for _, one in values)
        made.append(Point(*key, kernel, len(values), middle, min(middles), max(middles), least, change))
    return made


def wavering(connection: sqlite3.Connection, host: str, last: int) -> list[Wavering]:
    """Tests that held in some and broke in others of the newest `last` runs of each host, on one build with one suite."""
    found: dict[tuple[str, ...], tuple[dict[str, int], str]] = {}
    for *key, word, number, began in connection.execute(FLAKY, {"host": host, "last": last}):
        counts, newest = found.get(tuple(key), ({}, began))
        found[tuple(key)] = {**counts, WORDS[word]: number}, max(newest, began)
    return [
        Wavering(test, where, kernel, suite, counts, newest)
        for (test, where, kernel, suite, _), (counts, newest) in found.items() if _wavers(list(counts))
    ]  # fmt: skip


def on_ground(
    connection: sqlite3.Connection, host: str, kernel: str, build: str | None, suite: str, limit: int
) -> dict[str, list[tuple[str, str]]]:
    """What the newest `limit` runs said on a host with one build of a kernel and one state of the suite: by run tests (ids) and words.
    `build` is the digest of the kernel's image, None for runs of which that is not known."""
    asked = {"host": stored(host), "kernel": stored(kernel), "build": build and stored(build), "suite": stored(suite), "limit": limit}
    found: dict[str, list[tuple[str, str]]] = {}
    for run, test, word in connection.execute(ON_GROUND, asked):
        found.setdefault(run, []).append((test, WORDS[word]))
    return found


def _wavers(words: Sequence[str]) -> bool:
    return bool(_HELD & set(words)) and bool(_BROKE & set(words))
