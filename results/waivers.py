# SPDX-License-Identifier: GPL-2.0-only
"""Waivers (docs/results.md): known failures, each with its reason, a URL and a date on which it ends.

What is known is that the test's assertion fails. A splat or a lost target in the same test is another failure, unless the entry says that
it belongs to this one.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from results import waiver_scope as scope
from results.journal import Left, PlannedTest
from results.model import Problem, Result, Run, Verdict, Waived

_TEXT_KEYS = ("test", "requirement", "driver", "kernel", "reason", "url", "owner")
_LIST_KEYS = ("host", "device")  # one text, or several
_KEYS = (*_TEXT_KEYS, *_LIST_KEYS, "expires", "shows", "harmless")
ASSERTION = "assertion"
# What RFC 3986 has for a URI: it becomes a link, and KCIDB takes nothing else.
_URL = re.compile(r"https?://[A-Za-z0-9\[][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*")
_SHOWS = ("aer", "hang", "iommu-fault", "lost", "signal", "splat", "taint")  # what a FAIL may show beside an assertion


@dataclass(frozen=True)
class Waiver:
    """One entry. `number` counts from 1; patterns may hold `*`; None is no restriction, nor is no `host` or `device`. Exactly one of `test`
    and `requirement` is set. `kernel` is a pattern or a range. `shows` are codes of reasons, beside that of an assertion. What is
    `harmless` leaves the kernel as it was."""

    number: int
    reason: str
    url: str
    expires: date
    test: str | None = None
    requirement: str | None = None
    host: tuple[str, ...] = ()
    driver: str | None = None
    kernel: str | None = None
    device: tuple[str, ...] = ()
    owner: str | None = None
    shows: frozenset[str] = frozenset()
    harmless: bool = False

    def holds(self, host: str, kernel: str | None) -> bool:
        """Is it for this host and this kernel?"""
        return (not self.host or any(scope.fits(pattern, host) for pattern in self.host)) and scope.kernel_in(self.kernel, kernel)

    def names(self, path: str, test_id: str, requirements: list[str]) -> bool:
        """Does `test` name the path or the id, or `requirement` one of the requirements?"""
        if self.test is not None:
            return scope.fits(self.test, path) or scope.fits(self.test, test_id)
        return self.requirement is not None and any(scope.fits(self.requirement, one) for one in requirements)

    def is_for(self, device: str | None, ids: Mapping[str, str]) -> bool:
        """Is it for this device? `ids` are vendor and device id, by address."""
        return scope.device_in(self.device, device, ids)

    def covers(self, result: Result) -> bool:
        """Is it a failure that shows nothing but what is known?"""
        return result.verdict is Verdict.FAIL and {*result.shown} <= {ASSERTION, *self.shows}

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
            several = {key: _several(entry.get(key, [])) for key in _LIST_KEYS}
            waivers.append(Waiver(number=number, **entry | several | {"shows": frozenset(entry.get("shows", []))}))
    return WaiverFile(name, waivers, errors)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _several(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _wrong(entry: dict[str, Any]) -> list[str]:
    """Everything that is wrong with one entry, each text naming the key."""
    wrong = [f"unknown key '{key}'" for key in entry if key not in _KEYS]
    for key in _TEXT_KEYS:
        if key in entry and not _is_text(entry[key]):
            wrong.append(f"'{key}' is no text")
    for key in _LIST_KEYS:
        value = entry.get(key, "-")
        if not _is_text(value) and (not isinstance(value, list) or not value or not all(map(_is_text, value))):
            wrong.append(f"'{key}' is no text, and no list of texts")
    wrong += [f"no '{key}'" for key in ("reason", "url", "expires") if key not in entry]
    if ("test" in entry) == ("requirement" in entry):
        wrong.append("give one of 'test' and 'requirement'")
    url = entry.get("url")
    if isinstance(url, str) and url.strip() and not _URL.fullmatch(url):
        wrong.append(f"'url' is no http or https address: {url}")
    shows = entry.get("shows", [])
    if not isinstance(shows, list) or not all(code in _SHOWS for code in shows):
        wrong.append(f"'shows' is no list of codes; known: {', '.join(_SHOWS)}")
    if not isinstance(entry.get("harmless", False), bool):
        wrong.append("'harmless' is neither true nor false")
    expires = entry.get("expires")
    if "expires" in entry and (not isinstance(expires, date) or isinstance(expires, datetime)):
        wrong.append("'expires' is no date; write it as 2027-03-31, without quotes")
    return wrong or _senseless(entry)


def _senseless(entry: dict[str, Any]) -> list[str]:
    """What is wrong with the scope of an entry whose values are of the right kind."""
    found = [scope.wrong_device(device) for device in _several(entry.get("device", []))]
    found += [scope.wrong_kernel(entry.get("kernel", "")), scope.too_wide(entry.get("test"), entry.get("requirement"))]
    return [text for text in found if text]


def apply(run: Run, file: WaiverFile, unselected: list[Left], today: date) -> Run:
    """Marks the known failures of a run and adds the errors of the waiver file to its problems.

    A waiver holds through the day on which it expires. Of two that name a result the first counts.
    `unselected` are the tests that the run left out: a waiver for one of them is left aside.
    """
    ids = device_ids(run.environment.get("devices"))
    problems = [Problem("waiver", text) for text in file.errors]
    results = list(run.results)
    for waiver in file.waivers:
        if not waiver.holds(run.host, run.kernel):
            continue
        error = _apply_one(run, waiver, results, unselected, today, ids)
        if error is not None:
            problems.append(Problem("waiver", f"{file.name}: {waiver.label()}: {error}"))
    return replace(run, results=results, problems=run.problems + problems)


def device_ids(devices: object) -> dict[str, str]:
    """Vendor and device id, as 8086:10c9, by address, of the devices in a run's environment."""
    found = [one for one in devices if isinstance(one, dict)] if isinstance(devices, list) else []
    return {str(one.get("bdf")): f"{one.get('vendor')}:{one.get('device')}" for one in found}


