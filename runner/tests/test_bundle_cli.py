# SPDX-License-Identifier: GPL-2.0-only
"""`iommu-cts bundle` and `iommu-cts verify`: what they print, their exit codes, and what goes wrong."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from results.tests.build_bundle import key_of, run_of
from runner import cli


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return run_of(tmp_path / "run")


def test_sealed_and_verified(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key, line = key_of(tmp_path, "qa@vendor")
    signers, bundle = tmp_path / "signers", str(tmp_path / "x.tar.gz")
    signers.write_text(line)
    assert cli.main(["bundle", str(run), "-o", bundle, "--sign", str(key)]) == 0
    assert "9 members, signed by SHA256:" in capsys.readouterr().out
    assert cli.main(["verify", bundle, "--allowed-signers", str(signers), "--identity", "qa@vendor"]) == 0
    out = capsys.readouterr().out
    assert "signature  by qa@vendor, SHA256:" in out and "is as it was sealed; that does not prove" in out
    assert "chosen from many" in out and "\x1b" not in out
    assert cli.main(["verify", bundle, "--allowed-signers", str(signers), "--identity", "else"]) == 1
    assert "is no key of else" in capsys.readouterr().out
    assert cli.main(["verify", bundle, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["sealed"] and found["signature"]["identity"] is None and found["statement"]["run"]["host"] == "vtd"


def test_unsigned_says_what_that_means(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = tmp_path / "x.tar.gz"
    assert cli.main(["bundle", str(run), "-o", str(bundle)]) == 0
    assert cli.main(["verify", str(bundle)]) == 0
    assert "signature  NONE: anybody can have made this, with whatever in it" in capsys.readouterr().out
    bundle.write_bytes(bundle.read_bytes()[:-20])
    assert cli.main(["verify", str(bundle), "--json"]) == 1
    assert not json.loads(capsys.readouterr().out)["sealed"]
    assert cli.main(["verify", str(bundle)]) == 1
    assert "x.tar.gz is NOT what was sealed" in capsys.readouterr().out


def test_a_journal_that_was_changed_is_not_sealed(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = run / "journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b"not ok 1", b"yes ok 1"))
    assert cli.main(["bundle", str(run), "-o", str(tmp_path / "x")]) == 3
    assert "was changed after it was written; nothing is sealed: line 14 does not follow" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_a_run_that_was_stopped_can_be_sealed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bundle", str(run_of(tmp_path / "run", "interrupted")), "-o", str(tmp_path / "x")]) == 0
    assert "did not come to its end: the bundle says so" in capsys.readouterr().out
    assert cli.main(["verify", str(tmp_path / "x")]) == 0
    assert "PARTIAL" in capsys.readouterr().out


def test_used_wrongly(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = str(tmp_path / "x")
    for words, code, text in (
        (["bundle", str(tmp_path / "none"), "-o", bundle], 2, "no run of that name"),
        (["bundle", str(run), "-o", bundle, "--sign", str(tmp_path / "none")], 2, "--sign "),
        (["bundle", str(run), "-o", bundle, "--sign", str(run / "journal.jsonl")], 2, "--sign "),
        (["bundle", str(run), "-o", bundle, "--waivers", str(tmp_path / "none")], 2, "cannot be read: No such file"),
        (["bundle", str(run), "-o", str(tmp_path / "none" / "x")], 3, "cannot be written: No such file"),
        (["verify", bundle], 2, "cannot be read: No such file"),
        (["verify", bundle, "--identity", "x"], 2, "--allowed-signers"),
        (["verify", bundle, "--allowed-signers", str(tmp_path / "none")], 2, "there is no such file"),
        (["verify", str(run)], 2, "Is a directory"),
    ):
        assert cli.main(words) == code, words
        assert text in capsys.readouterr().err, words
    assert os.listdir(tmp_path) == ["run"]


def test_without_ssh_keygen(run: Path, tmp_path: Path) -> None:
    key, _ = key_of(tmp_path, "qa@vendor")
    command = ["/usr/bin/python3", str(Path(cli.__file__).parent.parent / "iommu-cts"), "bundle", str(run), "-o", str(tmp_path / "x")]
    done = subprocess.run([*command, "--sign", str(key)], capture_output=True, text=True, env={**os.environ, "PATH": ""})
    assert done.returncode == 3 and "install openssh-client" in done.stderr
