# SPDX-License-Identifier: GPL-2.0-only
"""The fuzz targets (runner/fuzz) without libFuzzer: their seeds, some mutations of them, and that what they check can fail."""

import subprocess
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

from lab.errors import LabError
from results import ktap
from results.tests.build_journal import every_verdict
from results.waivers import WaiverFile
from runner import stream
from runner.fuzz import __main__ as fuzz
from runner.fuzz import ktap_check, seeds, targets
from runner.judge import judge
from runner.tests.conftest import CC

HERE = Path(__file__).resolve().parent
MUTATIONS = 15


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("fuzz")
    subprocess.run(["make", "-s", "-j2", "-C", str(HERE.parent / "fuzz"), f"OUT={out}", f"CC={CC}", "replay"], check=True)
    return out


@pytest.mark.parametrize("target", ["plan", "events", "endpoint"])
def test_seeds_of_what_is_c(replay: Path, target: str, tmp_path: Path) -> None:
    seeds.write(tmp_path, target)
    inputs = sorted((tmp_path / "seeds").iterdir())
    done = subprocess.run([replay / f"replay-{target}", *inputs], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(inputs) == len(done.stderr.splitlines()) > 10


@pytest.mark.parametrize("target", ["stream", "journal"])
def test_seeds_of_the_runner(target: str) -> None:
    found = targets.find(target)
    for one in seeds.make()[target]:
        found.run(one)
        for seed in range(MUTATIONS):
            found.run(found.mutate(one, seed))


def test_a_reader_that_believes_every_frame_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "zlib", SimpleNamespace(crc32=lambda body: 0))
    with pytest.raises(AssertionError, match="was not sent so"):
        targets.run_stream(b'@cts 0 00000000 {"ev":"hello"}\n')


@pytest.mark.parametrize("text, error", [
    ("KTAP version 1\n1..1\nok 1 a", "no newline"),
    ("1..1\nok 1 a\n", "line 1: no version"),
    ("KTAP version 1\nok 1 a\n", "line 2: no plan"),
    ("KTAP version 1\n1..2\nok 1 a\n", "1 results, and the plan says 2"),
    ("KTAP version 1\n1..2\nok 1 a\nok 1 b\n", "line 4: no result with the number 2"),
    ("KTAP version 1\n1..2\nok 1 a\nok 2 a\n", "line 4: 'a' stands twice"),
    ("KTAP version 1\n1..1\nok 1 \n", "line 3: no result"),
    ("KTAP version 1\n1..1\ntext\nok 1 a\n", "line 3: no result"),
    ("KTAP version 1\n1..1\n  KTAP version 1\n  1..1\n  not ok 1 b # SKIP x\nok 1 a\n", "line 6: 'ok 1 a' is not what"),
])  # fmt: skip
def test_what_is_no_ktap(text: str, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        ktap_check.check(text)


def test_what_is_ktap(tmp_path: Path) -> None:
    run = judge(every_verdict().read(tmp_path), WaiverFile(), frozenset({"no-cdev", "kernel-lacks"}), date(2027, 1, 15))
    assert ktap_check.check(ktap.render(run)) == [(False, "access"), (False, "ioas"), (True, "bench")]


@pytest.mark.parametrize(("log", "code"), [
    ("INFO: seed corpus\n#2 INITED\n==9==ERROR: libFuzzer: deadly signal\n", 1),
    ("INFO: seed corpus\nTraceback (most recent call last):\n", 1),
    ("bwrap: setting up uid map: Permission denied\n", None),
    ("", None),
])
def test_only_what_a_target_shows_is_a_finding(tmp_path: Path, log: str, code: int | None, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "log").write_text(log)
    process = subprocess.Popen(["false"])
    process.wait()
    done = [fuzz.Fuzzer("plan", tmp_path, process)]
    if code is not None:
        assert fuzz.judge(done) == code and log.splitlines()[-1] in capsys.readouterr().out
    else:
        with pytest.raises(LabError, match="plan did not run to its end:\n" + log.strip()):
            fuzz.judge(done)
