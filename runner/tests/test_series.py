# SPDX-License-Identifier: GPL-2.0-only
"""`iommu-cts series` on a small repository whose kernels are built and booted by nobody: failures, exit codes, and going on."""

import dataclasses
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from lab import cache, kernel
from lab.errors import LabError, UsageError
from lab.tests.fake_kernel import commit, git, repository
from results import bench as kept_bench
from results import series as kept
from results import sides
from results.model import Problem
from results.tests.build_bench import bench_of, document, measured, told
from runner import bench, cli, series
from runner import run as running

ROW = {"size": 4096, "times": 1}
KEEPS = "access/a/keeps"


class Lab:
    """Stands for building, booting and measuring. `unbuilt`, `unbooted` and `failing` are commits by their tags; `stop` is called before
    each piece of work, and may raise."""

    def __init__(self, user: Path) -> None:
        self.user = user
        self.unbuilt: set[str] = set()
        self.unbooted: set[str] = set()
        self.failing: set[str] = set()
        self.takes: dict[str, float] = {}
        self.work: list[str] = []
        self.stop: Callable[[str], None] = lambda what: None

    def did(self, what: str) -> None:
        self.stop(what)
        self.work.append(what)

    def build(self, box: object, source: Any, fragments: list[Path], arch: object) -> Any:
        name = source.label.split()[1]
        self.did(f"build {name}{' bench' if fragments else ''}")
        if name in self.unbuilt:
            log = cache.root() / "log"
            log.parent.mkdir(exist_ok=True)
            log.write_text("everything")
            raise kernel.BuildError(["a.c:1: error: no semicolon", "make: *** [a.o] Error 1"], log)
        return SimpleNamespace(folder=Path(name))

    def run(self, options: running.Options) -> tuple[Path, Any]:
        (name,) = options.kernel
        self.did(f"test {name}")
        folder = options.runs / "run"
        folder.mkdir(parents=True, exist_ok=True)
        verdict = "FAIL" if name in self.failing else "PASS"
        (folder / "results.json").write_text(json.dumps(document(0, [], [told(KEEPS, verdict), told("access/a/other")], accelerator="tcg")))
        booted = name not in self.unbooted
        problems = [] if booted else [Problem("lab", "the kernel said nothing\nfor a long time")]
        environment: dict[str, Any] = {"target": {}} if booted else {}
        return folder, SimpleNamespace(complete=booted, interrupted=False, problems=problems, environment=environment)


class Side(bench.Side):
    """A side that is measured at once."""

    lab: Lab

    def __init__(self, what: bench.What, folder: Path, label: str, kernels: list[str], fit: bool) -> None:
        self.what, self.folder, self.name = what, folder, label
        if (folder / kept_bench.FILE).exists():
            self.bench = kept_bench.read(folder)
        else:
            self._have(0)

    def _have(self, boots: int) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        value = self.lab.takes.get(self.name, 1000.0)
        bench_of(self.folder, boots, [measured("map", ROW, lambda boot: [value] * 9)], label=self.name)
        self.bench = dataclasses.replace(kept_bench.read(self.folder), finished=False)
        kept_bench.write(self.folder, self.bench)

    def boot(self, number: int, boots: int) -> Any:
        self.lab.did(f"boot {number} of {self.name}")
        self._have(number)


