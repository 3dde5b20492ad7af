# SPDX-License-Identifier: GPL-2.0-only
"""A target that ssh reaches: what happens when the connection breaks, the machine goes down, or nobody answers.

ssh itself is a program that runs the command here, with a few lines to break it; everything else is real. `make check-ssh` has the real
one, and a machine.
"""

import contextlib
import dataclasses
import os
import signal
import stat
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import host
from lab.binaries import Binaries
from lab.errors import LabError
from lab.realhost import Access
from results.journal import Writer, read
from runner import catalogue, plan, reboot
from runner.collect import UNREACHABLE
from runner.session import Lost, Session
from runner.targets import remote, ssh
from runner.tests.exec_driver import TIMEOUT
from runner.tests.test_relay import relays  # noqa: F401

SSH = r"""#!/bin/sh
# Says of each connection who it is; with the file "cut" there is none, with "refuse" ssh says what is in it.
here=$(dirname "$0")
for word; do
    case $word in
    -G) echo "controlpath none"; exit 0 ;;
    -O) exit 0 ;;
    esac
done
while [ "$1" != -- ]; do shift; done
[ -e "$here/refuse" ] && { cat "$here/refuse" >&2; exit 255; }
[ -e "$here/cut" ] && { echo "ssh: connect to host $2 port 22: Connection refused" >&2; exit 255; }
command=$(printf %s "$3" |
    sed "s,/proc/sys/kernel/random/boot_id,$here/boot_id,g; s,/sys/fs/pstore,$here/sys/fs/pstore,g; s,/var/lib/systemd/pstore,$here/old,g")
echo $$ >>"$here/connections"
echo "Welcome to the box!"
case $3 in
*pstore*) sh -c "$command" | sed "s,$here/sys,/sys," ;;
*) sh -c "$command" ;;
esac
code=$?
[ -e "$here/cut" ] && exit 255
exit $code
"""
BOOTS = [f"{number}1111111-2222-3333-4444-555555555555" for number in range(4)]


