# SPDX-License-Identifier: GPL-2.0-only
"""What several commands take alike: their options, and what an argument has to be like. An argument that isn't is an ArgumentTypeError."""

import argparse
import re
import sys
from pathlib import Path

from rich.console import Console

from runner import bench
from runner import run as running


def wide_console() -> Console:
    """Where tables are printed: as wide as the terminal, and wide enough where there is none."""
    return Console(width=None if sys.stdout.isatty() else 200, highlight=False)


def scale(text: str) -> float:
    """A factor of deadlines."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.01 <= value <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number between 0.01 and 1000")
    return value


def jobs(text: str) -> int:
    """How many hosts side by side."""
    if not text.isdecimal() or not 1 <= int(text) <= running.JOBS_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is no number between 1 and {running.JOBS_MAX}")
    return int(text)


def boots(text: str) -> int:
    """How many boots of each kernel."""
    if not text.isdecimal() or not 1 <= int(text) <= bench.BOOTS_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of boots between 1 and {bench.BOOTS_MAX}")
    return int(text)


def count(text: str) -> int:
    """How many failures are enough."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of failures")
    return int(text)


def bdf(text: str) -> str:
    """A PCI function's address, with its domain."""
    full = text if text.count(":") == 2 else f"0000:{text}"
    if not re.fullmatch(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]", full):
        raise argparse.ArgumentTypeError(f"{text!r} is no PCI address such as 0000:01:00.0")
    return full


def device(text: str) -> str:
    """A PCI function's address or, of a mediated device, its UUID."""
    return text if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text) else bdf(text)


def add_kernel(parser: argparse.ArgumentParser) -> None:
    """The kernel that a virtual host boots."""
    parser.add_argument(
        "--kernel", action="append", default=[], metavar="K",
        help="an image, a folder with an image and its modules (as `lab build` prints), or a distribution's .deb or .rpm kernel "
        "package (may be given several times for a kernel that is split over packages); default: the one built here",
    )  # fmt: skip
    parser.add_argument("--modules", metavar="DIR", help="the modules that belong to an image: lib/modules/<release>")


def add_host(parser: argparse.ArgumentParser, default: str = "vtd", more: str = "") -> None:
    """Where it runs; `more` is what else may be named."""
    parser.add_argument("--host", default=default, help=f"a name that `iommu-cts hosts` shows, or a .toml file{more} (default: {default})")
    parser.add_argument(
        "--accel", choices=("tcg", "kvm", "icount"), default="tcg",
        help="tcg emulates the processor and works everywhere; kvm is used only if a trial guest boots with it; icount is tcg with one "
        "processor and a clock that counts its instructions",
    )  # fmt: skip


def add_plan(parser: argparse.ArgumentParser) -> None:
    """What is run, of what is judged."""
    add_kernel(parser)
    parser.add_argument(
        "--select", action="append", default=[], metavar="PATTERN",
        help="only tests with such a path, e.g. 'access/*' (default: all but bench/*, for which there is `iommu-cts bench`)",
    )  # fmt: skip
    parser.add_argument(
        "--profile", action="append", default=[], metavar="NAME",
        help="the tests of what such a claim demands (`iommu-cts profiles`), and whether it is held (may be given several times)",
    )  # fmt: skip
    parser.add_argument("--device", action="append", default=[], type=device, metavar="BDF", help="only this device, e.g. 0000:01:00.0")
    parser.add_argument("--timeout-scale", type=scale, default=1.0, metavar="X", help="multiply every deadline, for slow hosts")
    parser.add_argument("--waivers", type=Path, default=running.WAIVERS, metavar="FILE", help="known failures (default: waivers.toml)")
