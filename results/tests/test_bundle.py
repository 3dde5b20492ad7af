# SPDX-License-Identifier: GPL-2.0-only
"""Bundles: what was sealed is found to be so, and whatever was done to it is found and named."""

from __future__ import annotations

import gzip
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from lab.errors import UsageError
from results import journal
from results.bench import validator
from results.bundle import archive, contents
from results.bundle.verify import Verified, verify
from results.model import HELD, INCOMPLETE, NOT_HELD
from results.tests import build_bundle as make
from results.tests.build_bundle import FAILED, PASSED, edit, files_of, key_of, look, run_of, seal, without_touching
from runner import suite

TEST = FAILED["id"]


def _found(out: Verified) -> list[str]:
    return [f"{one.part}: {one.text}" for one in out.findings]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, bytes]:
    return files_of(run_of(tmp_path / "run"))


def test_what_was_sealed(tmp_path: Path, files: dict[str, bytes]) -> None:
    assert sorted(files) == [
        "console-1.log", "inventory.json", "journal.jsonl", "profiles.json", "results.json", "results.ktap", "results.xml",
        "skip_reasons.def", "waivers.toml",
    ]  # fmt: skip
    out = look(tmp_path, seal(files))
    assert _found(out) == [] and out.signed is None and out.statement is not None
    assert out.notes == ["the selection left out 1 tests of the suite, of which this says nothing"]
    assert out.statement["claim"] == "Linux 7.3.4 on host vtd broke promises: 1 tests of 3 passed, the whole plan was run"
    assert out.statement["made_with"]["cts-exec"] == "00"


def test_the_same_run_gives_the_same_bytes(tmp_path: Path, files: dict[str, bytes]) -> None:
    assert make.packed(tmp_path, seal(files)) == make.packed(tmp_path, seal(dict(reversed(files.items()))))


def test_who_signed(tmp_path: Path, files: dict[str, bytes]) -> None:
    (key, line), (_, other) = key_of(tmp_path, "qa@vendor"), key_of(tmp_path, "else")
    signers, others = tmp_path / "signers", tmp_path / "others"
    signers.write_text(line)
    others.write_text(other)
    sealed = seal(files, key)
    out = look(tmp_path, sealed, signers)
    assert _found(out) == [] and out.signed is not None and out.signed.identity == "qa@vendor"
    assert _found(look(tmp_path, sealed)) == _found(look(tmp_path, sealed, signers, "qa@vendor")) == []
    assert re.search("signature: SHA256:.* is no key of an allowed signer", _found(look(tmp_path, sealed, others))[0])
    assert re.search("signature: SHA256:.* is no key of else", _found(look(tmp_path, sealed, signers, "else"))[0])
    assert _found(look(tmp_path, seal(files), signers)) == ["signature: it is not signed"]


def test_a_signature_that_was_taken_away_or_put_elsewhere(tmp_path: Path, files: dict[str, bytes]) -> None:
    key, _ = key_of(tmp_path, "qa@vendor")
    sealed = seal(files, key)
    stripped = [one for one in sealed if one.name != contents.SIGNATURE]
    assert re.search("signature: the statement says that SHA256:.* signed it", _found(look(tmp_path, stripped))[0])
    moved = [*seal(files), sealed[1]]
    found = _found(look(tmp_path, moved))
    assert len(found) == 1 and "signature: it does not fit the statement" in found[0]


def _verdict(value: Any) -> None:
    value["results"][1]["verdict"] = "PASS"


def _cut(data: bytes, line: int = 11) -> bytes:
    lines = data.splitlines(keepends=True)
    return b"".join(lines[: line - 1] + lines[line:])


