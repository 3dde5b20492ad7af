# SPDX-License-Identifier: GPL-2.0-only
"""Another kernel on a machine that ssh reaches, started by the one that runs there (kexec).

No firmware runs between the two, so what is in a device or in a damaged kernel outlives it: cts-exec looks at that first
(runner/exec/kexec.c). The machine's own shutdown ends what runs there, and has each driver stop its device.
"""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from lab.errors import LabError
from lab.image import Image
from lab.realhost import Kexec
from runner.targets.remote import Remote, Unreachable

LOAD_S = 300.0  # also to bring the image there
UNCLEAN = 3  # KEXEC_UNCLEAN
_CODE = "exit code "
_NEVER = re.compile(r'(?:^|(?<=\s))(?:BOOT_IMAGE|initrd)=(?:"[^"]*"|\S*)\s*')


class Unclean(LabError):
    """Only a cold start gets rid of what that machine has in it."""


def command_line(now: str, append: Sequence[str]) -> str:
    """The next kernel's: that of the kernel that runs, without what a boot loader put there about its own files."""
    return " ".join([*_NEVER.sub("", now).split(), *append])


def start(remote: Remote, how: Kexec, kernel: Image, cts_exec: Path, devices: Sequence[str], undo: str) -> None:
    """Has the machine shut down and start `kernel`; returns while it does. The functions `devices` are reset before. Unclean, or LabError
    with the reason, if it is not done: then the machine goes on as it was."""
    address = remote.access.address
    now = remote.run(
        "its way to start another kernel",
        "test -d /run/systemd/system || { echo there is no systemd that shuts it down: name a command by kernel = >&2; exit 1; }; "
        "cat /proc/cmdline",
    )  # fmt: skip
    if kernel.modules is not None and kernel.release:
        remote.run("the modules of the kernel to be started", _modules(kernel.release))
    line = command_line(now, how.append)
    folder = remote.new_folder()
    d = shlex.quote(folder)
    try:
        remote.unpack(f"cd {d} && exec tar -xf -", {"cts-exec": cts_exec, "kernel": kernel.path}, LOAD_S)
        load = [
            f"{folder}/cts-exec", "--undo", undo, "--kexec", f"{folder}/kernel", "--", how.initrd or "-", line, *devices,
        ]  # fmt: skip
        said = remote.run("kexec", f"{shlex.join(load)} 2>&1; echo {_CODE}$?", LOAD_S)
    finally:
        remote.run("cleaning up", f"rm -rf {d}")
    text, _, code = said.rpartition(_CODE)
    if code.strip() == str(UNCLEAN):
        raise Unclean(f"{address}: {text.strip()}")
    if code.strip() != "0":
        raise LabError(f"{address}: kexec: {text.strip()[-500:] or 'cts-exec failed'}")
    try:
        remote.run("its shutdown", "systemctl --no-block kexec")
    except Unreachable:
        pass  # it was quicker
    remote.close()


def _modules(release: str) -> str:
    """A line of sh that fails where they are missing: what the machine's root is on may need them."""
    at = f"/lib/modules/{release}"
    text = f"{at} is not there: install the kernel's modules (and name its initial ramdisk by initrd =), or name a command by kernel ="
    return f"test -d {shlex.quote(at)} || {{ echo {shlex.quote(text)} >&2; exit 1; }}"
