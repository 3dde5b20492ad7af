# SPDX-License-Identifier: GPL-2.0-only
"""The whole way on a virtual host: real kernel, real QEMU, real tests."""

import json
import re
import subprocess
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from lab.binaries import TOP
from results.journal import EventEntry, PowerEntry, read
from runner import run as running


@pytest.fixture(scope="session", name="waivers")
def waivers_fixture(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A run as a user makes it, but for the day: known failures do not expire."""
    waivers = tmp_path_factory.mktemp("waivers") / "waivers.toml"
    waivers.write_text(re.sub(r"^expires = .*$", "expires = 9999-12-31", running.WAIVERS.read_text(), flags=re.MULTILINE))
    return ["--waivers", str(waivers)]


@pytest.fixture(scope="session")
def vtd_run(waivers: list[str]) -> tuple[subprocess.CompletedProcess[str], Path]:
    done = run("--host", "vtd", *waivers)
    return done, folder_of(done)


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(TOP / "iommu-cts"), "run", *words], capture_output=True, text=True)


def folder_of(done: subprocess.CompletedProcess[str]) -> Path:
    """The run's folder, as its summary ends."""
    folder = Path(done.stdout.rstrip().rpartition("\n")[2])
    assert (folder / "journal.jsonl").is_file(), done.stdout + done.stderr
    return folder


def results_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "results.json").read_text())
    return found


def test_the_default_kernel_keeps_every_promise(vtd_run: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    done, folder = vtd_run
    kept = results_of(folder)
    others = [result for result in kept["results"] if result["verdict"] not in ("PASS", "SKIP", "DONE") and not result["waived"]]
    # Before the whole output, of which a gate may show but the beginning.
    assert others == [], "\n".join(f"{one['verdict']} {one['id']}: {one['reason']} {one['notes']} {one['evidence']}" for one in others)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sum(result["verdict"] == "PASS" for result in kept["results"]) >= 500
    known = sum(bool(result["waived"]) for result in kept["results"])  # a fresh boot follows each
    machines = len(list(folder.glob("console-*.log")))
    assert kept["problems"] == [] and machines <= kept["boots"] <= machines + known


def test_a_measurement_keeps_its_samples(vtd_run: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    measured = [result for result in results_of(vtd_run[1])["results"] if result["kind"] == "measurement" and result["verdict"] != "SKIP"]
    assert measured and all(result["verdict"] == "DONE" for result in measured)
    rows = [row for result in measured for row in result["measurements"]]
    assert {row["measure"] for row in rows} == {"dma-write"}
    assert all(len(row["samples"]) >= 10 and row["unit"] == "ns" and row["params"]["size"] for row in rows)


def test_the_environment_is_recorded(vtd_run: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    folder = vtd_run[1]
    environment = results_of(folder)["environment"]
    assert environment["kernel"]["release"] == environment["target"]["uname"]["release"]
    assert environment["accelerator"] == "tcg" and environment["qemu"] and environment["toolbox"]["key"]
    igb = [device for device in environment["devices"] if (device["vendor"], device["device"]) == ("8086", "10c9")]
    assert igb and igb[0]["driver"] == "vfio-pci" and igb[0]["cdev"]
    assert "CONFIG_IOMMUFD=y" in (folder / "kernel.config").read_text()
    assert (folder / "console-1.log").stat().st_size


def test_the_endpoint_in_software_shows_what_no_emulated_device_does(waivers: list[str]) -> None:
    subjects = {"pasid/dma", "fault/requests", "hostile/stubborn"}
    done = run("--host", "vtd-endpoint", *(word for subject in subjects for word in ("--select", f"{subject}/*")), *waivers)
    assert done.returncode == 0, done.stdout + done.stderr
    results = results_of(folder_of(done))["results"]
    assert subjects == {"/".join(result["path"].split("/")[:2]) for result in results if result["verdict"] == "PASS"}


def test_instructions_repeat() -> None:
    """In two boots of one kernel, as far as they show without one that is made for it."""
    boots = []
    for _ in range(2):
        chosen = ("bench/ioas/map_unmap", "bench/place/*", "bench/loop/*")
        done = run("--accel", "icount", "--jobs", "1", *(word for pattern in chosen for word in ("--select", pattern)))
        assert done.returncode == 0, done.stdout + done.stderr
        kept = results_of(folder_of(done))
        assert kept["environment"]["accelerator"] == "icount" and kept["environment"]["target"]["cpus"] == 1
        rows = [(result["path"], row) for result in kept["results"] for row in result["measurements"]]
        boots.append({f"{path} {row['measure']} {row['params']}": median(row["samples"]) for path, row in rows})
    assert len(boots[0]) > 20 and boots[0].keys() == boots[1].keys()
    assert {name: value for name, value in boots[0].items() if abs(value / boots[1][name] - 1) > 0.001} == {}


def test_two_hosts_share_a_plan() -> None:
    """Same verdicts; what is measured is measured alone."""
    chosen = ("access/bind_*", "bench/map_unmap/map_unmap/base", "bench/threads/map_unmap/*")
    done = run("--jobs", "2", *(word for pattern in chosen for word in ("--select", pattern)))
    assert done.returncode == 0, done.stdout + done.stderr
    folder = folder_of(done)
    kept = results_of(folder)
    verdicts: dict[str, set[str]] = {result["path"].split("/")[0]: set() for result in kept["results"]}
    for result in (result for result in kept["results"] if result["verdict"] != "SKIP"):  # what igb hasn't got
        verdicts[result["path"].split("/")[0]].add(result["verdict"])
    assert verdicts == {"access": {"PASS"}, "bench": {"DONE"}} and kept["boots"] == 2
    assert {result["boot"] for result in kept["results"]} == {1, 2}
    on: set[int] = set()
    alone = []
    for entry in read(folder / "journal.jsonl").entries:
        if isinstance(entry, PowerEntry):
            (on.add if entry.action == "on" else on.discard)(entry.machine)
        elif isinstance(entry, EventEntry) and entry.event.get("id", "").startswith("bench/"):
            alone.append(len(on) == 1)
    assert alone and all(alone)
