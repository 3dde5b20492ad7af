# SPDX-License-Identifier: GPL-2.0-only
"""The whole way on a virtual host: real kernel, real QEMU, real tests."""

import dataclasses
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lab import host, kernel
from lab.binaries import TOP
from runner import catalogue, judge
from runner import run as running

BUILD = (
    "gcc -std=gnu11 -D_GNU_SOURCE -static -I/mnt/src/lib -isystem /mnt/khdr/include -isystem /mnt/ksrc/tools/testing/selftests"
    " /mnt/src/runner/tests/programs/verdicts.c /mnt/out/suites/.lib/libcts.a -o /mnt/out/verdicts"
)


@pytest.fixture(scope="session")
def lab() -> running.Lab:
    return running.prepare(host.find("vtd"), [], None)


@pytest.fixture(scope="session")
def vtd_run() -> tuple[subprocess.CompletedProcess[str], Path]:
    """One run as a user makes it."""
    done = subprocess.run([str(TOP / "iommu-cts"), "run", "--host", "vtd"], capture_output=True, text=True)
    return done, running.find_folder("last")


def results_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "results.json").read_text())
    return found


def test_the_default_kernel_keeps_every_promise(vtd_run: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    done, folder = vtd_run
    assert done.returncode == 0, done.stdout + done.stderr
    kept = results_of(folder)
    verdicts = {result["id"]: result["verdict"] for result in kept["results"]}
    assert set(verdicts.values()) <= {"PASS", "SKIP", "DONE"}, verdicts
    assert sum(verdict == "PASS" for verdict in verdicts.values()) >= 50
    assert kept["problems"] == [] and kept["boots"] == 1


def test_a_measurement_keeps_its_samples(vtd_run: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    measured = [result for result in results_of(vtd_run[1])["results"] if result["kind"] == "measurement"]
    assert measured and all(result["verdict"] == "DONE" for result in measured)
    rows = [row for result in measured for row in result["measurements"]]
    assert {row["measure"] for row in rows} == {"map", "unmap"}
    assert all(len(row["samples"]) >= 10 and row["unit"] == "ns" and row["params"]["size"] for row in rows)


def test_the_environment_is_recorded(vtd_run: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    folder = vtd_run[1]
    environment = results_of(folder)["environment"]
    assert environment["kernel"]["release"] == environment["target"]["uname"]["release"]
    assert environment["accelerator"] == "tcg" and environment["qemu"] and environment["toolbox"]["key"]
    igb = [device for device in environment["devices"] if (device["vendor"], device["device"]) == ("8086", "10c9")]
    assert igb and igb[0]["driver"] == "vfio-pci" and igb[0]["cdev"]
    assert "CONFIG_IOMMUFD=y" in (folder / "kernel.config").read_text()
    assert (folder / "console.log").stat().st_size


def test_every_ending_is_told_right(lab: running.Lab, tmp_path: Path) -> None:
    khdr = kernel.headers(lab.box, lab.source)
    where = {"src": TOP, "ksrc": lab.source.tree, "khdr": khdr}
    lab.box.run("building verdicts.c", ["sh", "-c", BUILD], binds={"out": lab.programs.folder}, readonly=where)
    program = {"meta/verdicts": lab.programs.folder / "verdicts"}
    mine = dataclasses.replace(lab, programs=dataclasses.replace(lab.programs, suites=program))
    options = running.Options("vtd", runs=tmp_path)
    folder, judged = running.record(options, host.find("vtd"), mine, catalogue.load_tests(program))
    verdicts = {result.path.rpartition("/")[2]: result.verdict.value for result in judged.results}
    assert verdicts == {
        "passes": "PASS",
        "fails": "FAIL",
        "skips": "SKIP",
        "blames_the_lab": "ERROR",
        "crashes": "FAIL",
        "hangs": "FAIL",
        "loses_the_host": "FAIL",
        "passes_on_the_next_boot": "PASS",
    }
    assert judge.exit_code(judged) == 1
    assert judged.boots == 6  # after each of fails, blames_the_lab, crashes, hangs and loses_the_host
    evidence = {result.path.rpartition("/")[2]: result.evidence for result in judged.results}
    assert "Expected 1 (1) == 2 (2)" in evidence["fails"][0].text
    assert any("reboot: Power down" in shown.text for shown in evidence["loses_the_host"])  # from the console