def _swap(data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    lines[10], lines[11] = lines[11], lines[10]
    return b"".join(lines)


def _add(data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    return b"".join([*lines[:10], lines[10], *lines[10:]])


@pytest.mark.parametrize(
    "name, change, words",
    [
        ("console-1.log", lambda data: data.replace(b"L", b"l"), ["console-1.log: was changed: it has not the digest"]),
        ("results.json", lambda data: edit(data, _verdict), [
            "results.json: was changed", f"results.json: {TEST} is PASS, and by the journal it is FAIL"]),
        ("results.json", lambda data: data.replace(b'"boots": 1', b'"boots": 2'), [
            "results.json: was changed", "results.json: is not what the journal comes to: it differs at $.boots"]),
        ("results.xml", lambda data: data.replace(b"failure", b"skipped"), [
            "results.xml: was changed", "results.xml: is not what the journal comes to: it differs from line "]),
        ("journal.jsonl", lambda data: data.replace(b"not ok 1", b"yes ok 1"), [
            "journal.jsonl: was changed", "journal.jsonl: line 14 does not follow from the line before: line 13 was changed, or this one",
            f"results.json: {TEST} is FAIL, and by the journal it is ERROR"]),
        ("journal.jsonl", _cut, ["journal.jsonl: line 11 was number 12 and follows number 10: line 11 was cut out"]),
        ("journal.jsonl", _swap, ["journal.jsonl: line 11 was number 12 and follows number 10", "journal.jsonl: line 12 was number 11"]),
        ("journal.jsonl", _add, ["journal.jsonl: line 12 was number 11 and follows number 11: lines were moved, or added"]),
        ("journal.jsonl", lambda data: data.replace(b"finished", b"Finished"), [
            "journal.jsonl: its lines hang together all the same: the last one was changed, or the links were made anew"]),
        ("waivers.toml", lambda data: data.replace(b"elsewhere", b"vtd"), ["waivers.toml: was changed"]),
        ("statement.json", lambda data: data.replace(b" broke promises", b" kept promises!"), [
            "statement.json: $.claim is not what comes out of the journal"]),
        ("statement.json", lambda data: data.replace(b'"known": 0', b'"known": 1'), ["statement.json: $.counts.known is not"]),
        ("statement.json", lambda data: data + b" ", ["statement.json: is not in the form in which statements are written"]),
    ],
)  # fmt: skip
def test_what_was_done_is_named(tmp_path: Path, files: dict[str, bytes], name: str, change: Any, words: list[str]) -> None:
    found = _found(look(tmp_path, without_touching(seal(files), name, change)))
    for text in words:
        assert any(one.startswith(text) for one in found), found


def test_a_line_cut_and_everything_made_to_fit(tmp_path: Path, files: dict[str, bytes]) -> None:
    """The links give it away, unless they are made anew too; then it is the signature that is not there."""
    cut = files | {"journal.jsonl": _cut(files["journal.jsonl"])}
    cut |= contents.judged(cut, make.DAY).derived
    assert "journal.jsonl: line 11 was number 12 and follows number 10: line 11 was cut out" in _found(look(tmp_path, seal(cut)))


def test_a_forger_without_the_key(tmp_path: Path, files: dict[str, bytes]) -> None:
    key, line = key_of(tmp_path, "qa@vendor")
    signers = tmp_path / "signers"
    signers.write_text(line)
    forged = run_of(tmp_path / "forged")
    text = (forged / "journal.jsonl").read_text().replace("not ok 1", "ok 1").replace('"code":1,', '"code":0,')
    (forged / "journal.jsonl").unlink()
    with journal.Writer(forged / "journal.jsonl") as writer:
        for entry in map(json.loads, text.splitlines()):
            writer.write(**{word: value for word, value in entry.items() if word not in ("t", "line", "after")})
    alone = seal(files_of(forged))
    assert _found(look(tmp_path, alone)) == []  # that is what "anybody can have made it" means
    with_old = [alone[0], seal(files, key)[1], *alone[1:]]
    assert any("it does not fit the statement" in one for one in _found(look(tmp_path, with_old, signers)))


def test_members_that_are_not_there_or_too_many(tmp_path: Path, files: dict[str, bytes]) -> None:
    sealed = seal(files)
    assert "console-1.log: is missing" in _found(look(tmp_path, [one for one in sealed if one.name != "console-1.log"]))
    assert "journal.jsonl: is missing" in _found(look(tmp_path, [one for one in sealed if one.name != "journal.jsonl"]))
    more = [*sealed, archive.Member("more.txt", b"")]
    assert _found(look(tmp_path, more)) == ["more.txt: is not in the statement: it was added"]
    assert _found(look(tmp_path, sealed[1:])) == ["statement.json: is not there: nothing says what this is"]


def test_a_test_cut_out_of_the_plan(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run")
    with journal.Writer(tmp_path / "journal.jsonl") as writer:
        for entry in map(json.loads, (run / "journal.jsonl").read_text().splitlines()):
            if entry["kind"] == "plan":
                entry["tests"] = [test for test in entry["tests"] if test["id"] != TEST]
            if entry.get("event", {}).get("id") != TEST:
                writer.write(**{word: value for word, value in entry.items() if word not in ("t", "line", "after")})
    (tmp_path / "journal.jsonl").replace(run / "journal.jsonl")
    assert _found(look(tmp_path, seal(files_of(run)))) == [
        "journal.jsonl: the plan names no test of test program access/parked, which the run was made with: it was cut out"
    ]


def test_a_run_that_was_stopped_says_so(tmp_path: Path) -> None:
    out = look(tmp_path, seal(files_of(run_of(tmp_path / "run", ended=None))))
    assert _found(out) == [] and "PARTIAL: the run did not come to its end" in out.notes


def test_another_version_may_judge_differently_and_says_so(tmp_path: Path, files: dict[str, bytes]) -> None:
    """A report that another version wrote otherwise is no forgery; a verdict that does not follow is one all the same."""
    def version(data: bytes) -> bytes:
        return contents.dump(json.loads(edit(data, lambda value: value["judged"].update(suite={"commit": "other"}))))

    files["results.ktap"] += b"# more\n"
    out = look(tmp_path, without_touching(seal(files), "statement.json", version))
    assert _found(out) == [] and any("another version of the suite judged it" in note for note in out.notes)
    files["results.json"] = edit(files["results.json"], _verdict)
    out = look(tmp_path, without_touching(seal(files), "statement.json", version))
    assert f"results.json: {TEST} is PASS, and by the journal it is FAIL" in _found(out)


def test_no_byte_can_be_changed(tmp_path: Path, files: dict[str, bytes]) -> None:
    """Every third byte of what is packed, and of the file itself: never found sound with other content, and never a traceback."""
    sealed = seal(files)
    whole = make.packed(tmp_path, sealed)
    plain = gzip.decompress(whole)
    for at in range(0, len(plain), 97):
        changed = plain[:at] + bytes([plain[at] ^ 0x41]) + plain[at + 1:]
        out = verify(io.BytesIO(gzip.compress(changed, 1, mtime=0)), None, None)
        assert out.findings, f"byte {at} of {len(plain)}"
    for at in range(len(whole)):
        changed = whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1:]
        try:
            members = list(archive.read(io.BytesIO(changed)))
        except archive.ArchiveError:
            continue
        assert members == sealed, f"byte {at} of {len(whole)}"


def test_cut_off_anywhere(tmp_path: Path, files: dict[str, bytes]) -> None:
    whole = make.packed(tmp_path, seal(files))
    for length in range(0, len(whole), 29):
        assert verify(io.BytesIO(whole[:length]), None, None).findings, length


def test_damage_that_only_the_judge_sees_is_no_traceback(tmp_path: Path, files: dict[str, bytes]) -> None:
    for at, line in enumerate(files["journal.jsonl"].splitlines()):
        changed = files | {"journal.jsonl": files["journal.jsonl"].replace(line, b"[" * 100_000)}
        out = look(tmp_path, without_touching(seal(files), "journal.jsonl", lambda _: changed["journal.jsonl"]))
        assert out.findings, at
    for name in ("waivers.toml", "profiles.json", "results.json", "statement.json", "skip_reasons.def"):
        for data in (b"", b"[" * 100_000, b"\xff", b"{}", b"[]", b'{"results": [1]}', b"x = " + b"[" * 100_000):
            assert look(tmp_path, without_touching(seal(files), name, lambda _: data)).findings


def test_a_claim_is_judged_by_what_was_demanded_then(tmp_path: Path) -> None:
    sources = contents.sources(run_of(tmp_path / "run"), None, ["pasid", "nesting"])
    files = sources | contents.judged(sources, make.DAY).derived
    out = look(tmp_path, seal(files))
    assert _found(out) == [] and out.statement is not None
    assert out.statement["profiles"] == {"pasid": "INCOMPLETE", "nesting": "INCOMPLETE"}

    def easier(value: Any) -> None:
        value["profiles"][0].update(demanded=[], conditional={})

    files["profiles.json"] = edit(files["profiles.json"], easier)
    odd = without_touching(seal(files), "profiles.json", lambda data: data.replace(b"demanded", b"wanted"))
    found = _found(look(tmp_path, odd))
    assert any("can't be judged with what is beside it" in one for one in found)
    sealed = seal(files)  # the statement says HELD, and results.json what was demanded before
    assert "results.json: is not what the journal comes to: it differs at $.claims[0].findings, $.claims[0].verdict" in _found(
        look(tmp_path, sealed))
    with pytest.raises(UsageError, match="no such profile"):
        contents.sources(tmp_path / "run", None, ["none"])


def test_a_claim_that_was_made_easy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def easier(value: Any) -> None:
        value["profiles"][0]["demanded"] = value["profiles"][0]["demanded"][:1]

    monkeypatch.setattr(suite, "version", lambda: {"commit": "a" * 40, "dirty": False})
    sources = contents.sources(run_of(tmp_path / "run"), None, ["pasid"])
    assert _found(look(tmp_path, seal(sources | contents.judged(sources, make.DAY).derived))) == []
    sources["profiles.json"] = edit(sources["profiles.json"], easier)
    sources["skip_reasons.def"] = sources["skip_reasons.def"].replace(b'"no-kvm", LAB', b'"no-kvm", ABSENT')
    members = seal(sources | contents.judged(sources, make.DAY).derived)
    out = look(tmp_path, members)
    said = ["profiles.json: pasid: does not demand PASID-", "skip_reasons.def: no-kvm stands for ABSENT, and in this suite for LAB"]
    assert out.other_demands == {"pasid"} and all(any(one.startswith(text) for one in _found(out)) for text in said)
    monkeypatch.setattr(suite, "version", lambda: {"commit": "b" * 40, "dirty": False})
    out = look(tmp_path, members)
    assert _found(out) == [] and all(any(note.startswith(text) for note in out.notes) for text in said)


def test_a_run_that_goes_on_is_not_sealed(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run")
    with journal.Writer(run / "journal.jsonl", existing=True):
        with pytest.raises(UsageError, match="run is still going on"):
            contents.sources(run, None)
    assert PASSED["id"].encode() in contents.sources(run, None)["journal.jsonl"]


def test_the_statement_knows_every_verdict_on_a_claim() -> None:
    claim = validator(contents.SCHEMA).schema["properties"]["profiles"]["additionalProperties"]
    assert claim["enum"] == [HELD, NOT_HELD, INCOMPLETE]
