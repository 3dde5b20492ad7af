# SPDX-License-Identifier: GPL-2.0-only
"""Commands on another machine, by OpenSSH as the user has set it up: his configuration, his agent, his known hosts."""

import re
import shlex
import shutil
import subprocess
import tarfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from lab.errors import LabError
from lab.progress import say
from lab.realhost import Access
from results.text import printable

CONNECT_S = 10
# A connection that says nothing for so long, so many times, is gone: sooner than a session takes silence for a hang (TEST_SLACK_S), and
# later than a busy machine's sshd is deaf because it opens a user's session.
ALIVE_S, ALIVE_COUNT = 7, 4
COMMAND_S = 60.0
RETRY_S = 2.0
NO_CONNECTION = 255  # ssh's own exit code
CONTROL_MAX = 80  # bytes of a socket's path, of which ssh needs some itself
FOLDERS = ("/tmp", "/var/tmp")
# Folders where nothing may be executed show by a program that does nothing.
_NEW_FOLDER = (
    'for f in {folders}; do d=$(mktemp -d "$f/iommu-cts.XXXXXXXXXX") || continue; printf "#!/bin/sh\\n" >"$d/try" && chmod 700 "$d/try" && '
    '"$d/try" && rm "$d/try" && echo "$d" && exit 0; rm -r "$d"; done; echo "no folder of {names} lets programs be executed (noexec?); '
    'name one by folder = in the description" >&2; exit 1'
)
MARK = "@iommu-cts"  # a login shell may say something before it runs a command
# What waiting does not help against, in what ssh says, and the way out.
_REFUSALS = (
    (
        "Permission denied",
        "nobody is asked for a password: put a key there (ssh-copy-id), have it in the agent (ssh-add), and try `{call} true`",
    ),
    ("Host key verification failed", "its key is not known, or not the known one: look at it with `{call} true`, and do what that says"),
    ("Bad configuration option", "ssh does not understand its configuration"),
    ("terminating, ", "ssh does not understand its configuration"),
)  # fmt: skip


class Unreachable(LabError):
    """There is no connection now; there may be one later."""


def _tail(text: bytes) -> str:
    """The end of what somebody said, who may be anybody."""
    lines = [printable(line) for line in text.decode(errors="replace").splitlines() if line.strip()]
    return "; ".join(lines[-3:])[:500]


