# SPDX-License-Identifier: GPL-2.0-only
"""A small run on disk, and bundles of it, sound and otherwise."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from results import journal
from results.bundle import archive, contents, signature
from results.bundle.archive import Member
from results.bundle.verify import Verified, verify
from results.tests.build_journal import Builder, planned
from runner import suite

DAY = date(2026, 11, 23)
PASSED, FAILED, SKIPPED = (planned(f"access/{name}") for name in ("opens/fd", "parked/read", "gone/unplug"))
WAIVER = b'[[waiver]]\ntest = "a/b/c"\nhost = "elsewhere"\nreason = "r"\nurl = "https://e.example/"\nexpires = 2030-01-01\n'


def run_of(folder: Path, ended: str | None = "finished") -> Path:
    """Writes a linked journal of a run with one test of each of three verdicts, and a console; returns the folder."""
    folder.mkdir(parents=True)
    skipped = SKIPPED | {"skip": {"code": "no-kvm", "text": "none"}}
    made = Builder(PASSED, FAILED, skipped, unselected=[{"path": "bench/map/all", "requirements": []}])
    made.lines[0]["identity"] = {"cts-exec": "00", **{f"test program {name}": "11" for name in
                                 ("access/opens", "access/parked", "access/gone", "bench/map")}}  # fmt: skip
    made.passed(PASSED["id"])
    made.failed(FAILED["id"])
    made.log(None, "an odd \x1b[31m<line>")
    if ended:
        made.add("end", why=ended)
    with journal.Writer(folder / "journal.jsonl", clock=lambda: 1_800_000_000.0) as writer:
        for line in made.lines:
            writer.write(**{key: value for key, value in line.items() if key != "t"})
    (folder / "console-1.log").write_bytes(b"Linux\xff\x00\n")
    (folder / "notes.txt").write_text("not for others")
    return folder


def files_of(folder: Path) -> dict[str, bytes]:
    """Everything but the statement, as `iommu-cts bundle` puts it into a bundle."""
    files = contents.sources(folder, None) | {contents.WAIVERS: WAIVER}
    return files | contents.judged(files, DAY).derived


def seal(files: Mapping[str, bytes], key: Path | None = None) -> list[Member]:
    """A statement for these files, made anew, signed if there is a key, and they."""
    of = contents.judged(files, DAY)
    made = contents.dump(contents.statement(of, files, DAY, signature.fingerprint(key) if key else None, suite.version()))
    head = [Member(contents.STATEMENT, made)]
    if key:
        head.append(Member(contents.SIGNATURE, signature.sign(made, key)))
    return [*head, *contents.members(files)]


def packed(folder: Path, members: list[Member]) -> bytes:
    """The bytes of an archive of these."""
    archive.write(folder / "packed.tar.gz", members)
    return (folder / "packed.tar.gz").read_bytes()


def look(folder: Path, members: list[Member], signers: Path | None = None, identity: str | None = None) -> Verified:
    """Packs them, and verifies that."""
    return verify(io.BytesIO(packed(folder, members)), signers, identity)


def without_touching(members: list[Member], name: str, change: Callable[[bytes], bytes]) -> list[Member]:
    """The same with the bytes of one member changed, and nothing else."""
    assert any(one.name == name for one in members)
    return [Member(one.name, change(one.data)) if one.name == name else one for one in members]


def key_of(folder: Path, who: str) -> tuple[Path, str]:
    """A fresh key, and its line in a file of allowed signers."""
    path = folder / who
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", who, "-f", str(path)], check=True)
    return path, f"{who} {path.with_suffix('.pub').read_text()}"


def edit(data: bytes, do: Callable[[Any], None]) -> bytes:
    """JSON with something done to it, written as it was."""
    value = json.loads(data)
    do(value)
    return (json.dumps(value, indent=1) + "\n").encode()
