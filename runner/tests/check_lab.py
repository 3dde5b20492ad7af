# SPDX-License-Identifier: GPL-2.0-only
"""`make check-lab`: runs as jobs of a real LAVA laboratory, with two devices on one worker. Are the verdicts those of the same run without?

The laboratory is made here (lab/lava/server.py), and its devices are the virtual host vtd. All of it has a network of its own, whose
loopback nobody else sees; what has to be fetched is fetched before.
"""

import dataclasses
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import entry, host, toolbox
from lab.binaries import TOP
from lab.lava import place
from lab.lava.devices import template
from lab.lava.server import Laboratory, laboratory
from lab.tests.fake_kernel import git
from lab.toolbox import MOUNT
from results import report
from results.journal import JobEntry, read
from runner import run as running
from runner.lava import cli, recipe, start
from runner.lava.replay import END
from runner.lava.server import FINISHED, Server
from runner.stream import plan_line
from runner.tests import meta
from runner.tests import test_lava_jobs as jobs_made
from runner.tests.test_meta import TOLD

SELECT = "access/bind_*"
PATIENCE_S = 600.0


class Setting:
    """A laboratory, and a description of its devices as a host."""

    def __init__(self, lab: Laboratory, folder: Path) -> None:
        self.lab = lab
        self.server = Server(lab.url, lab.token)
        self.runs = folder / "runs"
        (lab.folder / "files").mkdir()
        self.one, self.two = self._describe(folder, 1), self._describe(folder, 2)

    def _describe(self, folder: Path, devices: int) -> str:
        path = folder / f"lab{devices}.toml"
        words = {
            "server": self.lab.url, "device_type": "qemu", "tags": ["vtd"], "publish": str(self.lab.folder / "files"),
            "url": f"file://{MOUNT}/work/files", "devices": devices,
        }  # fmt: skip
        text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in words.items())
        path.write_text(f'title = "a laboratory"\ntarget = "lava"\nlike = "vtd"\n[lava]\n{text}')
        return str(path)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """iommu-cts, as a user of the laboratory."""
        env = {**os.environ, "LAVA_TOKEN": self.lab.token, "IOMMU_CTS_RUNS": str(self.runs)}
        return subprocess.run([str(TOP / "iommu-cts"), *words], env=env, capture_output=True, text=True, timeout=PATIENCE_S)

    def submit(self, host_file: str, *select: str) -> Path:
        """The folder of a run that was submitted."""
        done = self.command("lava", "submit", "--host", host_file, *(word for one in select for word in ("--select", one)))
        assert done.returncode == 0, done.stderr
        return self.runs / done.stdout.strip().splitlines()[-1]

    def wait_for_job(self, number: str, *states: str) -> None:
        """Returns when the job is in one of these states."""
        end = time.monotonic() + PATIENCE_S
        while (state := self.server.job(number).state) not in states:
            assert time.monotonic() < end, f"job {number} is still {state}"
            threading.Event().wait(0.2)

    def cancel(self, folder: Path) -> None:
        """Cancels the one job of a run, and has the run know of it."""
        (job,) = jobs(folder)
        assert job.id
        self.server.cancel(job.id)
        self.wait_for_job(job.id, FINISHED)
        assert self.command("lava", "fetch", str(folder)).returncode == 3


def jobs(folder: Path, action: str = "submitted") -> list[JobEntry]:
    entries = read(folder / "journal.jsonl").entries
    return [entry for entry in entries if isinstance(entry, JobEntry) and entry.machine and entry.action == action]


def verdicts(folder: Path) -> dict[str, tuple[str, Any]]:
    """Of a judged run: verdict and reason of each test."""
    found = json.loads((folder / "results.json").read_text())
    return {one["id"]: (one["verdict"], one["reason"] and one["reason"]["code"]) for one in found["results"]}


CHECK = """
import yaml
from lava_common.schemas import validate
validate(yaml.safe_load(open("/mnt/work/job.yaml")), strict=True)
"""


