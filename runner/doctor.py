# SPDX-License-Identifier: GPL-2.0-only
"""`iommu-cts doctor`: what a host offers and lacks, and the way out of each lack. Nothing on the host is changed."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import re
import shlex
import subprocess
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
from rich.console import Console
from rich.text import Text

from lab import host, qemu, scratch, survey, toolbox
from lab.arch import NATIVE
from lab.errors import LabError, UsageError
from lab.progress import Step
from results.journal import Writer
from results.text import one_line
from results.typed import ShapeError
from runner import facts as facts_of
from runner import labwork
from runner import run as running
from runner.facts import Facts
from runner.findings import Finding, Status, examine, ok, warning
from runner.findings_device import examine_device
from runner.session import Lost, Session, Take
from runner.targets import choose
from runner.targets.qemu import QemuTarget
from runner.targets.remote import Remote

SCHEMA = Path(__file__).resolve().parent.parent / "results" / "schema" / "doctor-1.json"
EXIT_READY = 0
EXIT_LACKING = 1
WIDTH = 100
UNPACK_S = 120.0
REMOTE_CONFIG = '{ gzip -dc /proc/config.gz || cat "/boot/config-$(uname -r)" "/lib/modules/$(uname -r)/config"; true; } 2>/dev/null'
_STYLES = {Status.LACK: "bold red", Status.WARNING: "yellow", Status.UNKNOWN: "cyan", Status.OK: "green"}
_ORDER = (Status.LACK, Status.WARNING, Status.UNKNOWN, Status.OK)


@dataclasses.dataclass(frozen=True)
class Examined:
    """A host, the functions that were looked at for a run, and what was found."""

    host: str
    devices: list[str]
    findings: list[Finding]
    facts: Facts

    @property
    def ready(self) -> bool:
        """Can a test run, on the named functions if there are any?"""
        return all(finding.status is not Status.LACK for finding in self.findings)


def options_of(config: str | None) -> dict[str, str] | None:
    """The options of a kernel's configuration that are not off, without CONFIG_."""
    if config is None:
        return None
    return dict(re.findall(r"^CONFIG_(\w+)=(.*)$", config, re.MULTILINE))


def _read(text: str) -> Facts:
    try:
        return facts_of.read(text)
    except ShapeError as error:
        raise LabError(f"cts-survey said what can't be understood: {error}") from error


def _local_config(release: str) -> str | None:
    for path in (Path("/proc/config.gz"), Path(f"/boot/config-{release}"), Path(f"/lib/modules/{release}/config")):
        try:
            raw = path.read_bytes()
        except OSError:
            continue
        return (running.unpacked(raw) if path.suffix == ".gz" else raw).decode(errors="replace")
    return None


def _virtual_hosts(box: toolbox.Toolbox, facts: Facts) -> Finding:
    """Can this machine run the virtual hosts?"""
    need = max((host.find(name).memory_mib for name in host.names()), default=0)
    what = f"QEMU {box.versions[NATIVE.emulator]} in the toolbox, by software emulation"
    if facts.available_kib >> 10 >= need:
        return ok("virtual-hosts", what)
    return warning("virtual-hosts", f"{what}; {facts.available_kib >> 10} MiB of memory are free",
                   f"the largest takes {need} MiB", "free some, or lower memory_mib in lab/hosts/")  # fmt: skip


def _local(named: Sequence[str]) -> Examined:
    box = toolbox.obtain()
    command = survey.command(str(survey.build(box)))
    done = subprocess.run([*command, *named], capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL)
    if done.returncode:
        raise LabError(f"cts-survey failed: {done.stderr.strip() or f'exit code {done.returncode}'}")
    facts = _read(done.stdout)
    findings = examine(facts, options_of(_local_config(facts.kernel.release)), virtual=False)
    findings.append(_virtual_hosts(box, facts))
    return Examined("local", list(named), findings, facts)


def _remote(where: host.Host, named: Sequence[str]) -> Examined:
    """A host that ssh reaches: cts-survey lies there, in a folder of its own, for as long as it takes."""
    assert where.ssh is not None
    built = survey.build(toolbox.obtain())
    devices = choose.tested(where, named, []) if named or where.allowed else []
    with scratch.folder() as work, Step(f"looking at {where.name}"), contextlib.closing(Remote(where.ssh, work)) as there:
        folder = there.new_folder()
        try:
            there.unpack(f"cd {shlex.quote(folder)} && exec tar -xf -", {path.name: path for path in built.iterdir()}, UNPACK_S)
            said = there.run("cts-survey", shlex.join([*survey.command(folder), *devices]))
            config = there.run("its configuration", REMOTE_CONFIG)
        finally:
            there.run("cleaning up", f"rm -rf {shlex.quote(folder)}")
    facts = _read(said)
    return Examined(where.name, devices, examine(facts, options_of(config or None), virtual=False), facts)


def _virtual(where: host.Host, named: Sequence[str], arguments: argparse.Namespace) -> Examined:
    with scratch.folder() as folder:
        machine = labwork.machine(arguments, folder)
        target = QemuTarget(machine)
        with Writer(folder / "journal.jsonl") as journal, Step(f"looking at {where.name}"):
            session = Session(target, journal)
            try:
                inventory = session.boot()
                devices = list(named) or [one.bdf for one in choose.devices(where, [], inventory) if isinstance(one, Take)]
                said = session.command([*survey.command(f"/{qemu.SURVEY}"), *devices])
                raw = session.read_file("/proc/config.gz")
            except Lost as lost:
                raise LabError(f"the virtual host was lost ({lost})\n{target.console()}".rstrip()) from lost
            finally:
                target.power_off()
    facts = _read(said)
    if raw is not None:
        raw = running.unpacked(raw)
    elif machine.kernel.config:
        raw = machine.kernel.config.read_bytes()
    config = None if raw is None else raw.decode(errors="replace")
    return Examined(where.name, devices, examine(facts, options_of(config), virtual=True), facts)


