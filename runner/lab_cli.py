# SPDX-License-Identifier: GPL-2.0-only
"""The command line of `iommu-cts lab`."""

import argparse
from pathlib import Path

from lab import host, kernel, ksrc
from runner import labwork
from runner import options as op
from runner import prove as proving


def _build(arguments: argparse.Namespace) -> int:
    where = host.find(arguments.host)
    box, source = ksrc.with_toolbox(arguments.ksrc or where.ksrc, where.machine.toolbox)
    with ksrc.with_patches(box, source, arguments.patch) as patched:
        print(kernel.build(box, patched, [*where.fragments, *arguments.config], where.machine).folder)
    return 0


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `lab` and its actions."""
    lab = commands.add_parser("lab", help="kernels and virtual hosts")
    actions = lab.add_subparsers(required=True, metavar="ACTION")

    build = actions.add_parser("build", help="build a kernel beside the default one; prints its folder last")
    build.add_argument("--ksrc", metavar="DIR|VERSION", help="a kernel tree, or a version that the distribution packages, such as 6.12")
    build.add_argument("--patch", nargs="+", type=Path, default=[], metavar="FILE", help="patches to apply to a copy (patch -p1)")
    build.add_argument("--config", nargs="+", type=Path, default=[], metavar="FRAGMENT", help="configuration on top of lab/kernel/")
    build.add_argument("--host", default="vtd", help="the host that it is for: its architecture and flavour (default: vtd)")
    build.set_defaults(call=_build)

    boot = actions.add_parser("boot", help="boot a host, say what it is, switch it off")
    shell = actions.add_parser("shell", help="a shell on a host's console, with the suites in /suites")
    for action, call in ((boot, labwork.boot), (shell, labwork.shell)):
        op.add_host(action)
        op.add_kernel(action)
        action.set_defaults(call=call)

    prove = actions.add_parser("prove", help="run the suites on kernels with one small fault each: do they notice?")
    prove.add_argument("fault", nargs="*", metavar="FAULT", help="a fault, a pattern or a subject (default: all)")
    prove.add_argument("--untried", action="store_true", help="of these, only what was not tried since it is as it is")
    prove.add_argument("--list", action="store_true", help="only show the faults")
    prove.add_argument("--table", type=Path, metavar="FILE", help="only write what came out so far, as a page for docs/")
    prove.add_argument("--ksrc", metavar="DIR|VERSION", help="as for build")
    prove.add_argument("--jobs", type=op.jobs, metavar="N", help="as for run")
    prove.set_defaults(call=lambda arguments: proving.run(arguments, op.wide_console()))

    clean = actions.add_parser("clean", help="show what the cache holds; with --yes remove it")
    clean.add_argument("kind", nargs="*", help="only these kinds, as shown (default: all)")
    clean.add_argument("--yes", action="store_true", help="really remove")
    clean.set_defaults(call=labwork.clean)

    lock = actions.add_parser("lock", help="write the archive's newest versions to lab/toolbox.lock")
    lock.set_defaults(call=labwork.lock)
