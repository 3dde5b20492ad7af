# SPDX-License-Identifier: GPL-2.0-only
"""The toolbox: a small Debian tree with the compilers, QEMU and tools that the host lacks or has too old.

`mmdebstrap` makes it, as root or as an ordinary user (user namespaces), and `bubblewrap` runs programs in it without privileges. The
versions of the packages that were asked for by name are written down in `lab/toolbox.lock`. While the archive still has them they
are used; where it has dropped them the newest are taken instead, loudly, and every run records what it used.
"""

import dataclasses
import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lab import cache
from lab.errors import LabError
from lab.progress import Step, say

HERE = Path(__file__).parent
LOCK = HERE / "toolbox.lock"
RECIPE = 1  # raise it when the way of making the tree changes what is in it
SUITES = ("trixie", "trixie-updates", "trixie-backports")
_FROM_BACKPORTS = "src:qemu src:seabios src:ipxe src:edk2 src:linux* src:lava src:python-django"
PIN = f"Package: {_FROM_BACKPORTS}\nPin: release n=trixie-backports\nPin-Priority: 600\n"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

PROFILES: dict[str, tuple[str, ...]] = {
    "lab": (
        "bc", "bison", "busybox-static", "cpio", "flex", "gcc", "ipxe-qemu", "kmod", "libarchive-tools", "libc6-dev",
        "libelf-dev", "libnuma-dev", "libpci-dev", "libssl-dev", "make", "patch", "python3", "qemu-system-x86", "rsync", "xz-utils", "zstd",
    ),
    # As "lab", for hosts of that architecture (lab/arch.py): their programs are compiled here, and what runs there is theirs.
    "aarch64": (
        "bc", "bison", "busybox-static:arm64", "cpio", "flex", "gcc", "gcc-aarch64-linux-gnu", "ipxe-qemu", "kmod", "libarchive-tools",
        "libc6-dev", "libc6-dev-arm64-cross", "libelf-dev", "libnuma-dev:arm64", "libpci-dev:arm64", "libssl-dev", "make", "patch",
        "python3", "qemu-system-arm", "qemu-user", "rsync", "xz-utils", "zstd",
    ),
    # What boots an aarch64 host where its description asks for firmware. By itself, so that it can change and leave the kernels alone.
    "aarch64-firmware": ("qemu-efi-aarch64",),
    # The load of hosts that have scratch media (lab/media.py). By itself, for the same reason. None for aarch64: the package takes a Python
    # of that architecture, which can't be set up here.
    "fio": ("fio",),
    # What the machine of lab/server/ runs.
    "server": (
        "bubblewrap", "dbus", "e2fsprogs", "iproute2", "kmod", "libpam-systemd", "openssh-server", "pciutils", "procps", "python3",
        "python3-jinja2", "python3-jsonschema", "python3-junitparser", "python3-numpy", "python3-rich", "python3-yaml", "systemd-sysv",
        "udev",
    ),
    # A whole laboratory: LAVA's server with its database, and a worker whose devices are QEMU's (lab/lava/).
    "lava": (
        "busybox-static", "cpio", "git", "ipxe-qemu", "lava-dispatcher", "lava-server", "postgresql", "python3", "qemu-system-x86",
        "qemu-utils",
    ),
    "fuzz": (
        "clang", "libc6-dev", "libclang-rt-19-dev", "make", "python3", "python3-dev", "python3-jsonschema",
        "python3-junitparser", "python3-rich",
    ),
    "lint": (
        "clang-format", "cppcheck", "flake8", "gcc", "libc6-dev", "libnuma-dev", "libpci-dev", "make", "mypy", "python3", "python3-dev",
        "python3-jinja2", "python3-jsonschema", "python3-junitparser", "python3-numpy", "python3-pytest", "python3-rich", "shellcheck",
        "sparse",
    ),
}  # fmt: skip

ARCHITECTURE = "amd64"  # the programs of a toolbox are of this one; a package of another is named with it, "package:architecture"
MOUNT = Path("/mnt")
MOUNTS = ("ksrc", "kbuild", "khdr", "src", "out", "work")  # a read-only tree can't grow mount points later


