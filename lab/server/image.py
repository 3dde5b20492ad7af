# SPDX-License-Identifier: GPL-2.0-only
"""Disk images: made from a toolbox's tree, and changed, without being root."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab import cache
from lab.errors import LabError
from lab.progress import Step
from lab.toolbox import Toolbox

RECIPE = 1  # raise it when the way of making the image changes what is in it
DISK = "disk.img"
SIZE = "2G"
USER = "visitor"  # an ordinary user
LABEL = "in-use"  # of the file system that is mounted from a disk that could be tested

# Where QEMU's network puts its first guest. A fixed address is there a second after the kernel.
NETWORK = """[Match]
Driver=virtio_net
[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
LinkLocalAddressing=no
"""
FSTAB = f"LABEL={LABEL} /srv ext4 nofail 0 2\n"
FILES = {
    "/etc/hostname": "iommu-cts-server\n",
    "/etc/hosts": "127.0.0.1 localhost iommu-cts-server\n",
    "/etc/fstab": FSTAB,
    "/etc/systemd/network/server.network": NETWORK,
    "/etc/ssh/sshd_config.d/server.conf": "UseDNS no\n",
}
WANTED = "/etc/systemd/system/multi-user.target.wants/systemd-networkd.service"
# What a package manager does by itself, and what looks after file systems that are never old: nobody here waits for it.
MASKED = ("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer")
HOST_KEYS = ("rsa", "ecdsa", "ed25519")


def _debugfs(box: Toolbox, image: Path, files: Path, commands: Sequence[str]) -> None:
    """Runs debugfs on an image; LabError with what it complains of. It has no exit code that says so."""
    (files / "commands").write_text("".join(f"{command}\n" for command in commands))
    where: dict[str, Any] = {"binds": {"out": image.parent}, "readonly": {"src": files}}
    argv = ["debugfs", "-w", "-f", "/mnt/src/commands", f"/mnt/out/{image.name}"]
    complaints = box.run(f"writing to {image}", argv, **where).stderr.splitlines()[1:]  # the first line is its version
    complaints = [line for line in complaints if "Ext2 directory already exists" not in line]
    if complaints:
        raise LabError(f"writing to {image} failed:\n" + "\n".join(complaints[:15]))


def put(
    box: Toolbox, image: Path, files: Mapping[str, str], modes: Mapping[str, int] | None = None, more: Sequence[str] = ()
) -> None:
    """Puts `files`, by their paths, into an ext4 image, with the folders that they need; root owns them. `modes` are those of what is not
    0644, folders with them; `more` are further commands of debugfs."""
    with tempfile.TemporaryDirectory(prefix="iommu-cts-") as scratch:
        commands: list[str] = []
        for number, (path, content) in enumerate(files.items()):
            source = Path(scratch) / str(number)
            source.write_text(content)
            source.chmod(0o644)
            commands += [f"mkdir {parent}" for parent in reversed(Path(path).parents) if str(parent) != "/"]
            commands += [f"rm {path}"] if path in ("/etc/hosts", "/etc/fstab", "/etc/hostname", "/etc/passwd", "/etc/shadow") else []
            commands.append(f"write /mnt/src/{number} {path}")
        commands += [f"set_inode_field {path} mode 0{mode:o}" for path, mode in (modes or {}).items()]
        _debugfs(box, image, Path(scratch), [*commands, *more])


def file_system(box: Toolbox, image: Path, size: str, label: str, tree: Path | None = None) -> None:
    """Makes an ext4 file system of `size` in a new file, with what is in `tree`."""
    what = ["-d", "/mnt/src"] if tree is not None else []
    where: dict[str, Any] = {"binds": {"out": image.parent}, "readonly": {"src": tree} if tree is not None else {}}
    # Who fills it seems to be root inside, and so the files are root's.
    argv = ["mke2fs", "-q", "-t", "ext4", "-L", label, "-E", "root_owner=0:0", *what, f"/mnt/out/{image.name}", size]
    box.run(f"making {image}", argv, **where)


def obtain(box: Toolbox) -> Path:
    """The image of the server's own disk, from the toolbox of the profile `server`; made if it is not in the cache. Nobody can log in to
    it: it has no keys."""
    recipe = {"recipe": RECIPE, "tree": box.key, "files": FILES, "masked": MASKED, "size": SIZE}

    def fill(draft: Path) -> dict[str, Any]:
        with Step("the server's disk") as step:
            step.note("file system")
            file_system(box, draft / DISK, SIZE, "root", box.tree)
            step.note("settings")
            etc = box.tree / "etc"
            files = {
                **FILES,
                "/etc/passwd": (etc / "passwd").read_text() + f"{USER}:x:1000:1000::/home/{USER}:/bin/sh\n",
                "/etc/shadow": (etc / "shadow").read_text() + f"{USER}:*:19000:0:99999:7:::\n",
            }
            links = [f"symlink {WANTED} /usr/lib/systemd/system/systemd-networkd.service"]
            links += [f"symlink /etc/systemd/system/{unit} /dev/null" for unit in MASKED]
            keys = [f"rm /etc/ssh/ssh_host_{kind}_key" for kind in HOST_KEYS if (etc / f"ssh/ssh_host_{kind}_key").exists()]
            keys += [f"rm /etc/ssh/ssh_host_{kind}_key.pub" for kind in HOST_KEYS if (etc / f"ssh/ssh_host_{kind}_key.pub").exists()]
            put(box, draft / DISK, files, {"/etc/shadow": 0o100600}, [*links, *keys])
        (draft / "recipe").write_text(cache.digest(recipe))
        return {}

    # Its manifest does not look at the disk itself, which would take longer than to copy it.
    return cache.obtain("server", cache.digest(recipe), "the server's disk", ["recipe"], fill)[0] / DISK
