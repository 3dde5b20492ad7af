# SPDX-License-Identifier: GPL-2.0-only
"""make check-local: `--host local` on a server that is in use (lab/server/): what it must not touch, what it puts back, and what is left of
a run when it is killed or the machine goes down."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab import binaries, cache, entry, ksrc
from lab.errors import LabError
from lab.progress import say
from lab.server.machine import Server
from runner import suite

TOP = Path(__file__).resolve().parents[2]
NIC, OTHER_NIC, USED, IDLE, IN_GROUP = "0000:01:00.0", "0000:02:00.0", "0000:03:00.0", "0000:04:00.0", "0000:06:02.0"
RUNS = "/var/runs"
UNDO = "/var/lib/iommu-cts"
WAIT_S = 900.0  # for what an emulated processor takes minutes for; nothing is judged by it
VISITOR = "visitor"

# This checkout and the cache, at their places, with what is written to them on the server's disk.
MOUNTS = """
mkdir -p /mnt/src {top} {cache}
mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=262144 host /mnt/src
for at in {top} {cache}; do
    upper=/var/over$at; mkdir -p $upper/upper $upper/work
    mount -t overlay -o lowerdir=/mnt/src$at,upperdir=$upper/upper,workdir=$upper/work overlay $at
done
"""
UNIT = """[Unit]
RequiresMountsFor=/var
Before=iommu-cts-resume.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -e /var/mounts
[Install]
WantedBy=multi-user.target
"""


class Box:
    """The server, with this checkout on it."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def run(self, script: str, wanted: int | None = 0, user: str = "root") -> str:
        """Runs a shell script on it and returns what it prints; LabError if it ends with another code than `wanted` (None: any)."""
        done = self._server.ssh("sh", "-c", shlex.quote(script), user=user)
        said = (done.stdout + done.stderr).decode(errors="replace")
        if wanted is not None and done.returncode != wanted:
            raise LabError(f"{script}\nended with {done.returncode}, not {wanted}:\n{said}")
        return said

    def cts(self, words: str, wanted: int | None = 0, user: str = "root", runs: str = RUNS) -> str:
        """The same of iommu-cts."""
        return self.run(f"cd /; IOMMU_CTS_CACHE={cache.root()} IOMMU_CTS_RUNS={runs} {TOP}/iommu-cts {words}", wanted, user)

    def background(self, words: str, tests: int) -> None:
        """Starts iommu-cts and returns when the run that it makes has seen the end of so many tests, and goes on."""
        before = self.run(f"ls {RUNS} 2>/dev/null || true").split()
        self.run(
            f"systemd-run -q --collect --unit=cts -E HOME=/root -E IOMMU_CTS_CACHE={cache.root()} -E IOMMU_CTS_RUNS={RUNS} "
            f"{TOP}/iommu-cts {words}"
        )  # fmt: skip

        def ended() -> int:
            new = sorted(set(self.run(f"ls {RUNS} 2>/dev/null || true").split()) - set(before))
            return int(self.run(f"grep -c test_end {RUNS}/{new[-1]}/journal.jsonl", None) or 0) if new else 0

        self.until(f"{tests} tests have run", lambda: ended() >= tests)

    def boot_id(self) -> str:
        """Which boot of the machine this is, "" if it doesn't answer."""
        return self._server.ssh("cat", "/proc/sys/kernel/random/boot_id").stdout.decode().strip()

    def driver(self, bdf: str) -> str:
        return self.run(f"basename $(readlink /sys/bus/pci/devices/{bdf}/driver) 2>/dev/null || echo none").strip()

    def until(self, what: str, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WAIT_S
        while not holds():
            if time.monotonic() > deadline:
                raise LabError(f"{what}: not within {WAIT_S:.0f} s\n{self.run('journalctl -u cts -u iommu-cts-resume -n 20', None)}")
            time.sleep(1)

    def newest(self) -> dict[str, Any]:
        """results.json of the newest run."""
        found: dict[str, Any] = json.loads(self.run(f"cat $(ls -d {RUNS}/*/results.json | tail -1)"))
        return found

    def begin(self) -> None:
        """Puts the checkout onto a server that is there for the first time."""
        mounts = MOUNTS.format(top=TOP, cache=cache.root())
        where = "/etc/systemd/system/cts-mounts.service"
        self.run(f"printf %s {shlex.quote(mounts)} > /var/mounts; printf %s {shlex.quote(UNIT)} > {where}")
        self.run("systemctl enable --now cts-mounts")


def expect(holds: bool, what: str) -> None:
    if not holds:
        raise LabError(f"not so: {what}")
    say(f"  {what}")


def nothing_left(box: Box, bdf: str, driver: str) -> None:
    expect(box.driver(bdf) == driver, f"{bdf} is with {driver} again")
    override = box.run(f"cat /sys/bus/pci/devices/{bdf}/driver_override").strip()
    expect(override == "(null)", f"its driver_override is as before ({override})")
    expect(not box.run(f"ls {UNDO} 2>/dev/null || true").strip(), "the undo journal is empty")


USES = {
    "a mounted file system": ("mkfs.ext4 -q /dev/nvme1n1; mount /dev/nvme1n1 /media", "umount /media", IDLE, "is mounted on /media"),
    "one in another mount namespace": (
        "unshare -m sh -c 'mount /dev/nvme1n1 /media; sleep 600' >/dev/null 2>&1 & while ! grep -qs nvme1n1 /proc/$!/mounts; do :; done",
        "pkill -f 'sleep 600'; while pgrep -f 'sleep 600' >/dev/null; do :; done", IDLE, "is mounted on /media"),
    "swap": ("mkswap -q /dev/nvme1n1; swapon /dev/nvme1n1", "swapoff /dev/nvme1n1", IDLE, "is swap"),
    "a loop device": ("losetup /dev/loop0 /dev/nvme1n1", "losetup -d /dev/loop0", IDLE, "is below loop0"),
    "a process with the disk open": (
        "sleep 600 </dev/nvme1n1 >/dev/null 2>&1 &", "pkill -f 'sleep 600'", IDLE, "(sleep) has /dev/nvme1n1 open"),
    "a process with its registers open": (
        f"sleep 600 </sys/bus/pci/devices/{IDLE}/resource0 >/dev/null 2>&1 &", "pkill -f 'sleep 600'", IDLE, "resource0 open"),
    "an interface that is up": ("ip link set ens1 up", "ip link set ens1 down", NIC, "its interface ens1 is up"),
    "one in a bridge": (
        "ip link add br0 type bridge; ip link set ens1 master br0", "ip link del br0", NIC, "its interface ens1 belongs to br0"),
    "one below a VLAN": ("ip link add link ens1 name v7 type vlan id 7", "ip link del v7", NIC, "its interface ens1 is below v7"),
    "one in another network namespace": (
        "ip netns add x; ip link set ens1 netns x", "ip netns exec x ip link set ens1 netns 1; ip netns del x", NIC,
        "another network namespace"),
    "virtual functions": (
        f"echo 2 >/sys/bus/pci/devices/{NIC}/sriov_numvfs", f"echo 0 >/sys/bus/pci/devices/{NIC}/sriov_numvfs", NIC,
        "it has virtual functions"),
    "another one of its group": ("ip link set enp6s2 up", "ip link set enp6s2 down", "0000:06:01.0", "its interface enp6s2 is up"),
}  # fmt: skip


def in_use(box: Box, program: Path) -> None:
    """What is in use is refused by the very program that would take it, and is free afterwards."""

    def asked(bdf: str) -> str:
        line = json.dumps({"op": "take", "device": bdf, "driver": "vfio-pci", "from": "idle", "dry": True})
        return box.run(f"udevadm settle; echo {shlex.quote(line)} | {program} --undo {UNDO} | grep -E 'refused|would'")

    for what, (begin, end, bdf, words) in USES.items():
        expect("would" in asked(bdf), f"{bdf} is free")
        box.run(begin)
        said = asked(bdf)
        box.run(end, None)
        expect("refused" in said and words in said, f"{what}: {bdf} is refused: {words}")
    used = {USED: "is mounted on /srv", "0000:00:07.0": "is mounted on /", "0000:00:08.0": "is up", "0000:05:00.0": "bridge"}
    for bdf, words in used.items():
        expect(words in asked(bdf), f"{bdf} is refused: {words}")


def dry_run(box: Box) -> None:
    said = box.cts(f"run --host local --dry-run --device {NIC}")
    expect(f"'vfio-pci' -> /sys/bus/pci/devices/{NIC}/driver_override" in said, "a dry run says each write")
    expect(box.driver(NIC) == "igb", "and makes none")
    said = box.cts(f"run --host local --dry-run --device {USED}", 1)
    expect("is mounted on /srv" in said, "and says what would be refused")
    said = box.cts("run --host local --select 'access/bind_argument/*'", 2)
    expect("nothing is touched unless it is named" in said, "without a name nothing is done")


def a_run(box: Box) -> None:
    box.cts(f"run --host local --device {NIC} --select 'access/bind_argument/*'")
    results = box.newest()["results"]
    expect(any(result["verdict"] == "PASS" for result in results), f"{len(results)} tests ran on this machine")
    nothing_left(box, NIC, "igb")
    said = box.cts(f"run --host local --device {USED} --select 'access/bind_argument/*'", 3)
    expect("is mounted on /srv" in said, "a disk in use is not taken by a run either")
    said = box.cts(f"run --host local --device {IN_GROUP} --select 'access/bind_argument/*'", None)
    expect(box.driver(IN_GROUP) == "e1000", "a device of a group goes back to its driver too")


def killed(box: Box) -> None:
    """Everything of a run is killed at once."""
    kill = "pkill -9 -f iommu-cts; pkill -9 cts-exec; systemctl stop cts 2>/dev/null; true"
    for back in ("restore --host local", f"run --host local --device {OTHER_NIC} --select 'access/bind_argument/*'"):
        box.background(f"run --host local --device {NIC} --select 'access/*'", 2)
        box.run(kill, None)
        expect(box.driver(NIC) == "vfio-pci", "after a kill the device is still with us")
        box.cts(back)
        nothing_left(box, NIC, "igb")


def panicked(box: Box) -> None:
    """The kernel panics while a test runs; the machine starts anew and goes on."""
    box.background(f"run --host local --device {NIC} --select 'access/bind*' --survive-reboots", 5)
    before = box.boot_id()
    # Not by this connection, which would wait for an answer that no kernel gives any more; and soon: a timer may be a minute late.
    soon = "--on-active=1 --timer-property=AccuracySec=100ms"
    box.run(f"sync; systemd-run -q {soon} sh -c 'echo c >/proc/sysrq-trigger'")
    box.until("the machine goes down and comes up", lambda: box.boot_id() not in ("", before))
    box.until("the run ends", lambda: "1" in box.run(f"grep -c '\"kind\":\"end\"' $(ls -d {RUNS}/*/journal.jsonl | tail -1)", None))
    box.until("and its unit is gone", lambda: not box.run("ls /etc/systemd/system/iommu-cts-resume.service 2>/dev/null", None).strip())
    found = box.newest()
    down = [result for result in found["results"] if (result["reason"] or {}).get("code") in ("lost", "splat")]
    expect(len(down) == 1 and down[0]["verdict"] == "FAIL", f"one test took the machine down: {[result['id'] for result in down]}")
    expect("sysrq" in json.dumps(down[0]["evidence"]), "with the kernel's last words")
    expect(not [result for result in found["results"] if result["verdict"] in ("MISS", "ERROR")], "every other test has its verdict")
    nothing_left(box, NIC, "igb")


def ordinary_user(box: Box) -> None:
    """Root gives a device to a user, who is not root."""
    folder = f"/sys/bus/pci/devices/{OTHER_NIC}"
    box.run(f"echo vfio-pci >{folder}/driver_override; echo {OTHER_NIC} >{folder}/driver/unbind")
    box.run(f"echo {OTHER_NIC} >/sys/bus/pci/drivers_probe")
    box.run(f"chown {VISITOR} /dev/vfio/devices/* /dev/iommu")
    # The cache, which may be root's, is his as well; what is large stays as it is, as the overlay would copy it. Others come and go there.
    above, small = " ".join(map(str, cache.root().parents)), "\\( -type d -o -size -64k \\)"
    box.run(f"chmod a+x {above}; find {cache.root()} -maxdepth 3 {small} -exec chmod a+rwX {{}} + 2>/dev/null; true")
    box.cts(f"run --host local --device {OTHER_NIC} --select 'access/bind_argument/*'", user=VISITOR, runs="/tmp/visitor")
    said = json.loads(box.run("cat /tmp/visitor/*/results.json"))["results"]
    passed = sum(result["verdict"] == "PASS" for result in said)
    expect(passed > 0, f"{passed} tests pass for an ordinary user")
    expect(box.driver(OTHER_NIC) == "vfio-pci", "and his device stays his")
    said_else = box.cts(f"run --host local --device {NIC} --select 'access/bind_argument/*'", 3, VISITOR, "/tmp/visitor")
    expect("only root can give it to vfio-pci" in said_else, "what was not given to him is refused")


def _main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m runner.tests.check_local", description=__doc__)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="the server's folder, which is kept (default: one that is removed)")
    parser.add_argument("part", nargs="*", help="in_use dry_run a_run killed panicked ordinary_user (default: all)")
    arguments = parser.parse_args()
    # Here, and not by the first run on an emulated processor.
    made, source = ksrc.with_toolbox(None)
    programs = binaries.build(made, source, suite.label())
    with tempfile.TemporaryDirectory(prefix="iommu-cts-") as scratch:
        server = Server(arguments.keep or Path(scratch))
        new = not server.is_made
        if new:
            server.make()
        server.power_on(Path("/"))
        try:
            server.wait()
            box = Box(server)
            if new:
                box.begin()
            parts: dict[str, Callable[[], None]] = {
                "in_use": lambda: in_use(box, programs.cts_exec), "dry_run": lambda: dry_run(box), "a_run": lambda: a_run(box),
                "killed": lambda: killed(box), "panicked": lambda: panicked(box), "ordinary_user": lambda: ordinary_user(box),
            }  # fmt: skip
            for name in arguments.part or parts:
                say(name)
                parts[name]()
        finally:
            if not arguments.keep:
                server.power_off()
    return 0


if __name__ == "__main__":
    sys.exit(entry.ending("make check-local", _main))
