# SPDX-License-Identifier: GPL-2.0-only
"""Hosts that are out of order: slow, dead, or lying. Some are well again once all others are over, and must have lost nothing.

`ends` is what the run of such a host has to come to: its exit code, and words that name the cause in its report. Those that heal come to
what a host in order comes to.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

from runner.tests.scale.laboratory import Answer, Host, told, until
from runner.tests.scale.machine import Machine, names

Ends = tuple[int, str]
HEALS: Ends = (1, "")
NOWHERE = "it and those before it got nowhere"
# A short line that stands for 10^9 words.
LAUGHS = b"- {dt: 2027-01-15T08:00:00+00:00, x: [" + b", ".join(
    b"&a%d [%s]" % (level, b", ".join([b"*a%d" % (level - 1) if level else b"lol"] * 10)) for level in range(9)
) + b"], lvl: *a8, msg: *a8}\n"  # fmt: skip


class Disordered(Host):
    """See `ends`."""

    ends: Ends = HEALS

    def _whole(self, number: str, start: int) -> bytes:
        return b"".join(itertools.islice(self.lines(number), start, None))


class Slow(Disordered):
    """1 KiB a second."""

    def log(self, number: str, start: int) -> Answer:
        body = self._whole(number, start)
        pieces = [body[at : at + 1024] for at in range(0, len(body), 1024)]
        return Answer(200, until(self.healed, pieces, 1.0), len(body)) if body else Answer(404, [])


class Hanging(Disordered):
    """Stops in the middle, and keeps the connection."""

    def log(self, number: str, start: int) -> Answer:
        body = self._whole(number, start)
        half = body if self.healed.is_set() else body[: len(body) // 2]
        return Answer(200, until(self.healed, [half, b""], 0.0 if self.healed.is_set() else 3600.0), len(body)) if body else Answer(404, [])


class Boaster(Disordered):
    """Says that there is more than it sends."""

    def log(self, number: str, start: int) -> Answer:
        body = self._whole(number, start)
        if not body or self.healed.is_set():
            return super().log(number, start)
        return Answer(200, [body[: len(body) // 2]], 2 * len(body))


class Ill(Disordered):
    """Its server has an error."""

    def state(self, number: str) -> Answer:
        return super().state(number) if self.healed.is_set() else Answer(500, [b"sorry"])


class Strict(Disordered):
    """Takes the token for a wrong one, once it has a job."""

    ends = (3, r"job \d+: .*: 401: .*the token comes from")

    def state(self, number: str) -> Answer:
        return Answer(401, [b"no such user"])


class Talkative(Disordered):
    """Says more of a job than anybody can want to know."""

    ends = (3, r"an answer of more than 16 MiB")

    def state(self, number: str) -> Answer:
        body = b'{"state": [' + b"[]," * (6 << 20) + b"[]]}"
        return Answer(200, [body], len(body))


class Endless(Disordered):
    """A line that never ends."""

    ends = (3, f"{NOWHERE}: .*log too long")

    def log(self, number: str, start: int) -> Answer:
        return Answer(200, itertools.repeat(b"x" * 65536))


class Flooded(Disordered):
    """A console of 2 GiB."""

    ends = (3, f"{NOWHERE}: .*log too long")

    def log(self, number: str, start: int) -> Answer:
        line = Machine([]).line("x" * 2000)
        return Answer(200, itertools.repeat(line * 32, (2 << 30) // (32 * len(line))))


class Forger(Disordered):
    """Each of its frames has the checksum of another one."""

    ends = (3, NOWHERE)

    def lines(self, number: str) -> Iterator[bytes]:
        return (re.sub(rb"@cts (\d+) [0-9a-f]{8} ", rb"@cts \1 01234567 ", line) for line in super().lines(number))


class Stranger(Disordered):
    """Runs tests that nobody planned."""

    ends = (3, "which does not run|somebody else wrote frames")

    def lines(self, number: str) -> Iterator[bytes]:
        plan = [{**line, "id": f"nobody/planned/{line['id']}"} if "id" in line else line for line in self.plan(number)]
        return Machine(plan).log()


class Mistaken(Disordered):
    """Gives the log of another host's job."""

    ends = (3, "which does not run|somebody else wrote frames")

    def lines(self, number: str) -> Iterator[bytes]:
        plan: list[dict[str, Any]] = [{"op": "test", "id": path} for path in names(0, 10)]
        return Machine([*self.plan(number)[:3], *plan]).log()


class _Boundless(Machine):
    def frame(self, ev: str, **keys: Any) -> str:
        return super().frame(ev, **{**keys, "duration_ns": 10**400} if ev == "test_end" else keys)


class Boundless(Disordered):
    """Its tests take 10^400 ns."""

    ends = (3, "duration_ns")

    def lines(self, number: str) -> Iterator[bytes]:
        return _Boundless(self.plan(number)).log()


class Laughing(Disordered):
    """Its log has lines that stand for a billion words, and all else as it should be."""

    def lines(self, number: str) -> Iterator[bytes]:
        for place, line in enumerate(super().lines(number)):
            yield line
            if place % 500 == 0:
                yield LAUGHS


class Packed(Disordered):
    """Packs what nobody asked it to pack."""

    ends = (3, r"the answer is packed \(gzip\)")

    def log(self, number: str, start: int) -> Answer:
        return Answer(200, [b"\x1f\x8b" + b"\0" * 1000], None, {"Content-Encoding": "gzip"})


class Silent(Disordered):
    """Its jobs are complete, and have no log."""

    ends = (3, f"{NOWHERE}.*it has no log")

    def log(self, number: str, start: int) -> Answer:
        return Answer(404, [])


class Nonsense(Disordered):
    """No LAVA at all."""

    ends = (3, "not the answer of a LAVA server")

    def state(self, number: str) -> Answer:
        return told(json.dumps("<html>"))


ALL: list[type[Disordered]] = [
    Slow, Hanging, Boaster, Ill, Strict, Talkative, Endless, Flooded, Forger, Stranger, Mistaken, Boundless, Laughing, Packed, Silent,
    Nonsense,
]  # fmt: skip
