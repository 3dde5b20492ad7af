# SPDX-License-Identifier: GPL-2.0-only
"""What `iommu-cts compare` is given: each operand is one side, a kernel in one or more boots."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.errors import UsageError
from results import bench
from results.samples import Key, Measured, Param
from results.text import one_line
from results.typed import ShapeError, decode
from runner import run as running

INSTRUCTIONS, TIME = "instructions", "time"
UNKNOWN = "unknown"
REPORT = "results.json"
MEASURED = ("DONE", "PASS")  # of a test that failed nobody knows what the clock saw


@dataclass(frozen=True)
class Sampled:
    """A measurement as results.json has it."""

    measure: str
    unit: str
    better: str
    params: dict[str, Any]
    samples: list[float]


@dataclass(frozen=True)
class Reason:
    """Why a verdict is none of PASS and DONE."""

    code: str
    text: str


@dataclass(frozen=True)
class Told:
    """A result as results.json has it, as far as it is compared."""

    id: str
    path: str
    verdict: str
    device: str | None = None
    reason: Reason | None = None
    waived: dict[str, Any] | None = None
    measurements: list[Sampled] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def word(self) -> str:
        """KCIDB's verdict, or KNOWN for a waived failure."""
        return "KNOWN" if self.waived is not None else self.verdict


@dataclass(frozen=True)
class _Head:
    id: str
    host: str
    started: str | None
    suite: dict[str, Any]


@dataclass(frozen=True)
class Boot:
    """One boot's results.json: the fields that are compared."""

    run: _Head
    environment: dict[str, Any]
    results: list[Told]

    def fact(self, *names: str) -> str | None:
        """A fact of the environment, by the keys that lead to it."""
        value: Any = self.environment
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        return None if value is None else str(value)

    @property
    def mode(self) -> str:
        """What its clock counts."""
        return INSTRUCTIONS if self.fact("accelerator") == "icount" else TIME

    @property
    def release(self) -> str | None:
        """The kernel's release."""
        return self.fact("target", "uname", "release") or self.fact("kernel", "release")

    @property
    def suite(self) -> str:
        """The suite's commit, marked if its tree was changed."""
        return str(self.run.suite.get("commit", "unknown"))[:12] + ("+" if self.run.suite.get("dirty") else "")


@dataclass(frozen=True)
class Side:
    """A kernel with all its boots. `notes` say what of it was left out, `unfit` why it must not be compared."""

    name: str
    label: str
    host: str
    mode: str
    unfit: list[str]
    boots: list[Boot]
    notes: list[str]
    kernel: dict[str, Any] = field(default_factory=dict)

    def all_of(self, *names: str) -> str:
        """A fact of the environment; those of all boots if they differ."""
        return together(boot.fact(*names) for boot in self.boots)

    def releases(self) -> str:
        """The kernel's release."""
        return together(boot.release for boot in self.boots)

    def suites(self) -> str:
        """The suite's commit."""
        return together(boot.suite for boot in self.boots)

    def unit(self, recorded: str) -> str:
        """A unit for a reader: where the clock counts instructions, one ns is one instruction."""
        return "instructions" if self.mode == INSTRUCTIONS and recorded == "ns" else recorded

    def results(self) -> dict[str, list[Told]]:
        """What each boot says of each test, by id."""
        found: dict[str, list[Told]] = {}
        for boot in self.boots:
            for result in boot.results:
                found.setdefault(result.id, []).append(result)
        return found


def together(words: Iterable[str | None]) -> str:
    """The different words of several; UNKNOWN for None."""
    return " and ".join(dict.fromkeys(UNKNOWN if word is None else word for word in words))


def _boot(path: Path, way_out: str) -> Boot:
    if not path.is_file():
        raise UsageError(f"{path}: not there; {way_out}")
    document = bench.read_json(path, "iommu-cts/results", 1)
    try:
        boot = decode(Boot, document)
        for result in boot.results:
            for one in result.measurements:
                _check(one)
        return boot
    except ShapeError as error:
        raise UsageError(f"{path}: {error}; {way_out}") from error