def look(arguments: argparse.Namespace) -> Examined:
    """Takes the facts from the host that the command line names, and examines them. LabError if they can't be had."""
    where = host.find(arguments.host)
    named = list(dict.fromkeys(arguments.device))
    if where.target == "local":
        if arguments.kernel or arguments.modules:
            raise UsageError("--kernel and --modules are for virtual hosts; the local host runs the kernel that it runs")
        if arguments.accel != running.Options.accel:
            raise UsageError("--accel is for virtual hosts; the local host emulates nothing")
        seen = _local(named)
    elif where.target == "ssh":
        if arguments.kernel or arguments.modules or arguments.accel != running.Options.accel:
            raise UsageError(f"--kernel, --modules and --accel are for virtual hosts; host {where.name} is looked at as it is")
        seen = _remote(where, named)
    else:
        seen = _virtual(where, named, arguments)
    findings = list(seen.findings)
    for bdf in seen.devices:
        findings += examine_device(seen.facts, bdf, virtual=not where.real)
    return dataclasses.replace(seen, findings=findings)


def document(seen: Examined) -> dict[str, Any]:
    """The object of --json, as results/schema/doctor-1.json has it. LabError if it isn't: an error of this program."""
    built = {
        "schema": "iommu-cts/doctor",
        "version": 1,
        "host": seen.host,
        "ready": seen.ready,
        "devices": seen.devices,
        "findings": [dataclasses.asdict(finding) | {"status": finding.status.value} for finding in seen.findings],
        "facts": seen.facts.raw,
    }
    error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8"))).iter_errors(built))
    if error is not None:
        raise LabError(f"the findings do not follow {SCHEMA.name} at {error.json_path}: {error.message}")
    return built


def _paragraph(console: Console, label: str, text: str, indent: int) -> None:
    for number, line in enumerate(textwrap.wrap(text, max(30, WIDTH - indent - 5))):
        console.print(Text(" " * indent + (label if number == 0 else "").ljust(5), "dim").append(line, "default"), soft_wrap=True)


def _show(console: Console, finding: Finding, width: int) -> None:
    head = Text(f"{finding.status.value:<9}", _STYLES[finding.status])
    indent = 9 + width + 2
    first, *rest = textwrap.wrap(one_line(finding.what), WIDTH - indent) or [""]
    head.append(f"{finding.id:<{width}}  ", "bold").append(first, "default")
    console.print(head, soft_wrap=True)
    for line in rest:
        console.print(" " * indent + line, soft_wrap=True, highlight=False)
    _paragraph(console, "why", one_line(finding.why), indent)
    _paragraph(console, "do", one_line(finding.way_out), indent)


def _candidates(console: Console, facts: Facts) -> None:
    """Where no function is named: those that could be."""
    endpoints = [one for one in facts.functions if not one.bridge and not one.class_code.startswith("06")]
    if not endpoints:
        return
    console.print("\nfunctions that can be named, to be looked at more closely", style="bold")
    for one in endpoints:
        group = facts.group_of(one)
        where = "no group" if group is None else f"group {group.group}"
        if group is not None and len(group.members) > 1:
            where += f" of {len(group.members)}"
        line = f"  {one.bdf}  {one.id}  class {one.class_code}  {where}  {one.driver or 'no driver'}"
        console.print(line, soft_wrap=True, highlight=False)


def show(seen: Examined, console: Console) -> None:
    """The findings for a reader: what bars tests first, then the rest, then what is well."""
    kernel = seen.facts.kernel
    console.print(Text(f"host {seen.host}", "bold").append(f"  Linux {kernel.release} {kernel.machine}", "default"))
    width = max(len(finding.id) for finding in seen.findings)
    for device in [None, *seen.devices]:
        console.print(f"\n{device}" if device else "", style="bold", highlight=False)
        mine = [finding for finding in seen.findings if finding.device == device]
        for finding in sorted(mine, key=lambda finding: _ORDER.index(finding.status)):
            _show(console, finding, width)
    if not seen.devices:
        _candidates(console, seen.facts)
    console.print(f"\n{_verdict(seen)}", highlight=False)


def _verdict(seen: Examined) -> str:
    counts = {status: sum(one.status is status for one in seen.findings) for status in _ORDER}
    parts = [(counts[Status.WARNING], "warning" + "s" * (counts[Status.WARNING] > 1)), (counts[Status.UNKNOWN], "unknown")]
    rest = ", ".join(f"{number} {name}" for number, name in parts if number)
    if not seen.ready:
        return f"no test can run: {counts[Status.LACK]} lack{'s' * (counts[Status.LACK] > 1)}" + (f", {rest}" if rest else "")
    where = "on these functions" if seen.devices else "on this host; name a function to have it looked at"
    return f"tests can run {where}" + (f" ({rest})" if rest else "")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """The command: prints what was found and returns the exit code."""
    seen = look(arguments)
    if arguments.json:
        print(json.dumps(document(seen), indent=1))
    else:
        show(seen, console)
    return EXIT_READY if seen.ready else EXIT_LACKING