@pytest.mark.parametrize("job", place.templates())
def test_lava_takes_the_jobs(job: str, tmp_path: Path) -> None:
    made = jobs_made.made(dataclasses.replace(jobs_made.PLACE, job=job), [jobs_made.TEST])
    text = recipe.definition(made, "a job", [jobs_made.TEST], "http://files.example/1.tar.gz", {"iommu-cts": "run"})
    (tmp_path / "job.yaml").write_text(text)
    toolbox.obtain("lava").run("LAVA's check of a job", ["python3", "-c", CHECK], binds={"work": tmp_path})


def test_lava_does_not_take_what_is_none(tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text("job_name: x\n")
    done = toolbox.obtain("lava").run("LAVA's check", ["python3", "-c", CHECK], check=False, binds={"work": tmp_path})
    assert done.returncode and "required key" in done.stderr


@pytest.fixture(name="here", scope="session")
def here_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    devices = [(f"vtd-{number}", template(host.find("vtd"))) for number in (1, 2)]
    with laboratory(devices) as lab:
        yield Setting(lab, tmp_path_factory.mktemp("lab"))


@pytest.fixture(name="plain", scope="session")
def plain_fixture(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, Any]]:
    """The verdicts of the same run without LAVA."""
    folder, _ = running.run(running.Options("vtd", select=[SELECT], runs=tmp_path_factory.mktemp("plain")))
    return verdicts(folder)


