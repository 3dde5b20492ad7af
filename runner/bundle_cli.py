# SPDX-License-Identifier: GPL-2.0-only
"""`iommu-cts bundle` seals a run for somebody else; `iommu-cts verify` looks whether what somebody else sent is what was sealed."""

import argparse
import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

from lab.errors import LabError, UsageError
from results import bench
from results.bundle import archive, contents, signature
from results.bundle.verify import NOT_PROVEN, Verified, verify
from results.text import printable
from runner import run as running
from runner import suite

Commands = argparse._SubParsersAction

BUNDLE_CODES = """exit codes:
  0    the bundle was written
  2    wrong usage: nothing was written
  3    the journal is damaged, or the file can't be written
  130  interrupted: nothing was written
"""

VERIFY_CODES = """exit codes:
  0    it is as it was sealed and, with --allowed-signers, signed by one of them
  1    it is not: something was changed, cut out or added, or the signature is not theirs
  2    wrong usage: nothing was looked at
  3    it could not be looked at: no ssh-keygen
  130  interrupted
"""


def add_parsers(commands: "Commands[argparse.ArgumentParser]") -> None:
    """Both commands."""
    seal = commands.add_parser(
        "bundle", help="seal a run in one file that others can check", epilog=BUNDLE_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    seal.add_argument("run", metavar="RUN", help="a folder, a name in results/runs/, or `last`")
    seal.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the bundle, a .tar.gz")
    seal.add_argument("--sign", type=Path, metavar="KEY", help="an SSH key; a public one, if the agent has the other half")
    seal.add_argument("--waivers", type=Path, default=running.WAIVERS, metavar="FILE", help="known failures (default: waivers.toml)")
    seal.add_argument(
        "--profile", action="append", metavar="NAME", help="a claim (`iommu-cts profiles`; may be given several times; default: the run's)"
    )
    seal.set_defaults(call=_bundle)

    check = commands.add_parser(
        "verify", help="check a bundle: digests, journal, verdicts, signature", epilog=VERIFY_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    check.add_argument("bundle", type=Path, metavar="FILE")
    check.add_argument("--allowed-signers", type=Path, metavar="FILE", help="who may have signed it, as ssh-keygen(1) describes the file")
    check.add_argument("--identity", metavar="NAME", help="the one of them who has to have signed it")
    check.add_argument("--json", action="store_true", help="the same for programs (results/schema/verify-1.json)")
    check.set_defaults(call=_verify)


def _bundle(arguments: argparse.Namespace) -> int:
    folder = running.find_folder(arguments.run)
    files = contents.sources(folder, running.existing(arguments.waivers), arguments.profile)
    key = signature.fingerprint(arguments.sign) if arguments.sign else None
    day = date.today()
    judged = contents.judged(files, day)
    if judged.journal.breaks:
        raise LabError(f"{folder / contents.JOURNAL} was changed after it was written; nothing is sealed: {judged.journal.breaks[0]}")
    files |= judged.derived
    made = contents.dump(contents.statement(judged, files, day, key, suite.version()))
    head = [archive.Member(contents.STATEMENT, made)]
    if arguments.sign:
        head.append(archive.Member(contents.SIGNATURE, signature.sign(made, arguments.sign)))
    try:
        archive.write(arguments.output, [*head, *contents.members(files)])
    except OSError as error:
        raise LabError(f"{arguments.output}: cannot be written: {error.strerror}") from error
    print(f"{arguments.output}: {len(files)} members, {f'signed by {key}' if key else 'not signed'}")
    if not judged.run.complete:
        print("the run did not come to its end: the bundle says so")
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    if arguments.identity and not arguments.allowed_signers:
        raise UsageError("--identity belongs to a file that says whose keys there are: --allowed-signers")
    if arguments.allowed_signers and not arguments.allowed_signers.is_file():
        raise UsageError(f"--allowed-signers {arguments.allowed_signers}: there is no such file")
    try:
        stream = arguments.bundle.open("rb")
    except OSError as error:
        raise UsageError(f"{arguments.bundle}: cannot be read: {error.strerror}") from error
    with stream:
        found = verify(stream, arguments.allowed_signers, arguments.identity)
    if arguments.json:
        made = document(arguments.bundle, found)
        bench.check(made, "verify-1.json", "verify")
        print(json.dumps(made, indent=1))
    else:
        _print(arguments.bundle, found)
    return 1 if found.findings else 0


def document(path: Path, found: Verified) -> dict[str, Any]:
    """What was found as results/schema/verify-1.json describes it."""
    return {
        "schema": "iommu-cts/verify",
        "version": 1,
        "bundle": str(path),
        "sealed": not found.findings,
        "findings": [{"part": one.part, "text": one.text} for one in found.findings],
        "notes": found.notes,
        "signature": {"key": found.signed.key, "identity": found.signed.identity} if found.signed else None,
        "statement": found.statement,
        "not_proven": list(NOT_PROVEN),
    }


def _line(text: str) -> None:
    """What is in a bundle is a stranger's: no control characters, and nothing that the terminal's encoding lacks."""
    encoding = sys.stdout.encoding or "ascii"
    print(" ".join(printable(text).split("\n")).encode(encoding, "replace").decode(encoding))


def _print(path: Path, found: Verified) -> None:
    statement = found.statement
    if statement:
        _line(f"run        {statement['run']['id']}, suite {str(statement['run']['suite'].get('commit'))[:12]}")
        _line(f"claim      {statement['claim']}")
        for name, verdict in statement["profiles"].items():
            other = ", by demands that are not this suite's: see below" if name in found.other_demands else ""
            _line(f"profile    {name}: {verdict}{other}")
        _line(f"judged     on {statement['judged']['date']}, by suite {str(statement['judged']['suite'].get('commit'))[:12]}")
    _line(f"members    {found.members}")
    if found.judged:
        _line(f"journal    {len(found.judged.journal.entries)} lines")
    _line(f"signature  {_signature(found)}")
    for note in found.notes:
        _line(f"note       {note}")
    for one in found.findings:
        _line(f"CHANGED    {one.part}: {one.text}")
    print()
    if found.findings:
        _line(f"{path} is NOT what was sealed")
        return
    sealed = "is as it was sealed" if found.signed else "is sound, but nobody answers for it"
    _line(f"{path} {sealed}; that does not prove")
    for text in NOT_PROVEN:
        _line(f"  - {text}")


def _signature(found: Verified) -> str:
    if found.signed is None:
        if any(one.part == "signature" for one in found.findings):
            return "none that counts"
        return "NONE: anybody can have made this, with whatever in it"
    if found.signed.identity is None:
        return f"by {found.signed.key}; whose key that is, --allowed-signers has to say"
    return f"by {found.signed.identity}, {found.signed.key}"