def known(
    file: WaiverFile, host: str, kernel: str | None, tests: Iterable[PlannedTest], ids: Mapping[str, str]
) -> dict[str, bool]:
    """Those tests, by id, of which a failure is known, and whether it leaves the kernel as it was: then the next test can run on it. `ids`
    are vendor and device id, by address."""
    held = [waiver for waiver in file.waivers if waiver.holds(host, kernel)]
    found = (
        (test.id, [one for one in held if one.names(test.path, test.id, test.requirements) and one.is_for(test.device, ids)])
        for test in tests
    )
    return {test: all(waiver.harmless for waiver in named) for test, named in found if named}


def _apply_one(
    run: Run, waiver: Waiver, results: list[Result], unselected: list[Left], today: date, ids: Mapping[str, str]
) -> str | None:
    """Marks in `results` what one waiver names; returns what is wrong with the waiver."""
    named = [at for at, one in enumerate(results) if waiver.names(one.path, one.id, one.requirements)]
    if not named:
        left = any(waiver.names(one.path, one.path, one.requirements) for one in unselected)
        return None if left else "it matches no test"
    if waiver.driver is not None:
        named = [at for at in named if scope.fits(waiver.driver, run.drivers.get(results[at].device or "", ""))]
    named = [at for at in named if waiver.is_for(results[at].device, ids)]
    if not named:
        return None
    if today > waiver.expires:
        return f"it expired on {waiver.expires}: renew it with a reason, or remove it"
    verdicts = {results[at].verdict for at in named}
    if Verdict.FAIL not in verdicts and verdicts & {Verdict.PASS, Verdict.DONE}:
        return "what it waives passed: remove it"
    passed = [results[at].id for at in named if results[at].verdict in (Verdict.PASS, Verdict.DONE)]
    if passed:
        more = f"{len(passed)} of the {len(named)} tests that it names passed, such as {passed[0]}"
        return f"it is too broad: {more}; name those that fail, or their device"
    for at in named:
        if waiver.covers(results[at]) and results[at].waived is None:
            results[at] = replace(results[at], waived=Waived(waiver.reason, waiver.url, waiver.expires))
    return None
