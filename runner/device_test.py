# SPDX-License-Identifier: GPL-2.0-only
"""`iommu-cts device-test`: what the driver of a device claims, and what of it was seen working.

The tests are those of suites/device/, run and judged like any others; one file of them is one line here.
"""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.text import Text

from results import journal
from results.model import Result, Run, Verdict
from results.text import printable

SELECT = "device/*"
ABOUT = "about"
WIDTH = 34  # of the first column

# What each file of suites/device/ shows, in the order of the table.
CHECKS = {
    "write": "writes known bytes",
    "read": "shows what it reads",
    "copy": "copies",
    "msi": "sends an MSI",
    "storm": "storms until stopped",
    "autonomous": "writes on by itself",
    "stubborn": "storms through resets",
    "reach": "reaches its highest IOVA",
    "refused": "changes nothing when refused",
    "rings": "outlives the loss of its rings",
    "killed": "is silent for its next user",
}

NOT_CLAIMED = ("device-lacks", "not-driven")  # reasons of a skip: the driver does not claim it
_STYLES = {"works": "green", "does not work": "bold red", "not claimed": "cyan", "not known": "bold magenta"}


@dataclasses.dataclass(frozen=True)
class Check:
    """One line: `state` is a key of _STYLES, `why` says what is behind anything but "works"."""

    name: str
    what: str
    state: str
    why: str = ""


@dataclasses.dataclass(frozen=True)
class Device:
    """One device. `facts` is what its driver says of it, by name; `write_ns` how long its smallest write took."""

    bdf: str
    id: str
    facts: dict[str, str]
    write_ns: float | None
    checks: list[Check]


def _facts(folder: Path) -> dict[str, dict[str, str]]:
    """The facts that the tests recorded (lib/record.h), by the id of the test."""
    found: dict[str, dict[str, str]] = {}
    for entry in journal.read(folder / "journal.jsonl").entries:
        if not isinstance(entry, journal.EventEntry) or entry.event.get("ev") != "record":
            continue
        record = entry.event.get("record")
        fact = record.get("fact") if isinstance(record, dict) else None
        if isinstance(fact, dict):
            found.setdefault(str(entry.event.get("id")), {}).update({str(name): str(text) for name, text in fact.items()})
    return found


def _why(result: Result) -> str:
    """The test that went wrong and the first thing that it said."""
    said = next((line for evidence in result.evidence for line in evidence.text.splitlines() if line.strip()), "")
    return ": ".join(part for part in (result.path, said or (result.reason.text if result.reason else "")) if part)


def _check(name: str, results: Sequence[Result]) -> Check:
    what = CHECKS.get(name, name)
    for verdict, state in ((Verdict.FAIL, "does not work"), (Verdict.ERROR, "not known"), (Verdict.MISS, "not known")):
        bad = [result for result in results if result.verdict is verdict]
        if bad:
            return Check(name, what, state, _why(bad[0]))
    if any(result.verdict is Verdict.PASS for result in results):
        return Check(name, what, "works")
    reasons = [result.reason for result in results if result.reason]
    others = [reason for reason in reasons if reason.code not in NOT_CLAIMED]
    return Check(name, what, "not known", others[0].text) if others else Check(name, what, "not claimed")


def devices(run: Run, folder: Path) -> list[Device]:
    """The devices of a judged run of suites/device/, in its order."""
    facts = _facts(folder)
    ids = {device["bdf"]: f"{device['vendor']}:{device['device']}" for device in run.environment.get("devices", [])}
    found = []
    for bdf in dict.fromkeys(result.device for result in run.results if result.device):
        mine = [result for result in run.results if result.device == bdf]
        by_file: dict[str, list[Result]] = {name: [] for name in CHECKS}
        for result in mine:
            by_file.setdefault(result.path.split("/")[1], []).append(result)
        about = by_file.pop(ABOUT, [])
        said = {name: text for result in about for name, text in facts.get(result.id, {}).items()}
        times = [sample for result in about for row in result.measurements for sample in row.samples]
        checks = [_check(name, results) for name, results in by_file.items() if results]
        found.append(Device(bdf, ids.get(bdf, ""), said, median(times) if times else None, checks))
    return found


def _time(ns: float) -> str:
    return f"{ns / 1e6:.1f} ms" if ns >= 1e6 else f"{ns / 1e3:.1f} us"


def print_tables(found: Sequence[Device], console: Console) -> None:
    """One table for each device; what does not work is followed by a line that says what was seen."""
    for device in found:
        driver = device.facts.get("driver")
        _line(console, f"\n{device.bdf}", "bold", f"  {device.id}  {f'driver {driver}' if driver else 'no driver in lib/drivers/'}")
        for check in device.checks:
            _line(console, f"  {check.what:<{WIDTH}}", "", check.state, _STYLES[check.state])
            if check.why:
                _line(console, f"    {printable(check.why)}")
        rows = {name: text for name, text in device.facts.items() if name != "driver"}
        if device.write_ns is not None:
            rows["time of the smallest write"] = _time(device.write_ns)
        for name, text in rows.items():
            _line(console, f"  {name:<{WIDTH}}{printable(text)}")


def _line(console: Console, text: str, style: str = "", rest: str = "", rest_style: str = "") -> None:
    console.print(Text.assemble((text, style), (rest, rest_style)), soft_wrap=True)


def as_json(found: Sequence[Device]) -> str:
    """The same for programs."""
    return json.dumps([dataclasses.asdict(device) for device in found], indent=2)
