# SPDX-License-Identifier: GPL-2.0-only
"""Waivers (docs/results.md): known failures, each with its reason, a URL and a date on which it ends.

What is known is that the test's assertion fails. A splat or a lost target in the same test is another failure, unless the entry says that
it belongs to this one.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from results.journal import Left, PlannedTest
from results.model import Problem, Result, Run, Verdict, Waived

_TEXT_KEYS = ("test", "requirement", "driver", "kernel", "reason", "url")
_KEYS = (*_TEXT_KEYS, "host", "expires", "shows", "harmless")
_ASSERTION = "assertion"
_SHOWS = ("aer", "hang", "iommu-fault", "lost", "signal", "splat", "taint")  # what a FAIL may show beside an assertion


@dataclass(frozen=True)
class Waiver:
    """One entry. `number` counts from 1; patterns may hold `*`; None is no restriction, nor is no `host`. Exactly one of `test`
    and `requirement` is set. `shows` are codes of reasons, beside that of an assertion. What is `harmless` leaves the kernel as it was."""

    number: int
    reason: str
    url: str
    expires: date
    test: str | None = None
    requirement: str | None = None
    host: tuple[str, ...] = ()
    driver: str | None = None
    kernel: str | None = None
    shows: frozenset[str] = frozenset()
    harmless: bool = False

    def holds(self, host: str, kernel: str | None) -> bool:
        """Is it for this host and this kernel?"""
        return (not self.host or any(_in_scope(pattern, host) for pattern in self.host)) and _in_scope(self.kernel, kernel)

    def names(self, path: str, test_id: str, requirements: list[str]) -> bool:
        """Does `test` name the path or the id, or `requirement` one of the requirements?"""
        if self.test is not None:
            return _fits(self.test, path) or _fits(self.test, test_id)
        return any(_fits(self.requirement, one) for one in requirements)

    def covers(self, result: Result) -> bool:
        """Is it a failure that shows nothing but what is known?"""
        return result.verdict is Verdict.FAIL and {*result.shown} <= {_ASSERTION, *self.shows}

    def label(self) -> str:
        return f"waiver {self.number} ({self.test or self.requirement})"


@dataclass(frozen=True)
class WaiverFile:
    """The entries of a file that are sound, and what is wrong with the others."""

    name: str = "waivers"
    waivers: list[Waiver] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def load(path: Path) -> WaiverFile:
    """Reads a waiver file. Never raises: an entry with an error waives nothing, and the error names it."""
    try:
        return parse(path.name, path.read_bytes())
    except OSError as error:
        return WaiverFile(path.name, [], [f"{path.name}: cannot be read: {error.strerror}"])


def parse(name: str, data: bytes) -> WaiverFile:
    """The same of the bytes of a file that is called `name`."""
    try:
        content = tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return WaiverFile(name, [], [f"{name}: no TOML: {error}"])
    except RecursionError:
        return WaiverFile(name, [], [f"{name}: nested too deep"])
    errors = [f"{name}: unknown key '{key}'" for key in content if key != "waiver"]
    entries = content.get("waiver", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return WaiverFile(name, [], errors + [f"{name}: 'waiver' is no list of tables; write [[waiver]]"])
    waivers = []
    for number, entry in enumerate(entries, 1):
        wrong = _wrong(entry)
        errors += [f"{name}: waiver {number}: {text}" for text in wrong]
        if not wrong:
            host, shows = entry.get("host", []), entry.get("shows", [])
            hosts = (host,) if isinstance(host, str) else tuple(host)
            waivers.append(Waiver(number=number, **entry | {"host": hosts, "shows": frozenset(shows)}))
    return WaiverFile(name, waivers, errors)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _wrong(entry: dict[str, Any]) -> list[str]:
    """Everything that is wrong with one entry, each text naming the key."""
    wrong = [f"unknown key '{key}'" for key in entry if key not in _KEYS]
    for key in _TEXT_KEYS:
        if key in entry and not _is_text(entry[key]):
            wrong.append(f"'{key}' is no text")
    if "host" in entry and not _is_text(entry["host"]):
        host = entry["host"]
        if not isinstance(host, list) or not host or not all(map(_is_text, host)):
            wrong.append("'host' is no text, and no list of texts")
    wrong += [f"no '{key}'" for key in ("reason", "url", "expires") if key not in entry]
    if ("test" in entry) == ("requirement" in entry):
        wrong.append("give one of 'test' and 'requirement'")
    url = entry.get("url")
    if isinstance(url, str) and url.strip() and not re.match(r"https?://[^\s/]", url):
        wrong.append(f"'url' is no http or https address: {url}")
    shows = entry.get("shows", [])
    if not isinstance(shows, list) or not all(code in _SHOWS for code in shows):
        wrong.append(f"'shows' is no list of codes; known: {', '.join(_SHOWS)}")
    if not isinstance(entry.get("harmless", False), bool):
        wrong.append("'harmless' is neither true nor false")
    expires = entry.get("expires")
    if "expires" in entry and (not isinstance(expires, date) or isinstance(expires, datetime)):
        wrong.append("'expires' is no date; write it as 2027-03-31, without quotes")
    return wrong


def apply(run: Run, file: WaiverFile, unselected: list[Left], today: date) -> Run:
    """Marks the known failures of a run and adds the errors of the waiver file to its problems.

    A waiver holds through the day on which it expires. Of two that name a result the first counts.
    `unselected` are the tests that the run left out: a waiver for one of them is left aside.
    """
    problems = [Problem("waiver", text) for text in file.errors]
    results = list(run.results)
    for waiver in file.waivers:
        if not waiver.holds(run.host, run.kernel):
            continue
        error = _apply_one(run, waiver, results, unselected, today)
        if error is not None:
            problems.append(Problem("waiver", f"{file.name}: {waiver.label()}: {error}"))
    return replace(run, results=results, problems=run.problems + problems)


def known(file: WaiverFile, host: str, kernel: str | None, tests: Iterable[PlannedTest]) -> dict[str, bool]:
    """Those tests, by id, of which a failure is known, and whether it leaves the kernel as it was: then the next test can run on it."""
    held = [waiver for waiver in file.waivers if waiver.holds(host, kernel)]
    found = ((test.id, [waiver for waiver in held if waiver.names(test.path, test.id, test.requirements)]) for test in tests)
    return {test: all(waiver.harmless for waiver in named) for test, named in found if named}


def _apply_one(
    run: Run, waiver: Waiver, results: list[Result], unselected: list[Left], today: date
) -> str | None:
    """Marks in `results` what one waiver names; returns what is wrong with the waiver."""
    named = [at for at, one in enumerate(results) if waiver.names(one.path, one.id, one.requirements)]
    if not named:
        left = any(waiver.names(one.path, one.path, one.requirements) for one in unselected)
        return None if left else "it matches no test"
    if waiver.driver is not None:
        named = [at for at in named if _in_scope(waiver.driver, run.drivers.get(results[at].device or ""))]
        if not named:
            return None
    if today > waiver.expires:
        return f"it expired on {waiver.expires}: renew it with a reason, or remove it"
    verdicts = {results[at].verdict for at in named}
    if Verdict.FAIL not in verdicts and verdicts & {Verdict.PASS, Verdict.DONE}:
        return "what it waives passed: remove it"
    for at in named:
        if waiver.covers(results[at]) and results[at].waived is None:
            results[at] = replace(results[at], waived=Waived(waiver.reason, waiver.url, waiver.expires))
    return None


def _in_scope(pattern: str | None, value: str | None) -> bool:
    return pattern is None or (value is not None and _fits(pattern, value))


def _fits(pattern: str | None, value: str) -> bool:
    """`*` stands for any characters; nothing else in a pattern is special."""
    if pattern is None:
        return False
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), value) is not None