class Box:
    """A machine in a folder: its ssh, its kernel's id, its last words."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.write("ssh", SSH)
        (folder / "ssh").chmod(0o755)
        self.write("boot_id", BOOTS[0] + "\n")
        (folder / "pstore").mkdir()
        (folder / "tmp").mkdir()

    def write(self, name: str, text: str) -> None:
        """At once, so that nobody reads half of it."""
        draft = self.folder / f".{name}"
        draft.write_text(text)
        draft.rename(self.folder / name)

    def cut(self) -> None:
        """All connections break, and there are no new ones."""
        self.write("cut", "")
        self.kill()

    def kill(self) -> None:
        """The connections that there are break."""
        for line in (self.folder / "connections").read_text().split():
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                for pid in Path(f"/proc/{line}/task/{line}/children").read_text().split():
                    os.kill(int(pid), signal.SIGKILL)

    def mend(self) -> None:
        (self.folder / "cut").unlink()

    def left(self) -> list[Path]:
        return list((self.folder / "tmp").iterdir())

    def clean(self) -> None:
        """Ends what is left: a relay whose runner gave up goes on for minutes."""
        for folder in self.left():
            subprocess.run([str(folder / "cts-relay"), "stop", str(folder)], capture_output=True, timeout=TIMEOUT)


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Box:
    box = Box(tmp_path / "box")
    monkeypatch.setenv("PATH", f"{box.folder}:{os.environ['PATH']}")
    monkeypatch.setattr(remote, "RETRY_S", 0.05)
    monkeypatch.setattr("runner.targets.link.RETRY_S", 0.05)
    return box


class Rig:
    """A session with a target in a box."""

    def __init__(self, box: Box, relay: Path, cts_exec: Path, tmp: Path, **access: Any) -> None:
        self.box = box
        self.programs = programs = Binaries(cts_exec.parent, {"access/example": Path("/bin/true")})
        assert programs.cts_exec == cts_exec
        # cts-relay is built elsewhere than in a real build.
        with contextlib.suppress(FileExistsError):
            (cts_exec.parent / "cts-relay").symlink_to(relay)
        self.where = host.Host("box", "t", "ssh", ssh=Access("box", folder=str(box.folder / "tmp"), **access))
        self.stop = threading.Event()
        self.target = ssh.SshTarget(self.where, programs, None, tmp, tmp / "console-1.log", self.stop)
        self.path = tmp / "journal.jsonl"
        self.journal = Writer(self.path)
        self.session = Session(self.target, self.journal, stop=self.stop)

    def run(self, script: str) -> threading.Thread:
        """A test that is a shell script; its end is in the journal."""
        program = self.box.folder / "script"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        test = catalogue.Test("access/example/t", "access/example", "t", "it does", (), (), "promise", 60, 0, False)
        (item,) = plan.make([test], [], {}, {test.binary: str(program)}, lambda test: None, {})
        thread = threading.Thread(target=self.session.run, args=(item, True))
        thread.start()
        return thread

    def entries(self, kind: str) -> list[Any]:
        return [entry for entry in read(self.path).entries if type(entry).__name__ == kind]

    def events(self, ev: str) -> list[dict[str, Any]]:
        return [entry.event for entry in self.entries("EventEntry") if entry.event["ev"] == ev]


@pytest.fixture
def rig(box: Box, relays: Path, built: Path, tmp_path: Path) -> Iterator[Rig]:  # noqa: F811
    rig = Rig(box, relays / "cts-relay", built / "cts-exec", tmp_path)
    yield rig
    rig.stop.set()
    rig.session.kill()
    rig.journal.close()
    box.clean()


def test_a_command_runs_there_and_nothing_stays(rig: Rig) -> None:
    inventory = rig.session.boot()
    assert inventory.hello["ev"] == "hello"
    folder = Path(rig.target.suites).parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700 and (folder / "suites/access/example").exists()
    assert rig.target.scratch == f"{folder}/scratch" and Path(rig.target.scratch).is_dir()
    assert rig.session.command(["/bin/echo", "hello"]) == "hello\n"
    rig.session.end()
    assert rig.box.left() == []
    assert not rig.entries("LostEntry")


def test_what_a_killed_runner_left_is_ended_by_the_next(rig: Rig, tmp_path: Path) -> None:
    rig.session.boot()
    left = rig.target.environment()[ssh.FOLDER]
    assert rig.box.left() == [Path(left)]
    # As a runner that was killed leaves it: the relay waits for somebody, for ten minutes.
    (tmp_path / "next").mkdir()
    target = ssh.SshTarget(
        rig.where, rig.programs, None, tmp_path / "next", tmp_path / "console-2.log", threading.Event(), (), left
    )  # fmt: skip
    target.power_on()
    try:
        assert rig.box.left() == [Path(target.suites).parent] and str(rig.box.left()[0]) != left
        with pytest.raises(Lost):
            rig.session.command(["/bin/echo", "nobody"])
    finally:
        target.power_off()


@pytest.mark.parametrize("left", ["/", "/tmp/iommu-cts.01234567;x", "/tmp/../iommu-cts.0123456789", "tmp/iommu-cts.0123456789", 5, None])
def test_no_other_folder_is_taken_for_one(rig: Rig, tmp_path: Path, left: object) -> None:
    target = ssh.SshTarget(rig.where, rig.programs, None, tmp_path, tmp_path / "console-2.log", threading.Event(), (), left)
    assert not target._left


def test_a_cut_in_the_middle_of_a_test_loses_nothing(rig: Rig) -> None:
    rig.session.boot()
    go = rig.box.folder / "go"
    os.mkfifo(go)
    test = rig.run(f"echo before; read x <{go}; echo after")
    with go.open("w") as stream:  # it is in the middle
        rig.box.cut()
        stream.write("x\n")
    rig.box.mend()
    test.join(TIMEOUT)
    assert [event["outcome"] for event in rig.events("test_end")] == ["exited"]
    assert "".join(event["text"] for event in rig.events("output")) == "before\nafter\n"
    assert not rig.entries("LostEntry") and not rig.entries("GapEntry") and not rig.entries("NoiseEntry")


def test_a_cut_between_tests_loses_nothing(rig: Rig) -> None:
    rig.session.boot()
    for _ in range(3):
        rig.box.kill()
        assert rig.session.command(["/bin/echo", "again"]) == "again\n"
    assert not rig.entries("LostEntry")


def test_the_time_without_a_connection_does_not_count(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.session.boot()
    rig.box.cut()
    monkeypatch.setattr("runner.session.ANSWER_S", 1.0)
    mender = threading.Timer(2.5, rig.box.mend)
    mender.start()
    assert rig.session.command(["/bin/echo", "patience"]) == "patience\n"


def test_a_machine_that_went_down_is_lost_by_its_test_with_the_kernels_last_words(rig: Rig) -> None:
    pstore = rig.box.folder / "sys/fs/pstore"
    pstore.mkdir(parents=True)
    (pstore / "dmesg-ramoops-0").write_text("<0>[    1.0] Kernel panic - not syncing: of its owner\n")
    rig.session.boot()
    go = rig.box.folder / "go"
    os.mkfifo(go)
    test = rig.run(f"echo before; read x <{go}")
    with go.open("w"):
        rig.box.cut()
        (pstore / "dmesg-ramoops-1").write_text("Panic#1 Part1\n<0>[   12.3] Kernel panic - not syncing: the test's\n")
        rig.box.write("boot_id", BOOTS[1] + "\n")
        rig.box.mend()
        test.join(TIMEOUT)
    (lost,) = rig.entries("LostEntry")
    assert lost.id == "access/example/t" and lost.why == reboot.WENT_DOWN
    assert "the test's" in lost.console and "owner" not in lost.console and "<0>" not in lost.console
    assert [path.name for path in pstore.iterdir()] == ["dmesg-ramoops-0"]
    # And it goes on with the next.
    rig.session.ready([])
    assert rig.session.command(["/bin/echo", "up"]) == "up\n"


def relay_of(folder: Path) -> int:
    """The process that is the relay in `folder`."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if words[1:2] == [b"start"] and str(folder).encode() in words:
                return int(process.name)
    raise AssertionError("there is no relay")


