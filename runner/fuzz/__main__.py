# SPDX-License-Identifier: GPL-2.0-only
"""`make fuzz`: runs the fuzz targets under libFuzzer, in a toolbox of their own, as many at a time as there are processors."""

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import cache, entry, toolbox
from lab.binaries import TOP
from lab.errors import LabError
from lab.progress import Step
from runner.fuzz import seeds

HERE = Path(__file__).parent
INPUT_S = 25  # one input that takes longer is a finding
INPUT_MAX = {"plan": 70_000, "events": 70_000, "endpoint": 4096, "stream": 20_000, "journal": 20_000}
"""The longest input of each target in bytes: beyond the limits of cts-exec, what Python reads in some milliseconds, and for the endpoint
some hundred messages."""
LOG_LINES = 40
_FINDING = re.compile("^Traceback|does not hold$|runtime error: |ERROR: ")


@dataclass(frozen=True)
class Fuzzer:
    """One target: `folder` has its seeds, the corpus that grows from run to run, what was found, and the log of the last run."""

    target: str
    folder: Path
    process: "subprocess.Popen[bytes]"

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    @property
    def found(self) -> bool:
        """Did the target itself end it? Else what runs it did: no namespace, no memory."""
        return self.process.returncode != 0 and any(map(_FINDING.search, self.log().splitlines()))

    def finding(self) -> str:
        """The part of the log that says what was wrong."""
        lines = self.log().splitlines()
        first = next((at for at, line in enumerate(lines) if _FINDING.search(line)), max(0, len(lines) - LOG_LINES))
        return "\n".join(lines[first : first + LOG_LINES])

    def line(self) -> str:
        """One line: how much was run and what came of it."""
        log = self.log()
        runs = re.findall(r"^stat::number_of_executed_units: (\d+)", log, re.MULTILINE)
        last = re.findall(r"^#\d+.* ft: (\d+) corp: (\d+)", log, re.MULTILINE)
        features, corpus = last[-1] if last else ("?", "?")
        end = "no crash" if self.process.returncode == 0 else "FAILED" if self.found else "did not run"
        return f"{self.target:<8} {int(runs[-1]) if runs else 0:>10} runs  {features:>6} features  {corpus:>5} inputs kept  {end}"


def build(box: toolbox.Toolbox) -> Path:
    """Compiles the targets for this checkout; LabError with the compiler's words."""
    out = cache.root() / "build" / cache.digest(["fuzz", box.key, str(TOP)])
    out.mkdir(parents=True, exist_ok=True)
    with cache.lock(out.with_name(out.name + ".lock"), "the fuzz targets"):
        argv = ["make", "-C", "/mnt/src/runner/fuzz", "-j3", "OUT=/mnt/out"]
        box.run("building the fuzz targets", argv, binds={"out": out}, readonly={"src": TOP})
    return out


def start(box: toolbox.Toolbox, out: Path, target: str, seconds: int) -> Fuzzer:
    """Starts libFuzzer on one target."""
    folder = cache.root() / "fuzz" / target
    for name in ("corpus", "found"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    seeds.write(folder, target)
    program = target if (HERE / f"{target}.c").exists() else "python"
    argv = [
        "env", f"FUZZ_TARGET={target}", "PYTHONPATH=/mnt/src/", f"/mnt/out/{program}", f"-max_total_time={seconds}", "-print_final_stats=1",
        f"-max_len={INPUT_MAX[target]}", f"-timeout={INPUT_S}", "-dict=/mnt/work/words", "-artifact_prefix=/mnt/work/found/",
        "/mnt/work/corpus", "/mnt/work/seeds",
    ]  # fmt: skip
    command = box.command(argv, binds={"work": folder}, readonly={"src": TOP, "out": out})
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    return Fuzzer(target, folder, process)


def fuzz(targets: Sequence[str], seconds: int) -> list[Fuzzer]:
    """Fuzzes each target for so many seconds; all have ended when it returns."""
    box = toolbox.obtain("fuzz")
    out = build(box)
    waiting, done = list(targets), []
    running: list[Fuzzer] = []
    with Step(f"fuzzing {', '.join(targets)} for {seconds} s each") as step:
        while waiting or running:
            while waiting and len(running) < (os.cpu_count() or 1):
                running.append(start(box, out, waiting.pop(0), seconds))
            step.note(", ".join(one.target for one in running))
            time.sleep(0.5)
            done += [one for one in running if one.process.poll() is not None]
            running = [one for one in running if one.process.returncode is None]
    return done


def judge(done: Sequence[Fuzzer]) -> int:
    """Says what was wrong, and returns the exit code of `main`. LabError if nothing was found, but a target did not run."""
    found = [one for one in done if one.found]
    for one in found:
        print(f"\n{one.target}: the input is in {one.folder / 'found'}\n{one.finding()}")
    broken = [f"{one.target} did not run to its end:\n{one.finding()}" for one in done if one.process.returncode and not one.found]
    if broken and not found:
        raise LabError("\n".join(broken))
    return 1 if found else 0


def main() -> int:
    """Returns 0 if nothing was found, 1 if something was, 3 if the lab failed."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--time", type=int, default=600, metavar="SECONDS", help="for each target (default: 600)")
    parser.add_argument("target", nargs="*", help=f"{', '.join(INPUT_MAX)} (default: all)")
    arguments = parser.parse_args()
    unknown = set(arguments.target) - set(INPUT_MAX)
    if unknown:
        parser.error(f"no target {', '.join(sorted(unknown))}")
    done = fuzz(arguments.target or list(INPUT_MAX), arguments.time)
    for one in done:
        print(one.line())
    return judge(done)


if __name__ == "__main__":
    sys.exit(entry.ending("make fuzz", main))
