# SPDX-License-Identifier: GPL-2.0-only
"""The part of a host's description that says where in LAVA the host is: the table [lava]."""

import dataclasses
from pathlib import Path
from typing import Any

from lab.errors import UsageError

JOBS = Path(__file__).parent / "jobs"
SUFFIX = ".yaml.jinja2"
LOADERS = ("ipxe", "grub")
LOCAL = "local"  # no server: lava-run in the toolbox
RAMDISKS = ("qemu", "ramdisk")  # the jobs whose ramdisk has the programs; the others bring them beside the plan
INSTALLED = "installed"
DEVICES_MAX = 64


@dataclasses.dataclass(frozen=True)
class Place:
    """Which devices of which laboratory, and how a job gets there.

    `server` is an identity of lavacli.yaml, the URL of a server, or "local". `job` names a template in lab/lava/jobs/. What jobs download
    is put into the folder `publish`, which somebody serves as `url`. A plan is shared among `devices` jobs at a time. `rootfs` is the URL
    of the root file system of jobs that have one, `boot` what their kernel is loaded by, `prompt` what a shell says that is ready, `boot_s`
    how long all that may take.
    """

    server: str
    device_type: str
    job: str = "qemu"
    tags: tuple[str, ...] = ()
    publish: str = ""
    url: str = ""
    devices: int = 1
    rootfs: str = ""
    boot: str = "ipxe"
    prompt: str = "~ # "
    boot_s: int = 300
    visibility: str = "public"
    priority: str = "medium"

    @property
    def brings_kernel(self) -> bool:
        """Does the job bring a kernel and a ramdisk, or is there what is installed?"""
        return self.job != INSTALLED

    @property
    def has_programs(self) -> bool:
        """Does the ramdisk bring the test programs?"""
        return self.job in RAMDISKS


def templates() -> list[str]:
    """The names of the jobs that there are."""
    names = sorted(path.name.removesuffix(SUFFIX) for path in JOBS.glob(f"*{SUFFIX}"))
    return [name for name in names if name != "base"]


def read(path: Path, table: Any) -> Place:
    """Checks the table. UsageError names the file and the key at fault."""
    fields = {field.name: field for field in dataclasses.fields(Place)}
    if not isinstance(table, dict):
        raise UsageError(f"{path}: target = 'lava' needs a table [lava], with server and device_type")
    for key, value in table.items():
        if key not in fields:
            raise UsageError(f"{path}: lava: unknown key {key!r} (known: {', '.join(fields)})")
        kind = {"tags": list, "devices": int, "boot_s": int}.get(key, str)
        if not isinstance(value, kind) or value is True:
            raise UsageError(f"{path}: lava: {key} must be a {kind.__name__}")
    missing = [key for key in ("server", "device_type") if not table.get(key)]
    if table.get("server") != LOCAL:
        missing += [key for key in ("publish", "url") if not table.get(key)]
    if missing:
        raise UsageError(f"{path}: lava: missing {', '.join(missing)}")
    tags = table.get("tags", [])
    if not all(isinstance(tag, str) for tag in tags):
        raise UsageError(f"{path}: lava: tags must be a list of strings")
    place = Place(**{**table, "tags": tuple(tags)})
    if place.job == "nfs" and not place.rootfs:
        raise UsageError(f"{path}: lava: job = 'nfs' needs the URL of a root file system, rootfs")
    if place.boot not in LOADERS:
        raise UsageError(f"{path}: lava: boot = {place.boot!r} is none of {', '.join(LOADERS)}")
    if place.job not in templates():
        raise UsageError(f"{path}: lava: job = {place.job!r} is not known (known: {', '.join(templates())})")
    if not 1 <= place.devices <= DEVICES_MAX or place.boot_s < 1:
        raise UsageError(f"{path}: lava: devices must be 1 to {DEVICES_MAX}, boot_s 1 or more")
    return place
