# SPDX-License-Identifier: GPL-2.0-only
"""`iommu-cts bench --host local`: the kernel that runs on this machine, measured once in each of its boots.

The boot is what repeats (docs/measuring.md), and nobody but its owner starts this machine anew. So one call measures one boot, and the
next one, after a boot of the same kernel, adds to it. Then the other kernel; then `iommu-cts compare`.
"""

from __future__ import annotations

import argparse
import dataclasses
import platform
import time
from pathlib import Path

from rich.console import Console

from lab.errors import LabError, UsageError
from results import bench as kept
from results import measured
from results.rows import boots_to_claim
from results.sides import load
from runner import judge, reboot
from runner import run as running

_OF_VIRTUAL = ("kernel", "modules", "against", "boots", "calibrate")


def _facts() -> dict[str, str]:
    return {"release": platform.release(), "version": platform.version()}


def _begin(arguments: argparse.Namespace, folder: Path) -> kept.Bench:
    """A new bench, or the one to add to. UsageError if this boot can't be one of it."""
    if arguments.add is None:
        label = f"Linux {platform.release()}"
        return kept.Bench(folder.name, arguments.host, label, "time", "all" if arguments.all_sizes else "usual", dict(_facts()), [])
    found = kept.read(folder)
    if found.host != arguments.host:
        raise UsageError(f"--add {arguments.add}: that is of host {found.host}")
    if {name: found.kernel.get(name) for name in _facts()} != _facts():
        was = f"Linux {found.kernel.get('release')}, {found.kernel.get('version')}"
        raise UsageError(f"--add {arguments.add}: that is {was}; this is another kernel")
    if (found.set == "all") != arguments.all_sizes:
        raise UsageError(f"--add {arguments.add}: that is of {found.set} sizes")
    now = reboot.BOOT_ID.read_text().strip()
    finished = [boot for boot in found.boots if boot.why == kept.FINISHED]
    if finished and now in {boot.fact("target", "boot") for boot in load(str(folder)).boots}:
        raise UsageError(f"--add {arguments.add}: this boot is in it; what a second look at it says is no evidence: start the machine anew")
    return found


def run(arguments: argparse.Namespace, folder: Path, console: Console) -> int:
    """Measures this boot into `folder`, prints what is known of the kernel so far, and returns the exit code."""
    for name in _OF_VIRTUAL:
        if getattr(arguments, name):
            raise UsageError(f"--{name} is for virtual hosts, which can be started anew: here one call measures one boot (--add)")
    bench = _begin(arguments, folder)
    options = running.Options(
        arguments.host, arguments.select or ("bench/*",), arguments.device, runs=folder / "boots", all_sizes=arguments.all_sizes,
    )  # fmt: skip
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    of_run, judged = running.run(options)
    why = kept.FINISHED if judged.complete else "interrupted" if judged.interrupted else "lab"
    config = of_run / "kernel.config"
    unfit = kept.unfit(config.read_text("utf-8", "replace")) if config.exists() else ["nobody knows its configuration"]
    boot = kept.Boot(str(of_run.relative_to(folder)), why, started)
    kept.write(folder, dataclasses.replace(bench, boots=[*bench.boots, boot], unfit=unfit, finished=True))
    if judged.interrupted:
        raise KeyboardInterrupt
    if not judged.complete:
        raise LabError("; ".join(problem.text for problem in judged.problems) or f"the run did not come to its end ({of_run})")
    side = load(str(folder))
    wrong = measured.print_bench(side, console)
    wanted, have = boots_to_claim("time"), len(side.boots)
    if have < wanted:
        more = f"measured in {have} of the {wanted} boots that a claim takes; after the next one: iommu-cts bench"
        print(f"{more} --host {arguments.host} --device {' --device '.join(arguments.device)} --add {folder.name}")
    return judge.EXIT_LAB if wrong or judge.exit_code(judged) else judge.EXIT_OK
