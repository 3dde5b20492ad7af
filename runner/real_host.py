# SPDX-License-Identifier: GPL-2.0-only
"""What can be asked of a real host without a run: what one would change there (`run --dry-run`), and to put back what one left
(`iommu-cts restore`)."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from lab import binaries, host, ksrc, scratch
from lab.errors import LabError, UsageError
from results.journal import Writer
from results.text import printable
from runner import suite
from runner.session import Lost, Session, Take
from runner.targets import Target, choose
from runner.targets.local import LocalTarget
from runner.targets.ssh import SshTarget

EXIT_FREE = EXIT_DONE = 0
EXIT_REFUSED = 1

RESTORE_CODES = """exit codes:
  0    everything is as it was before
  1    something could not be given back; it is named, and stays noted
  2    wrong usage
  3    the host could not be asked, or another run is at work there
"""


@contextlib.contextmanager
def _session(where: host.Host, work: Path) -> Iterator[Session]:
    """A session that changes nothing by itself; its journal is nobody's."""
    if not where.real:
        raise UsageError(f"host {where.name} is a virtual one: nothing of it outlives a run")
    box, source = ksrc.with_toolbox(None, where.machine.toolbox)
    programs = binaries.build(box, source, suite.label(), arch=where.machine)
    target: Target = LocalTarget(programs.cts_exec, work)
    if where.target == "ssh":
        none = dataclasses.replace(programs, suites={})
        target = SshTarget(where, none, None, work, work / "console.log", threading.Event())
    with Writer(work / "journal.jsonl") as journal:
        session = Session(target, journal)
        try:
            yield session
            session.end()
        except Lost as lost:
            raise LabError(f"host {where.name}: {lost}") from lost
        finally:
            session.kill()


def _say(console: Console, text: str, style: str = "") -> None:
    console.print(Text(printable(text), style), soft_wrap=True)


def _writes(console: Console, title: str, writes: Sequence[dict[str, Any]]) -> None:
    _say(console, f"  {title}")
    for write in writes:
        text = str(write["text"]).rstrip("\n")
        _say(console, f"    {repr(text) if text else 'an empty line'} -> {write['path']}")


def _show(console: Console, device: str, said: dict[str, Any]) -> bool:
    """False if it is refused."""
    if said["ev"] == "refused":
        _say(console, f"{device}: would be refused: {said['error']}", "bold red")
        return False
    _say(console, f"{device}: {said['previous'] or 'no driver'} has it now", "bold")
    if said.get("module"):
        _say(console, f"  would load the module {said['module']}, and unload it at the end")
    _writes(console, "would write", said["writes"])
    _writes(console, "and, to put it back,", said["back"])
    return True


def dry_run(name: str, named: Sequence[str], console: Console) -> int:
    """Shows each write that a run with these devices would make outside its own folder, and what would be refused."""
    where = host.find(name)
    free = True
    with scratch.folder() as work, _session(where, work) as session:
        inventory = session.boot()
        for left in session.restore(dry=True):
            _say(console, "left by a run that was killed; it would be put back first:")
            if left["ev"] == "would":
                _writes(console, f"{left['device']}: would write", left["back"])
        for wanted in choose.devices(where, named, inventory, session.read_file):
            assert isinstance(wanted, Take)
            free = _show(console, wanted.device, session.would(wanted)) and free
    _say(console, "Nothing was changed. Beside this a run writes to its folder, to the cache, and to /var/lib/iommu-cts.")
    return EXIT_FREE if free else EXIT_REFUSED


def restore(arguments: argparse.Namespace, console: Console) -> int:
    """`iommu-cts restore`."""
    where = host.find(arguments.host)
    with scratch.folder() as work, _session(where, work) as session:
        inventory = session.boot()
        if inventory.hello.get("uid") != 0:
            raise UsageError("only root can give devices back to their drivers")
        given = session.restore()
    for event in given:
        if event["ev"] == "unloaded":
            _say(console, f"module {event['module']}: {event.get('error') or 'unloaded'}")
        elif event["ev"] == "given_back":
            driver = event["driver"]
            now = f"driver {driver} has it" if driver else "no driver has it"
            error = event.get("error")
            _say(console, f"{event['device']}: {now}{f', but not given back: {error}' if error else ''}", "bold red" if error else "")
    if not given:
        _say(console, "nothing was left by an earlier run")
    return EXIT_REFUSED if any(event["ev"] == "given_back" and "error" in event for event in given) else EXIT_DONE
