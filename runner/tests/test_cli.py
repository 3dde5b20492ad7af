# SPDX-License-Identifier: GPL-2.0-only
"""What the command says and returns when it is used wrongly, or when the lab fails."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from lab import host
from lab.binaries import TOP
from results.journal import EventEntry, read
from runner.tests import meta

COMMAND = str(TOP / "iommu-cts")


def call(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize(
    "words",
    [[], ["run"], ["list"], ["hosts"], ["lab"], ["lab", "build"], ["lab", "boot"], ["lab", "shell"], ["lab", "prove"], ["lab", "clean"],
     ["report"], ["new"], ["device-test"], ["doctor"], ["coverage"], ["compare"], ["series"], ["bisect"]],
)
def test_help_everywhere(words: list[str]) -> None:
    done = call(*words, "--help")
    assert done.returncode == 0 and "usage: iommu-cts" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "required"),
        (["run", "--host", "vdt"], "no host 'vdt'; known: local"),
        (["run", "--select", "nothing/*"], "no test has such a path"),
        (["run", "--device", "igb"], "'igb' is no PCI address"),
        (["run", "--timeout-scale", "0"], "no number between"),
        (["run", "--jobs", "0"], "no number between 1 and"),
        (["run", "--max-failures", "0"], "no number of failures"),
        (["run", "--resume", "nowhere"], "no run of that name"),
        (["run", "--resume", "--select", "access/*"], "--select is not for --resume"),
        (["run", "--host", "local", "--device", "01:00.0", "--jobs", "2"], "there is one local host"),
        (["run", "--modules", "/nowhere"], "--modules belongs to an image"),
        (["lab", "boot", "--modules", "/nowhere"], "--modules belongs to an image"),
        (["run", "--host", "local", "--device", "01:00.0", "--modules", "/nowhere"], "--kernel and --modules are for virtual hosts"),
        (["run", "--host", "local", "--device", "01:00.0", "--accel", "kvm"], "--accel is for virtual hosts"),
        (["doctor", "--modules", "/nowhere"], "--kernel and --modules are for virtual hosts"),
        (["doctor", "--accel", "kvm"], "--accel is for virtual hosts"),
        (["run", "--kernel", "/nowhere"], "--kernel /nowhere: no such file"),
        (["run", "--host", "local"], "nothing is touched unless it is named"),
        (["lab", "build", "--ksrc", "/etc"], "is no kernel source tree"),
        (["lab", "build", "--patch", "/nowhere"], "--patch /nowhere: no such file"),
        (["lab", "shell"], "needs a terminal"),
        (["lab", "prove", "nothing"], "no fault is called nothing"),
        (["lab", "clean", "socks"], "nothing of kind socks"),
        (["report", "nowhere"], "no run of that name"),
        (["compare", "last"], "the following arguments are required: B"),
        (["compare", "nowhere", "nowhere"], "nowhere: no bench of that name"),
        (["compare", "nowhere", "nowhere", "--fail-on", "map"], "write PATTERN > N%"),
        (["coverage", "nowhere"], "no run of that name"),
        (["coverage", "--json", "--markdown", "x.md"], "not allowed with"),
        (["coverage", "--markdown", "/nowhere/x.md"], "--markdown /nowhere/x.md: can't be written"),
        (["report", "--durations", "last"], "the run goes before --durations"),
        (["series"], "--ksrc is missing"),
        (["series", "--ksrc", "/nowhere", "--revs", "HEAD"], "--ksrc /nowhere: no such folder"),
        (["bisect", "--ksrc", "/nowhere", "--good", "a", "--bad", "b"], "one of the arguments --test --row is required"),
        (["bisect", "--ksrc", "/nowhere", "--good", "a", "--bad", "b", "--row", "r", "--threshold", "much"], "is no threshold such as 2%"),
        (["new", "Example"], "write SUBJECT/NAME"),
        (["new", "access/opens"], "is there already"),
        (["device-test", "igb"], "'igb' is no PCI address"),
    ],
)
def test_wrong_usage_is_2_and_runs_nothing(words: list[str], said: str, runs: Path) -> None:
    before = set(runs.glob("*"))
    done = call(*words)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr and "Traceback" not in done.stderr
    assert set(runs.glob("*")) == before


def test_a_reader_that_is_gone_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([COMMAND, "hosts"], stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-"])
def test_a_closed_stream_is_no_error(closed: str) -> None:
    done = subprocess.run(["sh", "-c", f'exec "$0" hosts {closed}', COMMAND], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_host_that_can_not_start_is_3_and_says_why(tmp_path: Path) -> None:
    text = (host.FOLDER / "vtd.toml").read_text()
    assert '"intel-iommu,' in text
    (tmp_path / "broken.toml").write_text(text.replace('"intel-iommu,', '"no-such-device,'))
    done = call("run", "--host", str(tmp_path / "broken.toml"))
    assert done.returncode == 3, done.stdout + done.stderr
    assert "no-such-device" in done.stderr and "Traceback" not in done.stderr


def running_test(process: "subprocess.Popen[str]", runs: Path, before: set[Path]) -> Path:
    """Waits until a test of the run has started, and returns the run's folder."""
    while process.poll() is None:
        for folder in set(runs.glob("*")) - before:
            entries = read(folder / "journal.jsonl").entries if (folder / "journal.jsonl").exists() else []
            if any(isinstance(entry, EventEntry) and entry.event["ev"] == "test_start" for entry in entries):
                return folder
        time.sleep(0.1)
    raise AssertionError(f"the run ended early: {process.communicate()}")


def stop(process: "subprocess.Popen[str]", how: str) -> None:
    if how == "Ctrl-C":  # reaches everything that has the terminal
        os.killpg(process.pid, signal.SIGINT)
    elif how == "Ctrl-C twice":
        os.killpg(process.pid, signal.SIGINT)
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.Signals[how])


@pytest.mark.parametrize(
    ("how", "code"), [("Ctrl-C", 130), ("Ctrl-C twice", 130), ("SIGTERM", 130), ("SIGHUP", 130), ("SIGKILL", -signal.SIGKILL)]
)
def test_a_run_that_is_stopped_leaves_no_machine_and_goes_on(how: str, code: int, runs: Path) -> None:
    before = set(runs.glob("*"))
    command = [COMMAND, "run", "--select", "access/bind_id", "--select", "access/parked_read"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        folder = running_test(process, runs, before)
        assert meta.emulators(folder)
        stop(process, how)
        process.communicate()
        assert process.returncode == code
    meta.wait_until_gone(folder)
    assert call("report", folder.name).returncode in (130, 3)
    assert (folder / "results.ktap").read_text().startswith("KTAP version 1")
    done = call("run", "--resume", folder.name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert call("run", "--resume", folder.name).returncode == 2  # there is nothing left


def test_a_new_test_builds_and_runs() -> None:
    path = TOP / "suites/access/made_by_new.c"
    try:
        assert call("new", "access/made_by_new").returncode == 0
        done = call("run", "--select", "access/made_by_new/*")
        assert done.returncode == 0, done.stdout + done.stderr
    finally:
        path.unlink(missing_ok=True)