@dataclasses.dataclass(frozen=True)
class Toolbox:
    """A tree that programs can be run in. `key` stands for every package in it and its version."""

    tree: Path
    key: str
    versions: Mapping[str, str]
    drift: Mapping[str, str]

    def command(
        self,
        argv: Sequence[str],
        binds: Mapping[str, Path] | None = None,
        readonly: Mapping[str, Path] | None = None,
        devices: Sequence[str] = (),
        cwd: str = "/",
        daemon: bool = False,
        scratch: Sequence[str] = (),
        network: bool = False,
    ) -> list[str]:
        """The bubblewrap command line for `argv`.

        `binds` and `readonly` map a name from MOUNTS to a folder of the host, seen inside as /mnt/<name>. `devices` are nodes
        under /dev that are passed through, `scratch` folders of the tree that are empty and writable. There is a network of its own with
        nothing in it but a loopback, or with `network` the one that this process has. A `daemon` outlives who starts it, and has that too.
        """
        words = ["bwrap", "--unshare-all", *(["--share-net"] if network or daemon else []), *([] if daemon else ["--die-with-parent"])]
        words += ["--uid", "0", "--gid", "0"]
        words += ["--ro-bind", str(self.tree), "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"]
        for option, mapping in (("--bind", binds), ("--ro-bind", readonly)):
            for name, folder in (mapping or {}).items():
                words += [option, str(folder), str(MOUNT / name)]
        for folder_inside in scratch:
            words += ["--tmpfs", folder_inside]
        for node in devices:
            words += ["--dev-bind", node, node]
        words += ["--clearenv", "--setenv", "PATH", "/usr/sbin:/usr/bin:/sbin:/bin", "--setenv", "LC_ALL", "C.UTF-8"]
        return [*words, "--setenv", "HOME", "/tmp", "--chdir", cwd, "--", *argv]

    def run(
        self, title: str, argv: Sequence[str], check: bool = True, **where: Any
    ) -> subprocess.CompletedProcess[str]:
        """Runs `argv` inside and returns its output; LabError with the end of the output if it fails."""
        done = subprocess.run(
            self.command(argv, **where), stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
        )
        if check and done.returncode:
            tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
            raise LabError(f"{title} failed (exit code {done.returncode}):\n{tail}")
        return done


def mirror() -> str:
    """The Debian archive: $IOMMU_CTS_MIRROR, else the one that this host's apt uses."""
    named = os.environ.get("IOMMU_CTS_MIRROR")
    if named:
        return named
    fields = "$(REPO_URI)|$(ORIGIN)|$(LABEL)"
    done = subprocess.run(
        ["apt-get", "indextargets", "--format", fields, "Created-By: Packages"], capture_output=True, text=True
    )
    for line in done.stdout.splitlines():
        uri, _, origin = line.partition("|")
        if origin == "Debian|Debian":
            return uri
    raise LabError("this host's apt has no Debian archive configured; name one: IOMMU_CTS_MIRROR=<URL of a Debian mirror>")


def sources(uri: str) -> str:
    """The toolbox's sources.list."""
    signed = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
    return "".join(f"deb {signed}{uri} {suite} main\n" for suite in SUITES)


def read_lock() -> dict[str, str]:
    """The versions written down in lab/toolbox.lock, by package."""
    versions = {}
    for line in LOCK.read_text().splitlines():
        if line and not line.startswith("#"):
            package, version = line.split()
            versions[package] = version
    return versions


@dataclasses.dataclass(frozen=True)
class Offer:
    """The versions of one package that the archive has, and the one that apt would take, pins considered."""

    versions: Sequence[str]
    candidate: str

    def resolve(self, package: str, locked: str | None) -> tuple[str, str | None]:
        """The version to take and, where the locked one is gone or never was, a sentence about it."""
        if locked in self.versions:
            return str(locked), None
        return self.candidate, (
            f"{package}: {locked or 'no version'} is in lab/toolbox.lock, the archive has {self.candidate}; taking that"
        )


