# SPDX-License-Identifier: GPL-2.0-only
"""Each verdict is told right from a journal. What the kernel log decides is in test_judge_kernel.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from results.journal import read
from results.model import Verdict
from results.tests.build_journal import DEVICE, Builder, planned
from results.waivers import WaiverFile
from runner.judge import exit_code, judge
from runner.tests.judging import judge_fixture  # noqa: F401
from runner.tests.judging import CODES, ID, PATH, TODAY, WARN, Judge, one, told, why


def test_pass(run_of: Judge) -> None:
    run = run_of(Builder(planned(PATH)).passed(ID).done())
    assert told(run) == (Verdict.PASS, None)
    assert run.complete and not run.problems and exit_code(run) == 0
    assert one(run).duration_ns == 5_000_000 and one(run).max_rss_kib == 900 and one(run).boot == 1
    assert run.kernel == "7.3.4" and run.drivers[DEVICE] == "vfio-pci"


def test_pass_of_a_variant(run_of: Judge) -> None:
    path = "access/parked/read/short"
    build = Builder(planned(path, None)).start(path).out(path, "ok 1 parked.short.read\n").stop(path).done()
    assert told(run_of(build)) == (Verdict.PASS, None)


@pytest.mark.parametrize("stdout, code, reason", [
    ("", 0, "silent"),
    ("ok 1 parked.write\n", 0, "silent"),
    ("ok 1 parked.short.read\n", 0, "silent"),
    ("  ok 1 parked.read\n", 0, "silent"),
    ("ok 1 parked.read\n", 1, "silent"),
    ("ok 1 parked.read\n", 4, "silent"),
    ("ok 1 parked.read\nnot ok 2 parked.other\n", 0, "silent"),
    ("not ok 1 parked.read\n", 0, "silent"),
    ("", 1, "silent"),
    ("ok 1 parked.read # XFAIL unknown\n", 0, "silent"),
    ("ok 1 parked.read # SKIP because\n", 0, "bad-skip"),
])
def test_what_is_no_pass_is_an_error(run_of: Judge, stdout: str, code: int, reason: str) -> None:
    run = run_of(Builder(planned(PATH)).start(ID).out(ID, stdout).stop(ID, code=code).done())
    assert told(run) == (Verdict.ERROR, reason)
    assert exit_code(run) == 3


def test_ok_on_stderr_is_no_pass(run_of: Judge) -> None:
    run = run_of(Builder(planned(PATH)).start(ID).out(ID, "ok 1 parked.read\n", fd="stderr").stop(ID).done())
    assert told(run) == (Verdict.ERROR, "silent")


def test_result_line_in_two_pieces_and_in_base64(run_of: Judge) -> None:
    build = Builder(planned(PATH)).start(ID).out(ID, "ok 1 par")
    build.event("output", id=ID, fd="stdout", base64="a2VkLnJlYWQK/wo=").stop(ID).done()
    assert told(run_of(build)) == (Verdict.PASS, None)


def test_assertion(run_of: Judge) -> None:
    run = run_of(Builder(planned(PATH)).failed(ID).done())
    assert told(run) == (Verdict.FAIL, "assertion")
    result = one(run)
    assert why(result).text == "read.c:41:read:Expected -1 (-1) == ret (0)"
    assert [evidence.kind for evidence in result.evidence] == ["output"]
    assert "Expected -1" in result.evidence[0].text and "terminated by assertion" in result.evidence[0].text
    assert exit_code(run) == 1


@pytest.mark.parametrize("how, code", [
    ("read: Test terminated by timeout", "hang"),
    ("read: Test terminated unexpectedly by signal 11", "signal"),
    ("lib/check.c:9: (fd >= 0) does not hold: open (errno 2, No such file)", "assertion"),
])
def test_how_the_harness_says_it_failed(run_of: Judge, how: str, code: str) -> None:
    run = run_of(Builder(planned(PATH)).start(ID).not_ok(ID, how).stop(ID, code=1).done())
    assert told(run) == (Verdict.FAIL, code)


@pytest.mark.parametrize("line", [
    "ERROR SPAWNING TEST CHILD", "read: unable to open pidfd", "read: Failed to wait for PID 7 (errno: 10)",
    "record lost: Broken pipe",
])
def test_a_harness_that_fails_is_an_error(run_of: Judge, line: str) -> None:
    run = run_of(Builder(planned(PATH)).start(ID).not_ok(ID, line).stop(ID, code=1).done())
    assert told(run) == (Verdict.ERROR, "harness")


@pytest.mark.parametrize("line", [
    "==77==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x602000000011 at pc 0x1 bp 0x2 sp 0x3",
    "suites/access/parked.c:9:2: runtime error: left shift of 1 by 64 places cannot be represented",
])
def test_what_a_sanitizer_reports_is_no_fault_of_the_kernel(run_of: Judge, line: str) -> None:
    made = Builder(planned(PATH)).start(ID).out(ID, f"{line}\n    #0 0x401000 in bind\n", fd="stderr")
    run = run_of(made.not_ok(ID, "read: Test exited normally instead of by signal").stop(ID, code=1).done())
    assert told(run) == (Verdict.ERROR, "harness")
    assert one(run).evidence[0].text.startswith(f"{line}\n    #0 0x401000 in bind")


@pytest.mark.parametrize("outcome, keys, verdict", [
    ("signaled", {"signal": 11}, (Verdict.FAIL, "signal")),
    ("timeout", {}, (Verdict.FAIL, "hang")),
    ("unkillable", {}, (Verdict.FAIL, "hang")),
    ("not_started", {"error": "no such binary"}, (Verdict.ERROR, "not-started")),
    ("vanished", {}, (Verdict.ERROR, "silent")),
])
def test_outcomes(run_of: Judge, outcome: str, keys: dict[str, Any], verdict: tuple[Verdict, str]) -> None:
    assert told(run_of(Builder(planned(PATH)).start(ID).ok(ID).stop(ID, outcome, **keys).done())) == verdict


def test_not_started_without_a_start(run_of: Judge) -> None:
    build = Builder(planned(PATH)).stop(ID, "not_started", error="no such binary").done()
    assert told(run_of(build)) == (Verdict.ERROR, "not-started")


def test_skips(run_of: Judge) -> None:
    def skipped(code: str, directive: str = " # SKIP no") -> Builder:
        build = Builder(planned(PATH)).start(ID).record(ID, skip={"code": code, "text": "no vfio driver"})
        return build.ok(ID, directive).stop(ID).done()

    run = run_of(skipped("no-cdev"))
    assert told(run) == (Verdict.SKIP, "no-cdev") and exit_code(run) == 0
    assert why(one(run)).text == "no vfio driver"
    assert told(run_of(skipped("no-cdev", ""))) == (Verdict.SKIP, "no-cdev")
    assert told(run_of(skipped("nonsense"))) == (Verdict.ERROR, "bad-skip")


def test_a_skip_does_not_hide_a_failure(run_of: Judge) -> None:
    build = Builder(planned(PATH)).start(ID).record(ID, skip={"code": "no-cdev", "text": ""})
    assert told(run_of(build.not_ok(ID, "a.c:1:read:Expected").stop(ID, code=1).done()))[0] is Verdict.FAIL
    build = Builder(planned(PATH)).start(ID).record(ID, skip={"code": "no-cdev", "text": ""}).log(ID, *WARN)
    assert told(run_of(build.ok(ID, " # SKIP").stop(ID).done())) == (Verdict.FAIL, "splat")


def test_a_skip_beside_a_failure_that_nobody_reported(run_of: Judge) -> None:
    build = Builder(planned(PATH)).start(ID).record(ID, skip={"code": "no-cdev", "text": ""})
    assert told(run_of(build.not_ok(ID).stop(ID).done())) == (Verdict.ERROR, "silent")


@pytest.mark.parametrize("stdout, code", [
    ("", 0), ("", 1), ("ok 1 parked.read # SKIP no\n", 1), ("ok 1 parked.write # SKIP no\n", 0), ("ok 1 parked.read # XFAIL no\n", 0),
])
def test_a_skip_needs_the_harness_to_say_so_too(run_of: Judge, stdout: str, code: int) -> None:
    build = Builder(planned(PATH)).start(ID).record(ID, skip={"code": "no-cdev", "text": ""})
    assert told(run_of(build.out(ID, stdout).stop(ID, code=code).done())) == (Verdict.ERROR, "silent")


def test_planned_skips(run_of: Judge) -> None:
    def plan(code: str) -> Builder:
        return Builder(planned(PATH, skip={"code": code, "text": "no device has it"})).done()

    assert told(run_of(plan("kernel-lacks"))) == (Verdict.SKIP, "kernel-lacks")
    assert told(run_of(plan("nonsense"))) == (Verdict.ERROR, "bad-skip")


def test_a_fault_of_the_lab_is_never_a_failure(run_of: Judge) -> None:
    build = Builder(planned(PATH)).start(ID).record(ID, lab_error="the device ignores its doorbell")
    run = run_of(build.not_ok(ID, "a.c:1:read:Expected").stop(ID, code=1).done())
    assert told(run) == (Verdict.ERROR, "lab") and exit_code(run) == 3
    assert any("assertion" in note for note in one(run).notes)
    build = Builder(planned(PATH)).start(ID).record(ID, lab_error="no").stop(ID, "timeout").done()
    assert told(run_of(build)) == (Verdict.ERROR, "lab")


def test_a_lab_error_of_the_run_is_a_problem(run_of: Judge) -> None:
    run = run_of(Builder(planned(PATH)).passed(ID).add("lab_error", error="the guest would not boot").done())
    assert told(run) == (Verdict.PASS, None) and exit_code(run) == 3
    assert [(problem.kind, problem.text) for problem in run.problems] == [("lab", "the guest would not boot")]


def test_gap(run_of: Judge) -> None:
    run = run_of(Builder(planned(PATH)).start(ID).add("gap", expected=4, seen=6).ok(ID).stop(ID).done())
    assert told(run) == (Verdict.ERROR, "gap")
    # the record of a lab error may be what was lost
    build = Builder(planned(PATH)).start(ID).not_ok(ID, "a.c:1:read:Expected").add("gap", expected=4, seen=6)
    assert told(run_of(build.stop(ID, code=1).done())) == (Verdict.ERROR, "gap")
    build = Builder(planned(PATH)).start(ID).log(ID, *WARN).add("gap", expected=4, seen=6)
    assert told(run_of(build.stop(ID, code=1).done())) == (Verdict.FAIL, "splat")


def test_gap_that_took_the_start(run_of: Judge) -> None:
    run = run_of(Builder(planned(PATH)).add("gap", expected=4, seen=5).ok(ID).stop(ID).done())
    assert told(run) == (Verdict.ERROR, "gap")
    assert [problem.kind for problem in run.problems] == ["gap"]


def test_gap_after_a_test(run_of: Judge) -> None:
    run = run_of(Builder(planned(PATH)).passed(ID).add("gap", expected=4, seen=5).done())
    assert told(run) == (Verdict.PASS, None) and exit_code(run) == 3
    assert run.problems[0].text == "frames 4 to 4 were lost outside any test"


def test_gap_that_took_an_end(run_of: Judge) -> None:
    write = f"access/parked/write@{DEVICE}"
    build = Builder(planned(PATH), planned("access/parked/write")).start(ID).ok(ID)
    run = run_of(build.add("gap", expected=4, seen=5).passed(write).done())
    assert [result.verdict for result in run.results] == [Verdict.ERROR, Verdict.PASS]


def test_notes(run_of: Judge) -> None:
    build = Builder(planned(PATH)).start(ID).ok(ID).event("output_cut", id=ID, fd="stderr", kept=1, dropped=1)
    run = run_of(build.stop(ID, kmsg="denied", left=2).done())
    assert told(run) == (Verdict.PASS, None) and exit_code(run) == 0
    log, left, cut = one(run).notes
    assert "may not be read" in log and "2 process" in left and "was cut" in cut


@pytest.mark.parametrize(("text", "verdict"), [("not ok 1 parked.read", Verdict.FAIL), ("ok 1 parked.read", Verdict.PASS)])
def test_what_a_flood_ends_with_counts(run_of: Judge, text: str, verdict: Verdict) -> None:
    build = Builder(planned(PATH)).start(ID).out(ID, "TAP version 13\n1..1\nx")
    build.event("output_cut", id=ID, fd="stdout", kept=1, dropped=1).out(ID, f"x\n{text}\n")
    assert told(run_of(build.stop(ID, code=int(verdict is Verdict.FAIL)).done()))[0] == verdict


def test_a_line_begins_behind_what_was_left_out(run_of: Judge) -> None:
    build = Builder(planned(PATH)).start(ID).out(ID, "# o")
    build.event("output_cut", id=ID, fd="stdout", kept=1, dropped=1).out(ID, "ok 1 parked.read\n")
    assert told(run_of(build.stop(ID, code=1).done()))[0] == Verdict.ERROR


def samples(kind: str, *records: dict[str, Any]) -> Builder:
    build = Builder(planned(PATH, kind=kind)).start(ID)
    for record in records:
        build.record(ID, **record)
    return build.ok(ID).stop(ID).done()


def measured(**keys: Any) -> dict[str, Any]:
    record = {"measure": "map", "unit": "ns", "better": "less", "params": {"size": 4096}, "samples": [3, 1.5]}
    return record | keys


def test_facts_of_a_measurement_are_notes(run_of: Judge) -> None:
    facts = ({"fact": {"placement": "processor 1\n\x1b[2J"}}, {"fact": {"long": "x" * 400}})
    noted = one(run_of(samples("measurement", measured(), *facts))).notes
    assert noted == ["placement: processor 1 \ufffd[2J", "long: " + "x" * 291 + "..."]
    assert one(run_of(samples("characterisation", *facts))).notes == []


def test_measurements(run_of: Judge) -> None:
    run = run_of(samples("measurement", measured(), measured(params={"size": 8192}), measured(samples=[2])))
    assert told(run) == (Verdict.DONE, None)
    assert [(row.params, row.samples) for row in one(run).measurements] == [
        ({"size": 4096}, [3, 1.5, 2]), ({"size": 8192}, [3, 1.5])]
    assert told(run_of(samples("measurement"))) == (Verdict.ERROR, "no-samples")
    assert told(run_of(samples("measurement", measured(samples=[])))) == (Verdict.ERROR, "no-samples")
    assert told(run_of(samples("characterisation"))) == (Verdict.DONE, None)


@pytest.mark.parametrize("record", [
    measured(samples="many"), measured(samples=[True]), measured(better="bigger"), measured(params={"a": []}),
    measured(unit=""), measured(samples=[10**400]), {"measure": "map"}, {"skip": "no"}, {"fact": "no"},
    {"lab_error": 5}, {"skip": {"code": "no-cdev"}},
])
def test_records_that_can_not_be_read(run_of: Judge, record: dict[str, Any]) -> None:
    assert told(run_of(samples("promise", record))) == (Verdict.ERROR, "bad-record")


def direction(total_ios: int, percentile: dict[str, Any]) -> dict[str, Any]:
    return {"total_ios": total_ios, "iops": 2.5, "bw_bytes": 10240, "clat_ns": {"percentile": percentile}}


def fio_said(error: Any = 0, percentile: Any = 7, **keys: Any) -> dict[str, Any]:
    job = {"error": error, "read": direction(5, {"50.000000": percentile}), "write": direction(0, {})}
    return {"fio": {"jobs": [job]}, "params": {"dma": "lazy"}} | keys


def test_rows_are_made_of_what_fio_said(run_of: Judge) -> None:
    run = run_of(samples("measurement", fio_said(), fio_said(percentile=9)))
    assert told(run) == (Verdict.DONE, None)
    assert [(row.measure, row.unit, row.better, row.params, row.samples) for row in one(run).measurements] == [
        ("read-iops", "1/s", "more", {"dma": "lazy"}, [2.5, 2.5]), ("read-bandwidth", "bytes/s", "more", {"dma": "lazy"}, [10240, 10240]),
        ("read-latency-p50", "ns", "less", {"dma": "lazy"}, [7, 9])]
    assert one(run_of(samples("promise", {"fio": fio_said()["fio"]}))).measurements == []


@pytest.mark.parametrize("record", [
    fio_said(percentile="<b>"), fio_said(percentile=10**400), fio_said(params=["dma"]), fio_said(params={"dma": {}}), fio_said(fio="{}"),
    fio_said(error=None),
])
def test_what_fio_can_not_have_said(run_of: Judge, record: dict[str, Any]) -> None:
    assert told(run_of(samples("measurement", measured(), record))) == (Verdict.ERROR, "bad-record")


def test_a_measure_keeps_its_unit(run_of: Judge) -> None:
    run = run_of(samples("measurement", measured(), measured(unit="us")))
    assert told(run) == (Verdict.ERROR, "bad-record")


def test_bad_record_event_and_unknown_record(run_of: Judge) -> None:
    build = Builder(planned(PATH)).start(ID).event("bad_record", id=ID, error="no JSON", text="{")
    assert told(run_of(build.ok(ID).stop(ID).done())) == (Verdict.ERROR, "bad-record")
    assert told(run_of(samples("promise", {"of-a-later-version": 1}))) == (Verdict.PASS, None)


def test_noise_while_a_test_ran(run_of: Judge) -> None:
    run = run_of(Builder(planned(PATH)).start(ID).add("noise", text="garbage", id=ID).ok(ID).stop(ID).done())
    assert told(run) == (Verdict.ERROR, "noise") and one(run).evidence[0].text == "garbage"
    run = run_of(Builder(planned(PATH)).add("noise", text="of a console").passed(ID).done())
    assert told(run) == (Verdict.PASS, None) and exit_code(run) == 0


def test_forged_frames(run_of: Judge) -> None:
    build = Builder(planned(PATH)).passed(ID).add("forged", text="number 9 was used twice", ids=[ID], frames=["{}"])
    run = run_of(build.done())
    assert told(run) == (Verdict.ERROR, "forged") and one(run).evidence[0].text == "{}" and not run.problems
    # who can forge an end can forge a splat
    build = Builder(planned(PATH)).start(ID).log(ID, *WARN).add("forged", text="a second test_start", ids=[ID])
    assert told(run_of(build.done())) == (Verdict.ERROR, "forged")
    run = run_of(Builder(planned(PATH)).passed(ID).add("forged", text="a hello").done())
    assert told(run) == (Verdict.PASS, None) and [problem.kind for problem in run.problems] == ["forged"]


def test_a_target_that_is_lost_after_a_test_had_ended(run_of: Judge) -> None:
    run = run_of(Builder(planned(PATH)).passed(ID).add("lost", id=ID, why="stream closed", console="").done())
    assert told(run) == (Verdict.FAIL, "lost")


def test_a_boot_that_failed_is_not_retried_into_green(run_of: Judge) -> None:
    def failed(why: str, console: str = "loading") -> Builder:
        return Builder(planned(PATH)).add("boot_failed", why=why, console=console)

    run = run_of(failed("no answer").passed(ID).done())
    assert told(run) == (Verdict.PASS, None) and exit_code(run) == 3
    assert [(problem.kind, problem.text) for problem in run.problems] == [("boot", "the target did not come up: no answer")]
    assert [problem.kind for problem in run_of(failed("no answer", "\n".join(WARN)).passed(ID).done()).problems] == ["boot", "splat"]
    assert exit_code(run_of(failed("no answer").failed(ID).done())) == 1
    # a run that goes on has overcome what the lab did, but not what the kernel did
    assert exit_code(run_of(resumed(failed("emulator died")).passed(ID).done())) == 0
    assert exit_code(run_of(resumed(failed("no answer")).passed(ID).done())) == 3


def test_machines_are_told_apart(run_of: Judge) -> None:
    """What one of them does in the midst of another's test is not that test's matter."""
    write = f"access/parked/write@{DEVICE}"
    build = Builder(planned(PATH), planned("access/parked/write")).start(ID)
    build.add("boot", n=2, machine=2).add("event", machine=2, event={"ev": "test_start", "id": write})
    build.add("gap", machine=2, expected=4, seen=6)
    build.add("lost", machine=2, id=write, why="no answer", console="").ok(ID).stop(ID)
    run = run_of(build.done())
    assert [result.verdict for result in run.results] == [Verdict.PASS, Verdict.FAIL]
    assert [result.boot for result in run.results] == [1, 2]


def resumed(build: Builder) -> Builder:
    return build.add("resume", command=["iommu-cts"], cut=0).add("boot", n=2)


def test_a_test_that_its_runner_abandoned_is_run_again(run_of: Judge) -> None:
    run = run_of(resumed(Builder(planned(PATH)).start(ID)).passed(ID).done())
    assert told(run) == (Verdict.PASS, None) and run.complete and exit_code(run) == 0 and not one(run).notes
    run = run_of(resumed(Builder(planned(PATH)).start(ID).done("interrupted")).passed(ID).done())
    assert told(run) == (Verdict.PASS, None) and exit_code(run) == 0
    # but not what the kernel showed until then
    run = run_of(resumed(Builder(planned(PATH)).start(ID).log(ID, *WARN)).passed(ID).done())
    assert told(run) == (Verdict.FAIL, "splat")
    run = run_of(resumed(Builder(planned(PATH)).start(ID)).done("interrupted"))
    assert told(run)[0] is Verdict.ERROR


def test_a_test_that_had_its_end_keeps_it(run_of: Judge) -> None:
    run = run_of(resumed(Builder(planned(PATH)).failed(ID)).passed(ID).done())
    assert told(run)[0] is Verdict.FAIL
    run = run_of(resumed(Builder(planned(PATH)).start(ID).add("lost", id=ID, why="emulator died")).passed(ID).done())
    assert told(run) == (Verdict.ERROR, "lost")


def test_who_can_not_be_reached_hung_or_was_cut_off(run_of: Judge) -> None:
    """Nobody knows, and that is told; unless the console shows it."""
    (result,) = run_of(Builder(planned(PATH)).start(ID).add("lost", id=ID, why="unreachable", console="").done()).results
    assert result.verdict is Verdict.ERROR and result.reason is not None
    assert "its kernel hung, or the way there was cut; nothing shows which" in result.reason.text

    def lost(why: str, console: str = "") -> tuple[Verdict, str | None]:
        return told(run_of(Builder(planned(PATH)).start(ID).add("lost", id=ID, why=why, console=console).done()))

    assert lost("unreachable", "\n".join(WARN)) == (Verdict.FAIL, "splat")
    assert lost("the machine went down")[0] is Verdict.FAIL and lost("cts-relay died")[0] is Verdict.ERROR


def test_what_stopped_a_run_is_no_problem_once_it_went_on(run_of: Judge) -> None:
    build = Builder(planned(PATH)).add("lab_error", error="no boot").done("lab")
    assert exit_code(run_of(build)) == 3 and not run_of(build).complete
    run = run_of(resumed(build).passed(ID).done())
    assert exit_code(run) == 0 and run.complete and not run.problems


def test_miss(run_of: Judge) -> None:
    run = run_of(Builder(planned(PATH)).done())
    assert told(run) == (Verdict.MISS, "never-ran") and exit_code(run) == 3


def test_interrupted(run_of: Judge) -> None:
    run = run_of(Builder(planned(PATH), planned("access/parked/write")).start(ID).done("interrupted"))
    assert [result.verdict for result in run.results] == [Verdict.ERROR, Verdict.MISS]
    assert why(run.results[0]).code == "interrupted" and exit_code(run) == 130 and not run.complete


def test_no_end(run_of: Judge) -> None:
    run = run_of(Builder(planned(PATH)).passed(ID))
    assert exit_code(run) == 3 and not run.complete and run.problems[0].kind == "journal"
    assert told(run_of(Builder(planned(PATH)).start(ID).ok(ID))) == (Verdict.ERROR, "cut-off")


def test_torn_after_its_end(tmp_path: Path) -> None:
    path = Builder(planned(PATH)).passed(ID).done().write(tmp_path)
    path.write_bytes(path.read_bytes() + b"{")
    run = judge(read(path), WaiverFile(), CODES, TODAY)
    assert not run.complete and exit_code(run) == 3 and "torn" in run.problems[0].text


@pytest.mark.parametrize("first, second, verdict", [
    ("failed", "passed", Verdict.FAIL), ("passed", "failed", Verdict.FAIL),
    ("start", "passed", Verdict.ERROR), ("failed", "start", Verdict.FAIL), ("passed", "passed", Verdict.PASS),
])
def test_nothing_is_retried_into_green(run_of: Judge, first: str, second: str, verdict: Verdict) -> None:
    build = Builder(planned(PATH))
    getattr(build, first)(ID)
    getattr(build, second)(ID)
    result = one(run_of(build.done()))
    assert result.verdict is verdict and "started 2 times" in result.notes[-1]


def test_problems_of_the_plan(run_of: Judge) -> None:
    build = Builder(planned(PATH), planned(PATH)).passed(ID).passed(f"access/parked/write@{DEVICE}")
    run = run_of(build.done())
    assert len(run.results) == 1 and [problem.kind for problem in run.problems] == ["plan", "plan"]
    assert exit_code(run) == 3


def test_an_empty_plan_is_no_success(run_of: Judge) -> None:
    assert exit_code(run_of(Builder().done())) == 3


def test_what_could_not_be_given_back(run_of: Judge) -> None:
    build = Builder(planned(PATH)).passed(ID)
    run = run_of(build.event("given_back", device=DEVICE, driver="igb", error="EBUSY").done())
    assert run.problems[0].kind == "device" and "EBUSY" in run.problems[0].text


def test_malformed_events_are_problems(run_of: Judge) -> None:
    build = Builder(planned(PATH)).event("device", bdf=DEVICE, group="12").event("hello", uname=[])
    build.event("test_end", id=ID, outcome=5).event("output", id=ID).event("kmsg", id=ID, lines=7)
    run = run_of(build.event("record", id=ID).done())
    assert [problem.kind for problem in run.problems] == ["journal"] * 5 and one(run).verdict is Verdict.ERROR


def test_judging_is_pure(tmp_path: Path) -> None:
    build = Builder(planned(PATH), planned("access/parked/write"), planned("hwpt/alloc/size")).failed(ID)
    journal = build.start("x").log("x", *WARN).read(tmp_path)
    first = judge(journal, WaiverFile(), CODES, TODAY)
    assert judge(journal, WaiverFile(), CODES, TODAY) == first
    assert repr(judge(build.read(tmp_path), WaiverFile(), CODES, TODAY)) == repr(first)