@pytest.fixture(name="lab")
def lab_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    user = repository(tmp_path / "linux")
    for name in ("v1", "v2"):
        commit(user, name, {"file": name})
    lab = Lab(user)
    monkeypatch.setenv("IOMMU_CTS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(kept, "SERIES", tmp_path / "series")
    monkeypatch.setattr(kernel, "build", lab.build)
    monkeypatch.setattr(kernel, "is_built", lambda *_: False)
    monkeypatch.setattr(running, "run", lab.run)
    monkeypatch.setattr(series, "toolbox", SimpleNamespace(obtain=lambda profile: None))
    monkeypatch.setattr(series, "_check", lambda series: (len(series.select), len(series.bench)))
    monkeypatch.setattr(bench, "Side", Side)
    monkeypatch.setattr(Side, "lab", lab, raising=False)
    monkeypatch.setattr("results.calibration.FOLDER", tmp_path / "calibration")
    return lab


def call(lab: Lab, *words: str) -> tuple[int, str]:
    """Exit code and table of a series of base, v1 and v2, or of --resume."""
    begin = [] if "--resume" in words else ["--ksrc", str(lab.user), "--revs", "base,v1,v2", "--boots", "2"]
    arguments = cli.parser().parse_args(["series", *begin, *words])
    out = io.StringIO()
    return series.run(arguments, Console(file=out, width=200)), out.getvalue()


def state(lab: Lab) -> kept.Series:
    return kept.read(kept.find("last"))


def test_all_is_well(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    lab.takes = {"v2": 1010.0}
    code, said = call(lab)
    assert code == 0 and "v1: measured: no change" in said and "v2: measured: map takes 1.0 % more" in said
    turns = ["boot 1 of base", "boot 1 of v1", "boot 1 of v2", "boot 2 of v2", "boot 2 of v1", "boot 2 of base"]
    builds = [f"build {name}{what}" for name in ("base", "v1", "v2") for what in ("", " bench")]
    assert lab.work == [*builds, "test base", "test v1", "test v2", *turns]
    assert "-- 2 of 2 --" in capsys.readouterr().out
    assert not git(lab.user, "status", "--porcelain")


def test_what_does_not_build_or_boot_is_a_row_and_the_others_go_on(lab: Lab) -> None:
    lab.unbuilt, lab.unbooted = {"v1"}, {"v2"}
    code, said = call(lab)
    assert code == 3 and "v1 does not build:\n  a.c:1: error: no semicolon" in said and "v2 does not boot:\n  the kernel said" in said
    folder = kept.find("last")
    assert (folder / "2-v1.log").read_text() == "everything"
    assert [one.failed.stage if one.failed else None for one in state(lab).revisions] == [None, "build", "boot"]
    assert [what for what in lab.work if "boot" in what] == ["boot 1 of base", "boot 2 of base"]
    lab.unbuilt, lab.unbooted, lab.work = set(), set(), []
    assert call(lab, "--resume")[0] == 0
    assert "test base" not in lab.work and {"build v1", "test v1", "test v2"} <= set(lab.work)


def test_a_revision_that_can_not_be_measured_is_left_out(lab: Lab) -> None:
    def stop(what: str) -> None:
        if what == "boot 1 of v1":
            raise LabError("it hangs")

    lab.stop = stop
    code, said = call(lab, "--select", "none")
    assert code == 3 and "v1 does not boot:\n  it hangs" in said and "v2: measured: no change" in said
    assert not any(what.startswith("test") for what in lab.work)


def test_a_promise_that_only_a_later_one_breaks(lab: Lab) -> None:
    lab.failing = {"v2"}
    code, said = call(lab, "--bench", "none")
    assert code == 1 and f"PASS -> FAIL  {KEEPS}" in said and not any("boot" in what for what in lab.work)
    lab.failing = {"base", "v1", "v2"}
    assert call(lab, "--bench", "none")[0] == 0


def test_without_the_first_nothing_is_compared(lab: Lab) -> None:
    lab.unbuilt = {"base"}
    code, said = call(lab)
    assert code == 3 and "base does not build" in said and "v1: " not in said


@pytest.mark.parametrize("at", ["build v1 bench", "test v1", "boot 2 of v1"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), LabError("No space left on device"), OSError("No space left on device")])
def test_it_goes_on_where_it_was_stopped(lab: Lab, at: str, error: BaseException, capsys: pytest.CaptureFixture[str]) -> None:
    def stop(what: str) -> None:
        if what == at:
            raise error

    lab.stop = stop
    if isinstance(error, LabError) and at.startswith("boot"):
        assert call(lab)[0] == 3  # of this one revision
    else:
        with pytest.raises(type(error)):
            call(lab)
        assert "iommu-cts series --resume" in capsys.readouterr().err
    done = [what for what in lab.work if not what.startswith("build")]
    lab.stop, lab.work = lambda what: None, []
    code, said = call(lab, "--resume")
    assert code == 0 and "v1: measured: no change" in said
    assert not set(done) & set(lab.work)
    lab.work = []
    assert call(lab, "--resume", kept.find("last").name)[0] == 0 and not lab.work  # only shown again


def test_a_dry_run_does_nothing(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(lab, "--dry-run")[0] == 0
    said = capsys.readouterr().out
    assert "v2  " in said and "kernel to test is to be built, kernel to measure is to be built" in said
    assert "2 boots of each revision" in said
    assert not lab.work and not kept.SERIES.exists()


@pytest.mark.parametrize(("words", "said"), [
    (["--revs", "base,nowhere"], "'nowhere' is no revision"),
    (["--revs", "base,base"], "each once"),
    (["--revs", ","], "name one revision or several"),
    (["--host", "vdt"], "no host 'vdt'"),
    (["--host", "local"], "takes a virtual one"),
    (["--select", "none", "--bench", "none"], "nothing is left to do"),
    (["--select", "none", "--select", "access/*"], "leaves nothing for another"),
    (["--resume", "nowhere"], "no series of that name"),
])
def test_wrong_usage(lab: Lab, words: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        call(lab, *words)
    assert not lab.work and not kept.SERIES.exists()


def test_what_is_not_for_resume_is_refused(lab: Lab) -> None:
    with pytest.raises(UsageError, match="--boots is not for --resume"):
        call(lab, "--resume", "last", "--boots", "5")
    with pytest.raises(UsageError, match="--ksrc is missing"):
        series.asked(cli.parser().parse_args(["series"]))


def test_what_is_kept_is_a_series_as_the_schema_says(lab: Lab) -> None:
    call(lab, "--bench", "none")
    folder = kept.find("last")
    document_ = json.loads((folder / kept.FILE).read_text())
    assert document_["revisions"][1]["label"] == "2-v1" and sides.load(str(folder / document_["revisions"][1]["run"])).boots
    (folder / kept.FILE).write_text(json.dumps({**document_, "boots": 0}))
    with pytest.raises(UsageError, match="boots"):
        kept.read(folder)
