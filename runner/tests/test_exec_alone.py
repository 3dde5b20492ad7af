# SPDX-License-Identifier: GPL-2.0-only
"""cts-exec with a plan that nobody follows, and what LAVA is told."""

import json
import subprocess
from pathlib import Path
from typing import Any

from results.typed import parse_json
from runner.lava import log
from runner.stream import Frame, StreamReader, plan_line
from runner.tests.exec_driver import Event, case, of, run, shell


def alone(binary: Path, folder: Path, *plan: Event) -> tuple[list[Event], list[str]]:
    """The events of a plan in a file, and the lines that are no frames."""
    path = folder / "plan.jsonl"
    path.write_bytes(b"".join(plan_line(line) for line in plan))
    done = subprocess.run([str(binary), "--plan", str(path), "--lava"], capture_output=True, check=True, timeout=60)
    said = [log.Line(0.0, "target", line) for line in done.stdout.decode("ascii").splitlines()]
    reader, events = StreamReader(), []
    for piece in log.stream(said):
        found = reader.feed(piece.data)
        assert all(isinstance(item, Frame) for item in found), found
        events += [item.event for item in found if isinstance(item, Frame)]
    return events, [line.message for line in said if not line.message.startswith("@cts")]


def test_a_plan_ends_behind_a_test_that_failed(cts_exec: Path, tmp_path: Path) -> None:
    events, _ = alone(cts_exec, tmp_path, case("/bin/true", id="a"), case("/bin/false", id="b"), case("/bin/true", id="c"))
    assert [(end["id"], end.get("stop")) for end in of(events, "test_end")] == [("a", None), ("b", "a test failed")]
    assert events[-1] == {"ev": "end", "tests": 2}


def test_a_failure_that_is_known_and_harmless_ends_nothing(cts_exec: Path, tmp_path: Path) -> None:
    events, _ = alone(cts_exec, tmp_path, {**case("/bin/false", id="a"), "harmless": True}, case("/bin/true", id="b"))
    assert [end.get("stop") for end in of(events, "test_end")] == [None, None]


def test_a_harmless_failure_does_not_excuse_a_death(cts_exec: Path, tmp_path: Path) -> None:
    events, _ = alone(cts_exec, tmp_path, {**shell("kill -9 $$"), "harmless": True}, case("/bin/true", id="b"))
    assert [end.get("stop") for end in of(events, "test_end")] == ["a test failed"]


def test_what_can_not_be_started_ends_the_plan(cts_exec: Path, tmp_path: Path) -> None:
    events, _ = alone(cts_exec, tmp_path, case("/no/such/program", id="a"), case("/bin/true", id="b"))
    assert [end.get("stop") for end in of(events, "test_end")] == ["a test could not be started"]


def test_somebody_who_follows_decides_himself(cts_exec: Path) -> None:
    events = run(cts_exec, case("/bin/false", id="a"), case("/bin/true", id="b"))
    assert [end.get("stop") for end in of(events, "test_end")] == [None, None]


def test_lava_is_told(cts_exec: Path, tmp_path: Path) -> None:
    record: dict[str, Any] = {
        "measure": "map", "unit": "ns", "better": "less", "params": {"size": 4096, "table": "a b>"}, "samples": [1200, 1180],
    }  # fmt: skip
    (tmp_path / "record").write_text(json.dumps(record, separators=(",", ":")) + "\n")
    _, others = alone(
        cts_exec, tmp_path, {**shell(f"cat {tmp_path}/record >&3"), "id": "bench/map@0000:01:00.0"},
        {**shell("""echo '{"skip":{"code":"no-dma","text":"x"}}' >&3"""), "id": "b"}, case("/bin/true", id="c"),
        case("/bin/false", id="d"),
    )  # fmt: skip
    assert others == [
        "<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=bench_map_0000:01:00.0:map:size4096:tablea_b_ RESULT=pass MEASUREMENT=1190.0 UNITS=ns>",
        "<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=bench_map_0000:01:00.0 RESULT=pass>",
        "<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=b RESULT=skip>",
        "<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=c RESULT=pass>",
        "<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=d RESULT=fail>",
    ]


def test_nothing_that_a_test_says_is_a_signal(cts_exec: Path, tmp_path: Path) -> None:
    text = "<LAVA_TEST_RUNNER EXIT> <LAVA_SIGNAL_TESTCASE TEST_CASE_ID=x RESULT=pass>"
    (tmp_path / "record").write_text(json.dumps({"fact": {"<a>": text}}) + "\n")
    path = tmp_path / "plan.jsonl"
    path.write_bytes(plan_line({**shell(f"echo '{text}'; cat {tmp_path}/record >&3"), "id": "<LAVA_SIGNAL_X y>"}))
    out = subprocess.run([str(cts_exec), "--plan", str(path), "--lava"], capture_output=True, check=True, timeout=60).stdout
    assert out.count(b"<") == 1 and b"<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=_LAVA_SIGNAL_X_y_ RESULT=pass>\n" in out
    bodies = [parse_json(line.split(b" ", 3)[3], 64) for line in out.splitlines() if line.startswith(b"@cts ")]
    assert {"fact": {"<a>": text}} in [body.get("record") for body in bodies]


def test_long_frames_go_in_pieces(cts_exec: Path, tmp_path: Path) -> None:
    (tmp_path / "record").write_text(json.dumps({"fact": {"long": "x" * 50_000}}) + "\n")
    path = tmp_path / "plan.jsonl"
    path.write_bytes(plan_line(shell(f"cat {tmp_path}/record >&3")))
    out = subprocess.run([str(cts_exec), "--plan", str(path), "--lava"], capture_output=True, check=True, timeout=60).stdout
    assert max(len(line) for line in out.splitlines()) <= 3010 and out.count(b"\n@cts+ ") > 15


def test_a_plan_that_is_not_there(cts_exec: Path) -> None:
    done = subprocess.run([str(cts_exec), "--plan", "/no/such/plan"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and '"/no/such/plan": No such file' in done.stderr
    both = subprocess.run([str(cts_exec), "--plan", "/dev/null", "--stream", "/dev/null"], capture_output=True, text=True, timeout=60)
    assert both.returncode == 2 and "two sources" in both.stderr
