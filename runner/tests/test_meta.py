# SPDX-License-Identifier: GPL-2.0-only
"""Every way in which a test can end, on a real kernel: that each is told right, and that the next test does not feel it."""

import pytest

from results.journal import BootEntry, ForgedEntry, NoiseEntry, PowerEntry, read
from results.model import Result, Run, Verdict
from runner import catalogue, judge
from runner.session import NOISE_KEPT
from runner.tests import meta

# What the tests that do not just pass are told, by verdict and reason.
TOLD = {
    "told/fails_an_assertion": "FAIL assertion",
    "told/dies_of_a_signal": "FAIL signal",
    "told/loses_its_harness": "FAIL signal",
    "told/hangs": "FAIL hang",
    "told/blames_the_lab": "ERROR lab",
    "told/writes_a_record_that_is_none": "ERROR bad-record",
    "told/passes_behind_two_hundred_megabytes": "PASS",
    "told/fails_behind_two_hundred_megabytes": "FAIL assertion",
    "told/characterises": "DONE",
    "told/measures": "DONE",
    "told/measures_nothing": "ERROR no-samples",
    "skips/skips_after_it_failed": "FAIL assertion",
    "kernel/warns": "FAIL splat",
    "kernel/bugs": "FAIL splat",
    "kernel/oopses": "FAIL splat",
    "kernel/panics": "FAIL splat",
    "kernel/taints": "FAIL taint",
    "kernel/blocks_in_the_kernel": "FAIL splat",
    "kernel/holds_all_processors": "FAIL lost",
    "kernel/shows_kasan": "FAIL splat",
    "kernel/shows_lockdep": "FAIL splat",
    "host/powers_off": "FAIL lost",
    "host/reboots": "FAIL lost",
    "host/kills_cts_exec": "ERROR lost",
    "host/stops_cts_exec": "FAIL lost",
    "host/waits_for_the_emulator_to_die": "ERROR lost",
    "stream/writes_garbage": "ERROR noise",
    "stream/floods_the_stream": "ERROR noise",
    "stream/forges_its_end": "ERROR forged",
    "stream/forges_its_end_and_kills_the_witness": "ERROR lost",
    "stream/forges_a_result_of_another": "ERROR forged",
    "stream/forges_frames_of_the_future": "ERROR forged",
    "stream/forges_a_hello": "ERROR forged",
    "stream/forges_a_frame_of_no_shape": "ERROR forged",
} | {f"skips/{words[0]}": f"SKIP {words[1]}" for words in catalogue.definitions("skip_reasons.def", "CTS_SKIP_REASON")}

# Who wins is a race: the kernel's report, the end of our patience with what can't be killed, or the silence of all.
RACES = {
    "kernel/stalls_in_the_kernel": {"FAIL splat", "FAIL hang", "FAIL lost"},
    "kernel/holds_a_processor": {"FAIL hang", "FAIL lost", "FAIL splat"},
}


@pytest.fixture(scope="module")
def endings(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run of all of them."""
    hook = meta.kill_emulator_of("meta/host/waits_for_the_emulator_to_die")
    return meta.build().run(tmp_path_factory.mktemp("runs"), hook=hook)


def result(run: Run, name: str) -> Result:
    return next(one for one in run.results if meta.name(one) == name)


def evidence(run: Run, name: str) -> str:
    return "\n".join(shown.text for shown in result(run, name).evidence)


def test_every_ending_is_told_right(endings: Run) -> None:
    told = meta.told(endings)
    assert {name: verdict for name, verdict in told.items() if name in TOLD} == TOLD
    for name, verdicts in RACES.items():
        assert told[name] in verdicts
    others = {name: verdict for name, verdict in told.items() if name not in TOLD and name not in RACES}
    assert others == dict.fromkeys(others, "PASS") and len(others) > 30
    assert endings.complete and judge.exit_code(endings) == 1


def test_each_shows_why(endings: Run) -> None:
    for one in endings.results:
        if one.verdict in (Verdict.FAIL, Verdict.ERROR) and meta.name(one) not in RACES:
            assert one.evidence, one.id
    assert "Expected 1 (1) == 2 (2)" in evidence(endings, "told/fails_an_assertion")
    assert "lkdtm_WARNING" in evidence(endings, "kernel/warns")
    assert "Kernel panic - not syncing" in evidence(endings, "kernel/panics")
    assert "reboot: Power down" in evidence(endings, "host/powers_off")
    assert "/cts-exec died of signal 9" in evidence(endings, "host/kills_cts_exec")
    assert '"ok 1 global.forges_its_end' in evidence(endings, "stream/forges_its_end")
    assert any("outlived it" in note for note in result(endings, "told/leaves_a_process").notes)


def test_a_new_kernel_after_each_that_needs_one(endings: Run) -> None:
    assert endings.directory is not None
    seen = read(endings.directory / "journal.jsonl")
    offs = [entry.why for entry in seen.entries if isinstance(entry, PowerEntry) and entry.action == "off"]
    assert sum(why.startswith("the kernel said") for why in offs) >= 5  # a warning, a BUG, an oops, KASAN, lockdep
    assert "lockdep turned itself off" in offs and "the kernel is newly tainted" in offs
    assert sum(isinstance(entry, BootEntry) for entry in seen.entries) == endings.boots


def test_floods_are_bounded(endings: Run) -> None:
    assert endings.directory is not None
    seen = read(endings.directory / "journal.jsonl")
    assert seen.problems == [] and not seen.torn
    noise = [entry.text for entry in seen.entries if isinstance(entry, NoiseEntry)]
    assert len(noise) < 20 * NOISE_KEPT and any(text.endswith("lines more") for text in noise)
    assert (endings.directory / "journal.jsonl").stat().st_size < 16 << 20
    consoles = sorted(endings.directory.glob("console-*.log"))
    assert consoles and sum(path.stat().st_size for path in consoles) < 16 << 20


def test_forgeries_are_kept_as_evidence_and_nothing_else(endings: Run) -> None:
    assert endings.directory is not None
    entries = read(endings.directory / "journal.jsonl").entries
    forged = {tuple(entry.ids) for entry in entries if isinstance(entry, ForgedEntry)}
    assert ("meta/stream/forges_a_result_of_another",) in forged
    assert not any("passes" in name for ids in forged for name in ids)