def _check(one: Sampled) -> None:
    for name, value in one.params.items():
        if not isinstance(value, Param):
            raise ShapeError(f"parameter '{name}' of {one.measure} is no text and no number")


def _of_bench(folder: Path) -> Side:
    about = bench.read(folder)
    notes = [] if about.finished else ["the bench did not come to its end"]
    boots = []
    for one in about.boots:
        if one.why != bench.FINISHED:
            notes.append(f"{one.run} is left out, its end was: {one_line(one.why)}")
            continue
        run = folder / one.run
        boots.append(_boot(run / REPORT, f"`iommu-cts report {run}` makes it"))
        if boots[-1].mode != about.mode or boots[-1].run.host != about.host:
            raise UsageError(f"{run}: of host {boots[-1].run.host}, in {boots[-1].mode}; {bench.FILE} says {about.host}, {about.mode}")
    if not boots:
        raise UsageError(f"{folder / bench.FILE}: no boot came to its end, there is nothing to compare")
    return Side(about.id, one_line(about.label), about.host, about.mode, list(about.unfit), boots, notes, about.kernel)


def _of_run(path: Path) -> Side:
    boot = _boot(path, f"`iommu-cts report {path.parent}` makes it")
    config = path.with_name("kernel.config")
    reasons, notes = [], []
    if config.is_file():
        reasons = bench.unfit(config.read_text("utf-8", "replace"))
    else:
        notes = [f"no {config.name} lies beside the run: nobody knows what debugging is in the kernel"]
    return Side(boot.run.id, boot.release or boot.run.id, boot.run.host, boot.mode, reasons, [boot], notes)


def load(operand: str) -> Side:
    """The side that an operand names: a bench, a run, or a results.json. UsageError if there is none or it can't be read."""
    folder = bench.find(operand)
    if folder is not None:
        return _of_bench(folder)
    if operand == "last":
        raise UsageError(f"{bench.BENCHES} has no bench yet; name a run")
    if Path(operand).is_file():
        return _of_run(Path(operand))
    for path in (Path(operand), running.RUNS / operand):
        if (path / REPORT).is_file() or (path / "journal.jsonl").is_file():
            return _of_run(path / REPORT)
    raise UsageError(
        f"{operand}: no bench of that name in {bench.BENCHES}, no run in {running.RUNS}, and no folder with a {bench.FILE} or a {REPORT}"
    )


def rows(sides: list[Side]) -> list[dict[Key, Measured]]:
    """The rows of each side. Where one side measured a test on several devices the device tells its rows apart, else it is of no
    matter: another host has it elsewhere."""
    devices: dict[str, int] = {}
    for side in sides:
        seen: dict[str, set[str | None]] = {}
        for boot in side.boots:
            for result in boot.results:
                if result.measurements and result.verdict in MEASURED:
                    seen.setdefault(result.path, set()).add(result.device)
        for path, named in seen.items():
            devices[path] = max(devices.get(path, 0), len(named))
    return [_rows(side, {path for path, number in devices.items() if number > 1}) for side in sides]


def _rows(side: Side, by_device: set[str]) -> dict[Key, Measured]:
    found: dict[Key, Measured] = {}
    for number, boot in enumerate(side.boots):
        for result in boot.results:
            for one in result.measurements if result.verdict in MEASURED else []:
                if not one.samples:
                    continue
                params = dict(one.params)
                if result.path in by_device:
                    params["device"] = result.device or "none"
                key = Key(result.path, one.measure, tuple(sorted(params.items())))
                counted = side.mode == INSTRUCTIONS and one.unit == "ns"
                row = found.setdefault(key, Measured(one.unit, one.better, [[] for _ in side.boots], counted))
                row.boots[number].extend(one.samples)
    return found
