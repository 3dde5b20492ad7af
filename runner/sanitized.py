# SPDX-License-Identifier: GPL-2.0-only
"""`make check-sanitized`: runs tests with the suites and cts-exec built with sanitizers, on a virtual host.

An error of ours that only shows on the way through a real kernel gets the verdict ERROR, with the sanitizer's report as evidence.
"""

import argparse
import dataclasses
import sys

from rich.console import Console

from lab import binaries, entry, host
from lab.arch import NATIVE
from lab.errors import UsageError
from results import summary
from runner import catalogue, judge, plan, suite
from runner import run as running

# The sanitizers make every access to memory dearer, and emulation makes each of them dearer again.
TIMEOUT_SCALE = 3.0


def main() -> int:
    """Exit codes as those of `iommu-cts run`."""
    parser = argparse.ArgumentParser(prog="make check-sanitized", description=__doc__)
    parser.add_argument("--host", default="vtd", help="a virtual host (default: vtd)")
    parser.add_argument("--select", action="append", default=[], metavar="PATTERN", help="only tests with such a path")
    arguments = parser.parse_args()
    where = host.find(arguments.host)
    if where.target != "qemu":
        raise UsageError(f"{where.name} is no virtual host: the libraries of a sanitized program are not there")
    if where.machine is not NATIVE:
        raise UsageError(f"{where.name} is of another architecture: the toolbox has no sanitizers for {where.arch}")
    lab = running.prepare(where, [], None)
    tests = catalogue.load(lab.programs.suites)
    if not plan.selected(tests, arguments.select)[0]:
        raise UsageError(f"--select {' '.join(arguments.select)}: no test has such a path")
    programs = binaries.build(lab.box, lab.source, suite.label(), sanitize=True)
    options = running.Options(where.name, arguments.select, timeout_scale=TIMEOUT_SCALE)
    _, judged = running.record(options, where, dataclasses.replace(lab, programs=programs), tests)
    summary.print_summary(judged, Console(highlight=False))
    return judge.exit_code(judged)


if __name__ == "__main__":
    sys.exit(entry.ending("make check-sanitized", main, running.FAULTS))
