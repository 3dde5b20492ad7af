# SPDX-License-Identifier: GPL-2.0-only
"""Signatures by SSH keys, made and checked by ssh-keygen (its manual page, -Y sign and -Y verify)."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError, UsageError
from results.text import one_line

NAMESPACE = "iommu-cts-bundle"


@dataclass(frozen=True)
class Signed:
    """What is known of a signature that fits: the key's fingerprint, and who it belongs to as far as the caller's file says."""

    key: str
    identity: str | None


class SignatureError(Exception):
    """The signature does not fit, or not the one who was expected; the text says which."""


def _ssh_keygen(*words: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["ssh-keygen", *words], input=data, capture_output=True, env={**os.environ, "LC_ALL": "C"})
    except FileNotFoundError:
        raise LabError("there is no ssh-keygen here, which makes and checks signatures: install openssh-client") from None


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["ssh-keygen failed without a word"]
    return one_line(lines[-1])


def fingerprint(key: Path) -> str:
    """Of the public half of a key file: "SHA256:..." UsageError if it is none."""
    done = _ssh_keygen("-l", "-f", str(key))
    found = re.search(rb"(?:^| )(SHA256:[A-Za-z0-9+/]+)(?: |$)", done.stdout)
    if done.returncode or not found:
        raise UsageError(f"--sign {key}: {_said(done) if done.returncode else 'no key of ssh-keygen'}")
    return found[1].decode("ascii")


def sign(data: bytes, key: Path) -> bytes:
    """Signs with a private key, or with a public one whose other half the agent has; may ask for a passphrase on the terminal."""
    done = _ssh_keygen("-Y", "sign", "-f", str(key), "-n", NAMESPACE, data=data)
    if done.returncode or not done.stdout:
        raise UsageError(f"--sign {key}: {_said(done)}")
    return done.stdout


def check(data: bytes, signature: bytes, signers: Path | None, identity: str | None) -> Signed:
    """Checks a signature over `data`. With a file of allowed signers (ssh-keygen(1)) the key has to be one of theirs, and with an
    identity one of that signer. SignatureError if not."""
    with tempfile.TemporaryDirectory(prefix="iommu-cts-") as folder:
        file = Path(folder) / "signature"
        file.write_bytes(signature)
        fits = _ssh_keygen("-Y", "check-novalidate", "-n", NAMESPACE, "-s", str(file), data=data)
        found = re.search(rb" key (SHA256:[A-Za-z0-9+/]+)", fits.stdout + fits.stderr)
        if fits.returncode or not found:
            raise SignatureError(f"it does not fit the statement: {_said(fits)}")
        key = found[1].decode("ascii")
        if signers is None:
            return Signed(key, None)
        known = _ssh_keygen("-Y", "find-principals", "-s", str(file), "-f", str(signers))
        names = [identity] if identity else known.stdout.decode("utf-8", "replace").splitlines()
        for name in names:
            words = ("-Y", "verify", "-f", str(signers), "-I", name, "-n", NAMESPACE, "-s", str(file))
            if not _ssh_keygen(*words, data=data).returncode:
                return Signed(key, name)
    raise SignatureError(f"{key} is no key of {identity}" if identity else f"{key} is no key of an allowed signer")
