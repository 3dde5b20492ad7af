# SPDX-License-Identifier: GPL-2.0-only
"""What a run makes of faults, its own included. Nothing is booted: what would boot is played."""

import dataclasses
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from lab import binaries, host, image, ksrc, toolbox
from lab.errors import LabError, UsageError
from results.journal import JournalError
from results.tests.build_journal import Builder, planned
from runner import catalogue, cli, judge
from runner import run as running
from runner.targets import make
from runner.tests.test_plan import READ as PROVOKES

NOWHERE = Path("/nonexistent")
SOURCE = ksrc.Source("linux", NOWHERE, ("package", "linux-1"))


@pytest.fixture(name="lab")
def lab_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> running.Lab:
    """What was built for a run on the local host."""
    monkeypatch.setenv("IOMMU_CTS_CACHE", str(tmp_path / "cache"))
    for name in ("cts-exec", "cts-init"):
        (tmp_path / name).touch()
    return running.Lab(toolbox.Toolbox(NOWHERE, "key", {}, {}), SOURCE, None, binaries.Binaries(tmp_path, {}))


def entries(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(("error", "told"), [
    (LabError("no boot"), "no boot"),
    (OSError(28, "No space left on device"), "[Errno 28] No space left on device"),
    (ZeroDivisionError("division by zero"), "an error of iommu-cts itself at runner/tests/test_run.py:"),
])
def test_every_fault_of_a_run_is_in_its_journal(
    tmp_path: Path, lab: running.Lab, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    def fail(*_: object) -> bool:
        raise error

    monkeypatch.setattr(running, "_execute", fail)
    folder, judged = running.record(running.Options("local", runs=tmp_path / "runs"), host.LOCAL, lab, [])
    *_, lab_error, end = entries(folder)
    assert lab_error["error"].startswith(told) and (end["kind"], end["why"]) == ("end", "lab")
    assert judge.exit_code(judged) == 3


def test_a_journal_that_can_not_be_written_ends_the_run(tmp_path: Path, lab: running.Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bool:
        raise JournalError("no room")

    monkeypatch.setattr(running, "_execute", fail)
    with pytest.raises(JournalError, match="no room"):
        running.record(running.Options("local", runs=tmp_path / "runs"), host.LOCAL, lab, [])


@pytest.mark.parametrize("libraries", [{}, {"lib/libasan.so": NOWHERE}])
def test_only_what_can_be_gone_on_with_is_offered(
    tmp_path: Path, lab: running.Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], libraries: dict[str, Path]
) -> None:
    def fail(*_: object) -> bool:
        raise LabError("no boot")

    monkeypatch.setattr(running, "_execute", fail)
    (tmp_path / "cts-exec-san").touch()
    mine = dataclasses.replace(lab, programs=dataclasses.replace(lab.programs, libraries=libraries))
    running.record(running.Options("local", runs=tmp_path / "runs"), host.LOCAL, mine, [])
    assert ("--resume" in capsys.readouterr().err) == (not libraries)


def test_a_kernel_that_is_built_again_does_not_change_a_run(tmp_path: Path, lab: running.Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bzImage").write_text("the kernel")
    (tmp_path / "config").write_text("CONFIG_A=y")
    picture = image.Image(tmp_path / "bzImage", None, None, tmp_path / "config")
    booted = []

    def build_again(where: host.Host, lab: running.Lab, *_: object) -> None:
        (tmp_path / "bzImage").write_text("another kernel")
        (tmp_path / "config").write_text("CONFIG_A=n")
        assert lab.image and lab.image.config and lab.image.facts()["image"] == str(tmp_path / "bzImage")
        booted.extend([lab.image.path.read_text(), lab.image.config.read_text()])
        raise LabError("on purpose")

    monkeypatch.setattr(make, "targets", build_again)
    options = running.Options("vtd", runs=tmp_path / "runs")
    running.record(options, host.find("vtd"), dataclasses.replace(lab, image=picture), [])
    assert booted == ["the kernel", "CONFIG_A=y"]


def test_faults_are_not_provoked_on_a_real_host_that_nobody_described() -> None:
    quiet = dataclasses.replace(PROVOKES, faults=False)
    assert running._unfit(host.find("vtd"), PROVOKES) is None and running._unfit(host.LOCAL, quiet) is None
    told = running._unfit(host.LOCAL, PROVOKES)
    assert told is not None and told.code in catalogue.skip_codes() and "--host FILE.toml" in told.text


def test_what_an_emulator_does_wrongly_is_not_judged() -> None:
    known = host.Misemulated(("access/*", "attach/dma_storm/replace"), "it walks what is not present")
    where = dataclasses.replace(host.find("vtd"), misemulated=(known,))
    told = running._unfit(where, PROVOKES)
    assert told is not None and told.code in catalogue.skip_codes() and told.text == "it walks what is not present"
    assert running._unfit(where, dataclasses.replace(PROVOKES, path="attach/dma_storm/replaced")) is None


@pytest.mark.parametrize("words", [["run", "--device", "01:00.0", "--device", "0000:01:00.0"], ["device-test", "01:00.0", "01:00.0"]])
def test_a_device_that_is_named_twice_is_planned_once(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def look(options: running.Options) -> None:
        raise UsageError(f"devices: {', '.join(options.device)}")

    monkeypatch.setattr(running, "run", look)
    with pytest.raises(UsageError, match="^devices: 0000:01:00.0$"):
        cli._call(words)


def stopped(folder: Path, options: dict[str, object]) -> Path:
    build = Builder(planned("access/parked/read"))
    build.lines[0] |= {"options": options, "identity": {"the kernel": "1"}}
    build.write(folder)
    return folder


def test_what_another_version_began_is_not_gone_on_with(tmp_path: Path) -> None:
    stopped(tmp_path, {"host": "vtd", "colour": "red"})
    with pytest.raises(UsageError, match="another version of iommu-cts began it, with colour"):
        running.resume(str(tmp_path), running.Options("vtd"))


@pytest.mark.parametrize("raw", [b"no gzip", gzip.compress(b"CONFIG_A=y\n" * 1000)[:-20], gzip.compress(b"a")[:12] + b"\xff" * 20])
def test_a_damaged_configuration_is_named(raw: bytes) -> None:
    with pytest.raises(LabError, match="/proc/config.gz can't be read"):
        assert running.unpacked(raw) == b"never"
