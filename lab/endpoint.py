# SPDX-License-Identifier: GPL-2.0-only
"""Endpoints in software (fixtures/endpoint, docs/endpoint.md): how they are built, and live and die with their QEMU."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path

from lab import cache
from lab.binaries import TOP
from lab.host import Endpoint
from lab.toolbox import Toolbox

PROGRAM = "endpoint"  # in the folder of a machine
# What runs all of them, for bash: QEMU is "$@", and what stands before this starts the endpoints. The first that fails ends it, and the
# sandbox with it. QEMU closes an endpoint's socket, which ends that well, when it ends itself: it gets some seconds for the rest of that.
TOGETHER = """
"$@" <&0 & qemu=$!
wait -n -p who; status=$?
[ "$status" = 0 ] && [ "$who" != "$qemu" ] || exit "$status"
for _ in {1..100}; do
    kill -0 "$qemu" 2>/dev/null || { wait "$qemu"; exit; }
    sleep 0.05
done
echo "an endpoint was left by QEMU, which goes on" >&2
exit 1
"""


def build(toolbox: Toolbox) -> Path:
    """The program, static. LabError with the compiler's words."""
    out = cache.root() / "build" / cache.digest([toolbox.key, "endpoint", str(TOP)])
    with cache.lock(out.with_name(out.name + ".lock"), "the endpoint"):
        out.mkdir(parents=True, exist_ok=True)
        argv = ["make", "-C", "/mnt/src/fixtures/endpoint", "OUT=/mnt/out"]
        toolbox.run("building fixtures/endpoint", argv, binds={"out": out}, readonly={"src": TOP})
    return out / "endpoint"


def _socket(number: int) -> str:
    return f"/tmp/endpoint-{number}"  # of the sandbox


def devices(endpoints: Sequence[Endpoint]) -> list[str]:
    """What QEMU is told of them."""
    words = []
    for number, one in enumerate(endpoints, 1):
        device = {"driver": "vfio-user-pci", "bus": one.bus, "socket": {"type": "unix", "path": _socket(number)}}
        words += ["-device", json.dumps(device)]
    return words


def together(endpoints: Sequence[Endpoint], program: str, logs: Sequence[str], qemu: list[str]) -> list[str]:
    """The command that starts the endpoints, each with a log, and then QEMU. It ends with QEMU's exit code when QEMU ends, and with
    another than 0 when an endpoint does. Whatever is left then is the sandbox's to end."""
    if not endpoints:
        return qemu
    lines = []
    for number, (one, log) in enumerate(zip(endpoints, logs, strict=True), 1):
        serve = [program, "--socket", _socket(number), "--serial", str(number), *one.options]
        lines += [
            f"{shlex.join(serve)} 2>>{shlex.quote(log)} &",
            f"until [ -S {_socket(number)} ]; do kill -0 $! 2>/dev/null || exit 1; sleep 0.01; done",
        ]
    return ["bash", "-c", "\n".join(lines) + TOGETHER, "bash", *qemu]