def test_a_plan_is_shared_by_two_devices(here: Setting, plain: dict[str, tuple[str, Any]]) -> None:
    folder = here.submit(here.two, SELECT)
    status = here.command("lava", "status", folder.name)
    assert status.returncode == 0 and len(status.stdout.splitlines()) == 3, status.stdout
    done = here.command("lava", "wait", folder.name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert verdicts(folder) == plain and len(plain) > 25
    assert {entry.device for entry in jobs(folder, "ended")} == {"vtd-1", "vtd-2"}
    assert here.lab.token not in (folder / "journal.jsonl").read_text()
    assert "every promise that was checked held" in here.command("lava", "fetch", folder.name).stdout


def test_without_a_server_the_verdicts_are_the_same(here: Setting, plain: dict[str, tuple[str, Any]]) -> None:
    before = set(here.runs.glob("*"))
    done = here.command("run", "--host", "lava-local", "--select", SELECT)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = set(here.runs.glob("*")) - before
    assert verdicts(folder) == plain


def test_a_worker_goes_away_and_comes_back(here: Setting, plain: dict[str, tuple[str, Any]]) -> None:
    folder = here.submit(here.one, SELECT)
    (job,) = jobs(folder)
    assert job.id
    here.wait_for_job(job.id, "Running")
    here.lab.kill_worker()
    here.lab.start_worker()
    done = here.command("lava", "wait", folder.name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert verdicts(folder) == plain and len(jobs(folder)) == 1


def test_a_job_is_cancelled(here: Setting) -> None:
    folder = here.submit(here.one, SELECT)
    (job,) = jobs(folder)
    assert job.id
    here.server.cancel(job.id)
    here.wait_for_job(job.id, FINISHED)
    done = here.command("lava", "fetch", folder.name)
    assert done.returncode == 3 and f"job {job.id} on" in done.stdout and "it was cancelled" in done.stdout, done.stdout
    assert set(verdicts(folder).values()) <= {("MISS", "never-ran"), ("ERROR", "lost"), ("PASS", None)}
    assert ("MISS", "never-ran") in verdicts(folder).values() and len(jobs(folder)) == 1
    # Whoever waits wants it to go on.
    done = here.command("lava", "wait", folder.name)
    assert done.returncode in (0, 3) and ("MISS", "never-ran") not in verdicts(folder).values(), done.stdout


def test_who_submitted_is_gone(here: Setting, plain: dict[str, tuple[str, Any]]) -> None:
    """The journal is that of a process which died between the server's answer and its own next word."""
    folder = here.submit(here.one, SELECT)
    (job,) = jobs(folder)
    lines = (folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line).get("action") != "submitted" or not json.loads(line)["machine"]]
    (folder / "journal.jsonl").write_bytes(b"".join(kept) + b'{"t":1,"ki')
    done = here.command("lava", "wait", folder.name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert verdicts(folder) == plain and [entry.id for entry in jobs(folder)] == [job.id]


def test_a_device_that_can_not_be_deployed(here: Setting) -> None:
    folder = here.submit(here.one, SELECT)
    here.cancel(folder)
    kept = recipe.read(folder)
    kept.files["kernel"] += "-which-is-gone"
    kept.write(folder)
    done = here.command("lava", "wait", folder.name)
    assert done.returncode == 3 and "it and those before it got nowhere" in done.stdout, done.stdout
    assert "MISS" in {verdict for verdict, _ in verdicts(folder).values()} and len(jobs(folder)) == 4


def test_a_device_with_another_inventory(here: Setting) -> None:
    folder = here.submit(here.one, SELECT)
    here.cancel(folder)
    kept = recipe.read(folder)
    kept.inventory[-1] = "0000:01:00.0 8086:1234"
    kept.write(folder)
    done = here.command("lava", "wait", folder.name)
    assert done.returncode == 3 and "another inventory" in done.stdout, done.stdout
    assert {verdict for verdict, _ in verdicts(folder).values()} <= {"MISS", "ERROR"}


def test_a_definition_from_git(here: Setting) -> None:
    """As somebody uses it in a job of his own: from the repository, with a plan of his."""
    folder = here.submit(here.one, "access/bind_group/*")
    (job,) = jobs(folder)
    assert job.id
    here.server.cancel(job.id)
    kept = recipe.read(folder)
    suite = here.lab.folder / "suite"
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{TOP}", str(suite)], check=True)
    plan = [*kept.before, *kept.parts[0].tests, END]
    (suite / "lab/lava/definition" / recipe.PLAN).write_bytes(b"".join(plan_line(line) for line in plan))
    git(suite, "add", "-A")
    git(suite, "commit", "-qm", "a plan")
    branch = git(suite, "branch", "--show-current").strip()
    mine = yaml.safe_load(recipe.definition(kept, "from git", plan, "", {}))
    mine["actions"][-1]["test"]["definitions"] = [{
        "from": "git", "repository": f"file://{MOUNT}/work/suite", "branch": branch, "name": "iommu-cts",
        "path": "lab/lava/definition/iommu-cts.yaml",
    }]  # fmt: skip
    number = here.server.submit("from git", yaml.safe_dump(mine))
    here.wait_for_job(number, FINISHED)
    assert here.server.job(number).health == "Complete"
    assert b"TEST_CASE_ID=access_bind_group_" in here.server.log(number)


# What the console of QEMU can't tell from the guest's own, and what LAVA can't tell of QEMU, is left out.
ENDINGS = (
    "kernel/panics", "kernel/passes*", "kernel/warns", "told/fails_an_assertion", "told/passes*", "host/powers_off", "host/stops_cts_exec",
    "stream/forges_its_end", "stream/writes_garbage", "stream/passes*",
)  # fmt: skip


def test_jobs_that_panic_hang_and_lie(here: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAVA_TOKEN", here.lab.token)
    suite = meta.build()
    options = running.Options(here.one, select=[f"meta/{name}" for name in ENDINGS], runs=tmp_path, waivers=meta.NO_WAIVERS)
    folder = start.record(options, host.find(here.one), suite.lab, suite.tests, threading.Event())
    cli.go_on(folder, True)
    told = meta.told(report.write_all(folder, running.existing(meta.NO_WAIVERS), date.today()))
    assert told == {name: TOLD.get(name, "PASS") for name in told} and len(told) > 10
    assert {entry.action for entry in read(folder / "journal.jsonl").entries if isinstance(entry, JobEntry)} >= {"hung", "ended"}


ALONE = ("bwrap", "--dev-bind", "/", "/", "--unshare-user", "--unshare-net", "--die-with-parent", "--")


def prepare() -> None:
    """Fetches and builds what can't be had without a network."""
    running.prepare(host.find("vtd"), [], None)
    toolbox.obtain("lava")


def main() -> int:
    """Runs the tests where there is no network but a loopback; the arguments are pytest's."""
    prepare()
    return subprocess.run([*ALONE, sys.executable, "-m", "pytest", "-q", __file__, *sys.argv[1:]], cwd=TOP).returncode


if __name__ == "__main__":
    sys.exit(entry.ending("make check-lab", main))
