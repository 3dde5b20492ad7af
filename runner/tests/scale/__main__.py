# SPDX-License-Identifier: GPL-2.0-only
"""`make bench-scale`: the runs of many simulated hosts through `iommu-cts lava wait`, as a user calls it.

Server and machines are simulated; all that reads, judges and keeps is the command itself, and the history takes in what it left. One of
each kind of disorder is among the hosts.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.binaries import TOP
from runner.tests.scale import disorders, runs
from runner.tests.scale.disorders import HEALS, Disordered
from runner.tests.scale.laboratory import Host, Laboratory
from runner.tests.scale.machine import names


class Bench:
    """Hosts, and the folders of their runs. `tests` are how many each has, as they come from its number, or those that each has."""

    COMMAND = (str(TOP / "iommu-cts"),)

    def __init__(self, folder: Path, hosts: int, tests: int | Sequence[str], out_of_order: Sequence[type[Disordered]]) -> None:
        self.folder = folder
        self.healed = threading.Event()
        kinds: list[type[Host]] = [*out_of_order, *[Host] * (hosts - len(out_of_order))]
        self.hosts = [kind(number, self.healed) for number, kind in enumerate(kinds, 1)]
        self.laboratory = Laboratory(self.hosts)
        self.runs = {
            number: runs.make(folder, number, self.laboratory.url(number), names(number, tests) if isinstance(tests, int) else tests)
            for number in self.laboratory.hosts
        }

    def command(self, *words: str) -> list[str]:
        """iommu-cts with these words."""
        return [*self.COMMAND, *words]

    @property
    def environment(self) -> dict[str, str]:
        """Of the command."""
        return {**os.environ, "LAVA_TOKEN": "secret", "IOMMU_CTS_RUNS": str(self.folder)}

    def report(self, host: Host) -> dict[str, Any] | None:
        """The report of a host's run, if its tests have all come to something."""
        path = self.runs[host.number] / "results.json"
        found: dict[str, Any] | None = json.loads(path.read_bytes()) if path.exists() else None
        return found

    def is_over(self, host: Host) -> bool:
        """Has everything of a host in order been judged?"""
        found = self.report(host)
        return found is not None and bool(found["run"]["complete"])

    def wait(self) -> list[str]:
        """The command that is measured."""
        return self.command("lava", "wait", *map(str, self.runs.values()), "--waivers", str(self.folder / "waivers.toml"))

    def fetch(self) -> list[str]:
        """The same once."""
        return ["fetch" if word == "wait" else word for word in self.wait()]

    def wrong(self) -> list[str]:
        """What did not come out as it should."""
        found = []
        for host in self.hosts:
            code, words = host.ends if isinstance(host, Disordered) else HEALS
            report = self.report(host)
            if report is None:
                found.append(f"{type(host).__name__}: no report")
            elif (code, words) == HEALS:
                said = {result["id"]: "known" if result["waived"] else result["verdict"] for result in report["results"]}
                odd = [test for test, verdict in said.items() if verdict != expected(test)]
                if odd or report["run"]["exit_code"] != code or report["problems"]:
                    problems = report["problems"][:2]
                    found.append(f"{type(host).__name__} {host.number}: {len(odd)} of {len(said)} are wrong {odd[:2]}; {problems}")
            elif report["run"]["exit_code"] != code or not re.search(words, json.dumps([report["problems"], _reasons(report)])):
                found.append(f"{type(host).__name__}: exit code {report['run']['exit_code']}, {report['problems'][:3]}")
        return found


def _reasons(report: dict[str, Any]) -> list[Any]:
    return [result["reason"] for result in report["results"] if result["verdict"] == "ERROR"][:20]


def expected(test: str) -> str:
    """The verdict on a test in order, by its name."""
    kind = test.split("/")[0]
    return {"fails": "FAIL", "splats": "FAIL", "loses": "ERROR", "skips": "SKIP", "known": "known"}.get(kind, "PASS")


def memory(pid: int) -> int:
    """What a process and its descendants take, in bytes; what several share is counted once (PSS)."""
    total = 0
    for path in Path(f"/proc/{pid}").glob("task/*/children"):
        total += sum(memory(int(child)) for child in _text(path).split())
    found = re.search(r"^Pss: +(\d+)", _text(Path(f"/proc/{pid}/smaps_rollup")), re.M)
    return total + (int(found[1]) << 10 if found else 0)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


@dataclasses.dataclass(frozen=True)
class Cost:
    """Of a command: its exit code, seconds by the clock and of the processors, and the most memory that it took at a time, in bytes."""

    code: int
    seconds: float
    busy: float
    most: int

    def __str__(self) -> str:
        return f"{self.seconds:6.1f} s, {self.busy:6.1f} s of a processor, at most {self.most >> 20} MiB of memory, exit code {self.code}"


def _measured(command: list[str], environment: dict[str, str], said: Path) -> Cost:
    """Runs a command."""
    begun, before, most = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN), 0
    with said.open("a") as out, subprocess.Popen(command, env=environment, stdout=out, stderr=out) as process:
        while True:
            try:
                code = process.wait(0.5)
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
                return Cost(code, time.monotonic() - begun, busy, most)
            except subprocess.TimeoutExpired:
                most = max(most, memory(process.pid))


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench-scale", description=__doc__)
    parser.add_argument("--hosts", type=int, default=200, help="of which one is of each kind that is out of order")
    parser.add_argument("--tests", type=int, default=5000, help="of each host")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="scale-", dir=os.environ.get("TMPDIR")) as name:
        bench = Bench(Path(name), arguments.hosts, arguments.tests, disorders.ALL)
        print(f"{arguments.hosts} hosts, {len(disorders.ALL)} of them out of order; {arguments.tests} tests each")
        with bench.laboratory:
            _wait(bench)
        _afterwards(bench, arguments.hosts * arguments.tests)
        wrong = bench.wrong()
        print(*wrong or ["every run came to what it should"], sep="\n")
        return bool(wrong)


def _wait(bench: Bench) -> None:
    """Runs the command. When the hosts in order are over, those that can heal are healed."""
    begun = time.monotonic()
    over = threading.Event()

    def heal() -> None:
        left = [host for host in bench.hosts if type(host) is Host]
        while left and not over.wait(1.0):
            left = [host for host in left if not bench.is_over(host)]
        print(f"the hosts in order were over after {time.monotonic() - begun:.0f} s", flush=True)
        bench.healed.set()

    healer = threading.Thread(target=heal)
    healer.start()
    cost = _measured(bench.wait(), bench.environment, bench.folder / "said")
    over.set()
    healer.join()
    print(f"lava wait       {cost}; {bench.laboratory.served >> 20} MiB of logs")


def _afterwards(bench: Bench, results: int) -> None:
    size = sum(path.stat().st_size for path in bench.folder.rglob("*") if path.is_file() and "lava" not in path.parts[-2:-1])
    print(f"{size >> 20} MiB on the disk, {size // results} bytes a result")
    host, waivers = str(bench.runs[bench.hosts[-1].number]), str(bench.folder / "waivers.toml")
    for words in (["history", "import", str(bench.folder), "--db", str(bench.folder / "h.sqlite")], ["report", host, "--waivers", waivers],
                  ["gate", "--baseline", host, "--candidate", host, "--waivers", waivers]):
        cost = _measured(bench.command(*words), bench.environment, bench.folder / "said")
        print(f"{' '.join(words[:1 + (words[0] == 'history')]):<16}{cost}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