class Archive:
    """What the Debian archive has now, asked by a private apt that neither reads nor changes the host's own lists.

    Made by `archive`, once a process: fetching the lists takes several seconds.
    """

    def __init__(self, folder: Path, uri: str, architectures: Sequence[str]) -> None:
        for name in ("state/lists/partial", "cache/archives/partial", "etc/preferences.d"):
            (folder / name).mkdir(parents=True)
        (folder / "state/status").touch()
        (folder / "etc/sources.list").write_text(sources(uri))
        (folder / "etc/preferences").write_text(PIN)
        config = {
            "Dir::State": folder / "state",
            "Dir::State::status": folder / "state/status",
            "Dir::Cache": folder / "cache",
            "Dir::Etc": folder / "etc",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferencesparts": folder / "etc/preferences.d",
            "APT::Architecture": ARCHITECTURE,
            "APT::Architectures": ",".join(architectures),
            "APT::Sandbox::User": "",
            "Acquire::Languages": "none",
        }
        self._options = [word for key, value in config.items() for word in ("-o", f"{key}={value}")]
        self._apt("apt-get", "update", "-q")

    def _apt(self, program: str, *words: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            [program, *self._options, *words],
            capture_output=True, text=True, cwd=cwd, env={**os.environ, "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        if done.returncode:
            raise LabError(f"the Debian archive can't be read ({program} {words[0]}):\n{done.stderr.strip()}")
        return done.stdout

    def offers(self, packages: Sequence[str]) -> dict[str, Offer]:
        """What there is of each package; LabError names one that the archive does not have. One question for all: apt is slow to start."""
        versions: dict[str, list[str]] = {package: [] for package in packages}
        for line in self._apt("apt-cache", "madison", *packages).splitlines():
            package, version, _ = (field.strip() for field in line.split("|"))
            versions.setdefault(package, []).append(version)
        policy = self._apt("apt-cache", "policy", *packages)
        candidates = dict(re.findall(r"^(\S+):\n  Installed: .*\n  Candidate: (\S+)$", policy, re.MULTILINE))
        for package in packages:
            if candidates.get(package, "(none)") == "(none)":
                raise LabError(f"the Debian archive has no package {package}")
        return {package: Offer(versions[package], candidates[package]) for package in packages}

    def dependency(self, package: str) -> str | None:
        """The first package that a metapackage depends on."""
        found = re.search(r"^  Depends: (\S+)$", self._apt("apt-cache", "depends", package), re.MULTILINE)
        return found[1] if found else None

    def download(self, package: str, version: str, folder: Path) -> None:
        """Puts the .deb into `folder`."""
        self._apt("apt-get", "download", f"{package}={version}", cwd=folder)


_archives_lock = threading.Lock()
_archives: dict[tuple[str, ...], tuple[tempfile.TemporaryDirectory[str], Archive]] = {}


def _architectures(packages: Iterable[str]) -> list[str]:
    """Those that packages of these names are of."""
    return [ARCHITECTURE, *sorted({name.partition(":")[2] for name in packages} - {"", ARCHITECTURE})]


def archive(packages: Iterable[str] = ()) -> Archive:
    """The archive as it was when this process first asked, for packages such as these: those of another architecture have lists of
    their own."""
    uri, architectures = mirror(), _architectures(packages)
    with _archives_lock:
        which = (uri, *architectures)
        if which not in _archives:
            folder = tempfile.TemporaryDirectory(prefix="iommu-cts-")
            _archives[which] = folder, Archive(Path(folder.name), uri, architectures)
        return _archives[which][1]


def _installed(tree: Path) -> dict[str, str]:
    versions = {}
    for block in (tree / "var/lib/dpkg/status").read_text().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if re.match(r"(Package|Version|Architecture): ", line))
        if fields:
            foreign = fields["Architecture"] not in (ARCHITECTURE, "all")
            versions[fields["Package"] + (f":{fields['Architecture']}" if foreign else "")] = fields["Version"]
    return versions


def _check_unprivileged() -> None:
    """mmdebstrap as an ordinary user needs a range of subordinate user ids."""
    user = os.environ.get("USER") or str(os.getuid())
    for file in ("/etc/subuid", "/etc/subgid"):
        entries = Path(file).read_text().splitlines() if Path(file).exists() else []
        if not any(entry.split(":")[0] in (user, str(os.getuid())) for entry in entries):
            raise LabError(
                f"{file} has no range for {user}, so no toolbox can be made without root. Run once:\n"
                f"    sudo usermod --add-subuids 200000-265535 --add-subgids 200000-265535 {user}"
            )


def _bootstrap(draft: Path, versions: Mapping[str, str], step: Step) -> None:
    if os.getuid():
        _check_unprivileged()
    tree = draft / "tree"
    tree.mkdir()
    points = " ".join(f'"$1{MOUNT / name}"' for name in MOUNTS)
    with tempfile.TemporaryDirectory(prefix="iommu-cts-") as scratch:
        os.chmod(scratch, 0o755)  # the mapped root of an unprivileged mmdebstrap reads these
        pin, listing, log = (Path(scratch) / name for name in ("pin", "sources.list", "log"))
        pin.write_text(PIN)
        listing.write_text(sources(mirror()))
        maker = subprocess.Popen(
            [
                "mmdebstrap", "--variant=apt", f"--mode={'unshare' if os.getuid() else 'root'}", "--format=tar",
                f"--architectures={','.join(_architectures(versions))}", '--aptopt=APT::Install-Recommends "false"',
                "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
                "--dpkgopt=path-exclude=/usr/share/locale/*", "--dpkgopt=force-unsafe-io",
                f'--setup-hook=mkdir -p "$1/etc/apt/preferences.d"; cp {pin} "$1/etc/apt/preferences.d/lab"',
                f"--customize-hook=mkdir -p {points}",
                "--include=" + ",".join(f"{package}={version}" for package, version in versions.items()),
                SUITES[0], "-", str(listing),
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=False,
        )  # fmt: skip
        assert maker.stdout and maker.stderr
        # Device nodes can't be made by an ordinary user, and bubblewrap brings its own /dev.
        unpack = subprocess.Popen(
            ["tar", "-x", "-C", str(tree), "--no-same-owner", "--exclude=./dev/*"], stdin=maker.stdout
        )
        maker.stdout.close()
        with log.open("w") as kept:
            for raw in maker.stderr:
                line = raw.decode(errors="replace").rstrip()
                kept.write(line + "\n")
                if line.startswith("I: "):
                    step.note(line[3:])
        if maker.wait() or unpack.wait():
            tail = "\n".join(log.read_text().splitlines()[-15:])
            raise LabError(f"mmdebstrap could not make the toolbox:\n{tail}")


def _make(profile: str, pointer: Path) -> str:
    """Makes the toolbox of `profile` and points `pointer` at it; returns its cache key."""
    locked = read_lock()
    with Step(f"toolbox '{profile}'") as step:
        step.note("asking the archive for versions")
        offers = archive(PROFILES[profile]).offers(PROFILES[profile])
        versions, drift = {}, {}
        for package, offer in offers.items():
            versions[package], gone = offer.resolve(package, locked.get(package))
            if gone:
                drift[package] = gone
                say(f"WARNING: {gone}; results are not strictly comparable with those of the locked toolbox")

        def fill(draft: Path) -> dict[str, Any]:
            _bootstrap(draft, versions, step)
            return {"versions": _installed(draft / "tree"), "drift": drift}

        key = cache.digest({"recipe": RECIPE, "profile": profile, "suites": SUITES, "versions": versions})
        cache.obtain("toolbox", key, f"toolbox '{profile}'", ["tree/var/lib/dpkg/status"], fill)
        cache.write_pointer(pointer, key)
    return key


def write_lock() -> None:
    """Writes down the newest versions on offer, for the toolbox's packages and the kernel source, in lab/toolbox.lock."""
    with Step("versions for lab/toolbox.lock"):
        source = archive().dependency("linux-source")
        if source is None:
            raise LabError("the Debian archive has no linux-source package")
        names = sorted({source, *(package for packages in PROFILES.values() for package in packages)})
        head = [line for line in LOCK.read_text().splitlines() if line.startswith("#")]
        lines = [f"{name} {offer.candidate}" for name, offer in archive(names).offers(names).items()]
        LOCK.write_text("\n".join([*head, *lines]) + "\n")


def obtain(profile: str = "lab") -> Toolbox:
    """The toolbox of this profile, made if it is not in the cache."""
    locked = read_lock()
    wanted = cache.digest({"recipe": RECIPE, "lock": {package: locked.get(package) for package in PROFILES[profile]}})
    pointer = cache.root() / "toolbox" / f"{profile}-{wanted}"
    pointer.parent.mkdir(parents=True, exist_ok=True)
    key = cache.read_pointer(pointer) or _make(profile, pointer)

    def again(_: Path) -> dict[str, Any]:
        pointer.unlink()
        raise LabError(f"the toolbox {key} in {cache.root()} was damaged and has been removed; run the same command again")

    entry, facts = cache.obtain("toolbox", key, f"toolbox '{profile}'", ["tree/var/lib/dpkg/status"], again)
    packages = dict(facts["versions"])
    return Toolbox(entry / "tree", cache.digest(packages), packages, dict(facts["drift"]))
