# SPDX-License-Identifier: GPL-2.0-only
"""cts-survey, and with it lib/pci.c, on hosts that are only folders."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import binaries, toolbox
from lab.survey import command
from runner.tests import sysfs_tree as s
from runner.tests.sysfs_tree import GROUPS, Tree, crowd, root_port


@pytest.fixture(scope="session", params=["plain", "sanitized"])
def survey(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command, built as it is for a target, and with sanitizers; it runs here with the libraries that it brings along."""
    out = tmp_path_factory.mktemp("survey")
    words = ["make", "-s", "-C", "/mnt/src/runner/survey", "OUT=/mnt/out", f"SAN={int(request.param == 'sanitized')}"]
    toolbox.obtain().run("building cts-survey", words, binds={"out": out}, readonly={"src": binaries.TOP})
    return command(str(out / "survey"))


@pytest.fixture
def tree() -> Iterator[Tree]:
    """In memory, where reading leaves its mark on a file."""
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="iommu-cts-") as folder:
        yield Tree(Path(folder) / "sys")


def look(survey: list[str], tree: Tree, *bdfs: str) -> dict[str, Any]:
    done = subprocess.run([*survey, "--sysfs", str(tree.root), *bdfs], capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def function(facts: dict[str, Any], bdf: str) -> dict[str, Any]:
    (found,) = [one for one in facts["functions"] if one["bdf"] == bdf]
    return dict(found)


def test_identity_and_capabilities(survey: list[str], tree: Tree) -> None:
    root_port(tree, "0000:00:1c.0", 1)
    # power management without the bit that says that a reset to D0 keeps everything; SR-IOV with 7 VFs
    space = s.config(
        [(s.PM, bytes(6)), (s.MSI, bytes(12)), (s.MSIX, bytes(10)), s.express(s.ENDPOINT, flr=True)],
        [(s.AER, bytes(64)), (s.ATS, bytes(4)), (s.PRI, bytes(12)), (s.PASID, bytes(4)),
         (s.SRIOV, bytes(10) + b"\7\0" + bytes(48)), s.acs(0x5C, 0)],
        multifunction=True,
    )  # fmt: skip
    folder = tree.function("0000:01:00.0", space, "0000:00:1c.0", group=20, driver="vfio-pci")
    (folder / "vfio-dev" / "vfio3").mkdir(parents=True)
    found = look(survey, tree, "0000:01:00.0")
    assert found["named"] == ["0000:01:00.0"] and found["groups"] == 2
    assert function(found, "0000:01:00.0") == {
        "bdf": "0000:01:00.0", "vendor": "8086", "device": "10c9", "class_code": "020000", "driver": "vfio-pci", "group": 20,
        "cdev": "vfio3", "numa_node": 0, "bridge": False, "multifunction": True,
        "capabilities": ["msi", "msi-x", "ats", "pri", "pasid", "acs", "sr-iov", "aer", "flr", "pm-reset"],
        "express": s.ENDPOINT, "acs_able": 0x5C, "acs_on": 0, "vfs": 7, "bridges": ["0000:00:1c.0"], "aliases": [],
        "net": [], "block": [],
    }  # fmt: skip
    port = function(found, "0000:00:1c.0")
    assert port["bridge"] and port["express"] == s.ROOT_PORT and port["acs_on"] == s.ACS_ISOLATING
    assert found["group_list"] == [{
        "group": 20, "type": "DMA", "members": ["0000:01:00.0"],
        "reserved": [{"start": "0x00000000fee00000", "end": "0x00000000feefffff", "type": "msi"}],
    }]  # fmt: skip


def test_a_reader_who_may_not_see_the_capabilities(survey: list[str], tree: Tree) -> None:
    space = s.config([s.express(s.ROOT_PORT)], secondary=1)[:64]
    tree.function("0000:00:1c.0", space, driver="pcieport", ids=(0x8086, 0x3420, 0x060400))
    tree.function("0000:01:00.0", s.config([(s.MSI, bytes(12))])[:64], "0000:00:1c.0")
    found = function(look(survey, tree, "0000:01:00.0"), "0000:01:00.0")
    assert found["capabilities"] is None and found["aliases"] is None
    assert found["group"] is None and found["driver"] is None and found["cdev"] is None
    assert found["bridges"] == ["0000:00:1c.0"] and found["vendor"] == "8086"


def test_aliases_and_the_path(survey: list[str], tree: Tree) -> None:
    root_port(tree, "0000:00:1c.0", 1)
    tree.function("0000:01:00.0", s.config([s.express(s.UPSTREAM)], secondary=2), "0000:00:1c.0")
    tree.function("0000:02:03.0", s.config([s.express(s.DOWNSTREAM)], secondary=3), "0000:01:00.0")
    tree.function("0000:03:00.0", s.config([s.express(s.TO_PCI)], secondary=4), "0000:02:03.0", group=30)
    tree.function("0000:04:02.0", s.config(secondary=5), "0000:03:00.0", group=30)
    tree.function("0000:05:00.0", s.config(), "0000:04:02.0", group=30)
    found = look(survey, tree, "0000:05:00.0")
    device = function(found, "0000:05:00.0")
    assert device["bridges"] == ["0000:04:02.0", "0000:03:00.0", "0000:02:03.0", "0000:01:00.0", "0000:00:1c.0"]
    # the conventional bridge's own address, then that of the PCIe-to-PCI bridge on the bus below it
    assert device["aliases"] == ["0000:04:02.0", "0000:04:00.0"]
    assert found["group_list"][0]["members"] == ["0000:03:00.0", "0000:04:02.0", "0000:05:00.0"]


def test_who_uses_a_function(survey: list[str], tree: Tree) -> None:
    tree.function("0000:00:03.0", s.config(), driver="igb")
    tree.function("0000:00:04.0", s.config(), driver="nvme")
    for kind, name, bdf in (("net", "eth7", "0000:00:03.0"), ("block", "nvme9n1", "0000:00:04.0")):
        folder = tree.root / tree.places[bdf] / kind / name
        (folder / "holders" / "dm-0").mkdir(parents=True)
        (folder / "operstate").write_text("up\n")
        (tree.root / "class" / kind / name).symlink_to(f"../../{tree.places[bdf]}/{kind}/{name}")
    found = look(survey, tree)
    assert found["named"] == ["0000:00:03.0", "0000:00:04.0"]
    assert function(found, "0000:00:03.0")["net"] == [{"name": "eth7", "state": "up"}]
    assert function(found, "0000:00:03.0")["block"] == []
    assert function(found, "0000:00:04.0")["block"] == [{"name": "nvme9n1", "mounted": None, "holders": ["dm-0"]}]


def test_a_function_that_is_not_there(survey: list[str], tree: Tree) -> None:
    found = look(survey, tree, "0000:77:00.0")
    assert found["named"] == ["0000:77:00.0"] and found["functions"] == []


@pytest.mark.parametrize("word", ["01:00.0", "0000:01:00.8", "0000:01:20.0", "0000:01:00.0 ", "igb", "--frobnicate"])
def test_wrong_usage(survey: list[str], word: str) -> None:
    done = subprocess.run([*survey, word], capture_output=True, text=True)
    assert done.returncode == 2 and not done.stdout and done.stderr


def test_this_machine(survey: list[str]) -> None:
    done = subprocess.run(survey, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["cpus"] >= 1 and facts["memory_kib"] > 0 and facts["kernel"]["release"]
    assert set(facts["files"]) == {"/dev/iommu", "/dev/vfio/devices", "/dev/vfio/vfio", "/dev/kvm"}


def test_only_what_is_named_is_read(survey: list[str], tree: Tree) -> None:
    crowd(tree)
    tree.forget_reads()
    found = look(survey, tree, "0007:01:02.3")
    assert found["groups"] == GROUPS + 1
    (group,) = found["group_list"]
    assert group["members"] == ["0007:00:05.0", "0007:01:02.3"]
    read = tree.read()
    port = "devices/pci0007:00/0007:00:1c.0"
    assert f"{port}/config" in read and f"{port}/0007:01:02.3/config" in read  # so that reading does leave marks
    named = (f"{port}/0007:01:02.3/", "devices/pci0007:00/0007:00:05.0/")
    others = {path for path in read if path.startswith("devices/") and not path.startswith(named)}
    of_a_bridge = ("vendor", "device", "class", "config", "numa_node", "revision", "driver", "iommu_group")
    assert others <= {f"{port}/{name}" for name in of_a_bridge}
    assert {path for path in read if path.startswith("bus/pci/devices")} == {
        f"bus/pci/devices/{bdf}" for bdf in ("0007:01:02.3", "0007:00:1c.0", "0007:00:05.0")
    }
    groups = {path.split("/")[2] for path in read if path.startswith("kernel/iommu_groups/")}
    assert groups == {str(group["group"])}
