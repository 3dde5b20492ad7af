# SPDX-License-Identifier: GPL-2.0-only
"""`make check-lab`: runs as jobs of a real LAVA laboratory, with two devices on one worker. Are the verdicts those of the same run without?

The laboratory is made here (lab/lava/server.py), and its devices are the virtual host vtd.
"""

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import host
from lab.binaries import TOP
from lab.lava.devices import template
from lab.lava.server import Laboratory, laboratory
from lab.toolbox import MOUNT
from results.journal import JobEntry, read
from results.model import Run
from runner import run as running
from runner.lava import recipe
from runner.lava.server import FINISHED, Server
from runner.tests import meta

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


def jobs(folder: Path, action: str = "submitted") -> list[JobEntry]:
    entries = read(folder / "journal.jsonl").entries
    return [entry for entry in entries if isinstance(entry, JobEntry) and entry.machine and entry.action == action]


def verdicts(folder: Path) -> dict[str, tuple[str, Any]]:
    """Of a judged run: verdict and reason of each test."""
    found = json.loads((folder / "results.json").read_text())
    return {one["id"]: (one["verdict"], one["reason"] and one["reason"]["code"]) for one in found["results"]}


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