class Remote:
    """A machine that ssh reaches. `work` is a private folder for the socket of a shared connection."""

    def __init__(self, access: Access, work: Path) -> None:
        if shutil.which("ssh") is None:
            raise LabError("there is no ssh here: apt-get install openssh-client")
        self.access = access
        self._base = ["ssh", "-T"]
        if access.config is not None:
            self._base += ["-F", access.config]
        if access.port is not None:
            self._base += ["-p", str(access.port)]
        options = {
            "BatchMode": "yes", "ConnectTimeout": str(CONNECT_S), "ServerAliveInterval": str(ALIVE_S),
            "ServerAliveCountMax": str(ALIVE_COUNT), "ForwardAgent": "no", "ForwardX11": "no", "ClearAllForwardings": "yes",
            "LogLevel": "ERROR",
        }  # fmt: skip
        self._options = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        socket = work / "ssh"
        self._shared = not self._has_control_path() and len(str(socket)) <= CONTROL_MAX
        if self._shared:
            self._options += ["-o", "ControlMaster=auto", "-o", f"ControlPath={socket}", "-o", "ControlPersist=30"]

    @property
    def call(self) -> str:
        """How the user would call it."""
        return shlex.join([*(word for word in self._base if word != "-T"), self.access.address])

    def _has_control_path(self) -> bool:
        done = subprocess.run([*self._base, "-G", "--", self.access.address], stdin=subprocess.DEVNULL, capture_output=True)
        if done.returncode:
            raise LabError(f"{self.call}: {_tail(done.stderr)}")
        return re.search(rb"^controlpath (?!none$)", done.stdout, re.MULTILINE) is not None

    def argv(self, script: str) -> list[str]:
        """The command that runs a line of sh there, whatever the user's shell is."""
        return [*self._base, *self._options, "--", self.access.address, f"exec /bin/sh -c {shlex.quote(script)}"]

    def _failed(self, what: str, code: int, said: bytes) -> LabError:
        text = _tail(said)
        if code >= 0 and code != NO_CONNECTION:  # below 0: somebody killed ssh
            return LabError(f"{self.access.address}: {what}: {text or f'exit code {code}'}")
        for words, way_out in _REFUSALS:
            if words in text:
                return LabError(f"{self.access.address}: {text}; {way_out.format(call=self.call)}")
        return Unreachable(f"{self.access.address} can't be reached: {text or 'ssh gave no reason'}")

    def run(self, what: str, script: str, timeout: float = COMMAND_S) -> str:
        """What a line of sh prints there. Unreachable if there is no connection, LabError with its words if it fails."""
        try:
            done = subprocess.run(self.argv(f"echo {MARK}; {script}"), stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout)
        except subprocess.TimeoutExpired as error:
            raise Unreachable(f"{self.access.address}: {what}: no answer in {timeout:.0f} s") from error
        if done.returncode:
            raise self._failed(what, done.returncode, done.stderr)
        _, mark, said = done.stdout.decode(errors="replace").partition(f"{MARK}\n")
        if not mark:
            raise LabError(f"{self.access.address}: {what}: its shell runs no commands")
        return said

    def new_folder(self) -> str:
        """Makes a folder there that nobody else may look into, where programs can be executed; returns its path."""
        folders = [self.access.folder] if self.access.folder else list(FOLDERS)
        script = _NEW_FOLDER.format(folders=" ".join(map(shlex.quote, folders)), names=" and ".join(folders))
        path = self.run("a folder for the programs", script).strip()
        if not path.startswith("/") or not path.isprintable():
            raise LabError(f"{self.access.address}: mktemp -d names no folder")
        return path

    def unpack(self, script: str, files: Mapping[str, Path], timeout: float) -> None:
        """Runs a line of sh there that finds `files`, by their names, in a tar archive on its standard input."""
        with subprocess.Popen(
            self.argv(script), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as process:
            assert process.stdin and process.stderr
            watch = threading.Timer(timeout, process.kill)
            watch.start()
            try:
                with process.stdin as pipe, tarfile.open(fileobj=pipe, mode="w|", format=tarfile.USTAR_FORMAT) as archive:
                    for name, path in files.items():
                        entry = archive.gettarinfo(path, name)
                        entry.uid = entry.gid = 0
                        entry.uname = entry.gname = ""
                        entry.mode = 0o755
                        with path.open("rb") as content:
                            archive.addfile(entry, content)
            except BrokenPipeError:
                pass  # its exit code says why
            finally:
                said = process.stderr.read()
                watch.cancel()
        if process.returncode:
            raise self._failed("the programs can't be put there", process.returncode, said)

    def wait(self, seconds: float, stop: threading.Event) -> str | None:
        """The id of the kernel that runs there, once it answers; None if `stop` comes first. Unreachable after so many seconds."""
        deadline = time.monotonic() + seconds
        told = False
        while not stop.is_set():
            try:
                return self.boot_id()
            except Unreachable as error:
                if time.monotonic() > deadline:
                    raise
                if not told:
                    say(f"{error}; waiting for it, up to {seconds:.0f} s")
                told = True
            stop.wait(RETRY_S)
        return None

    def boot_id(self) -> str:
        """Another one after each boot."""
        return self.run("its boot id", "cat /proc/sys/kernel/random/boot_id").strip()

    def close(self) -> None:
        """Ends the shared connection."""
        if self._shared:
            argv = [*self._base, *self._options, "-O", "exit", "--", self.access.address]
            try:
                subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=CONNECT_S)
            except subprocess.TimeoutExpired:
                pass  # it ends by itself when nobody has used it for a while