def test_a_relay_that_is_gone_is_the_labs_doing(rig: Rig) -> None:
    rig.session.boot()
    folder = Path(rig.target.suites).parent
    test = rig.run("echo before; while :; do sleep 1; done")
    while not rig.events("output"):
        os.sched_yield()
    os.kill(relay_of(folder), signal.SIGKILL)
    test.join(TIMEOUT)
    (lost,) = rig.entries("LostEntry")
    assert lost.why == ssh.RELAY_DIED


def test_who_does_not_answer_is_given_up_and_nobody_knows_why(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh, "AWAY_S", 1.0)
    rig.session.boot()
    rig.box.cut()
    with pytest.raises(Lost, match=UNREACHABLE):
        rig.session.command(["/bin/echo", "nobody"])
    with pytest.raises(LabError, match="box can't be reached: .*Connection refused"):
        rig.session.kill()
        rig.target.power_on()
    rig.box.mend()


def test_a_power_switch_gives_a_fresh_kernel(box: Box, relays: Path, built: Path, tmp_path: Path) -> None:  # noqa: F811
    script = f"echo {BOOTS[2]} >{box.folder}/boot_id; echo $0 >>{box.folder}/cycled"
    rig = Rig(box, relays / "cts-relay", built / "cts-exec", tmp_path, power_cycle=("sh", "-c", script), console=("echo", "a line"))
    try:
        rig.session.boot()
        assert rig.target.can_cycle and not (box.folder / "cycled").exists()
        rig.session.off("for a test")
        rig.session.ready([])
        assert (box.folder / "cycled").read_text().count("\n") == 1
        assert rig.session.command(["/bin/echo", "up"]) == "up\n"
        rig.session.end()
        assert "a line" in rig.target.console() and box.left() == []
    finally:
        rig.stop.set()
        rig.session.kill()
        rig.journal.close()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("root@box: Permission denied (publickey).", "Permission denied .*; nobody is asked for a password: .*ssh-copy-id.*`ssh box true`"),
        ("Host key verification failed.", "look at it with `ssh box true`"),
        ("ssh: Could not resolve hostname box: Name or service not known", "box can't be reached: .*not known"),
        ("\x1b[2Jevil\x07", "can't be reached: \ufffd\\[2Jevil\ufffd"),
    ],
)
def test_no_way_in_is_told_with_the_way_out(rig: Rig, said: str, words: str) -> None:
    rig.box.write("refuse", said)
    with pytest.raises(LabError, match=words):
        rig.session.boot()


def test_a_folder_where_nothing_may_be_executed_is_named(box: Box, relays: Path, built: Path, tmp_path: Path) -> None:  # noqa: F811
    rig = Rig(box, relays / "cts-relay", built / "cts-exec", tmp_path)
    rig.where = dataclasses.replace(rig.where, ssh=Access("box", folder="/proc"))
    rig.target = ssh.SshTarget(rig.where, Binaries(built, {}), None, tmp_path, tmp_path / "c", rig.stop)
    with pytest.raises(LabError, match="no folder of /proc lets programs be executed"):
        rig.target.power_on()
    rig.target.power_off()
    rig.journal.close()
