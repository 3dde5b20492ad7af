# SPDX-License-Identifier: GPL-2.0-only
"""What the doctor finds in made-up facts, and what it says of this machine and of a virtual host."""

from __future__ import annotations

import io
import json
import subprocess
from typing import Any

import pytest
from rich.console import Console

from lab.binaries import TOP
from results.typed import ShapeError
from runner import doctor, facts
from runner.findings import Finding, Status, examine
from runner.findings_device import examine_device

COMMAND = str(TOP / "iommu-cts")
PORT, DEVICE, SIBLING = "0000:00:1c.0", "0000:01:00.0", "0000:01:00.1"
ALL_OPTIONS = dict.fromkeys(
    ["IOMMU_SUPPORT", "IOMMUFD", "VFIO", "VFIO_DEVICE_CDEV", "VFIO_PCI", "VFIO_GROUP", "IRQ_REMAP", "PCI_ATS", "PCI_PRI", "PCI_PASID",
     "HUGETLBFS", "IO_URING", "PCIEAER", "KVM"], "y",
)  # fmt: skip
LOG: dict[str, Any] = {"readable": True, "begins": True, "cut": False, "lines": []}
KERNEL = {"release": "7.3.4", "version": "#1", "machine": "x86_64", "cmdline": "quiet", "taint": "0", "dmesg_restrict": "0"}
FILES = {path: {"exists": True, "usable": True} for path in ("/dev/iommu", "/dev/vfio/devices", "/dev/vfio/vfio", "/dev/kvm")}
ABSENT = {"exists": False, "usable": False}
FORBIDDEN = {"exists": True, "usable": False}
NO_REMAPPING = {"readable": True, "remapped": False, "its": False}
NO_AER = {"aer": 0, "dpc": 0}
EVERYTHING = (1 << 43 | 1 << 47 | 1 << 46 | 1 << 40 | 1 << 26 | 1 << 29 | 1 << 45 | 1 << 2 | 1 << 7, 0x2F << 16 | 3 << 34)


def function(bdf: str = DEVICE, **keys: Any) -> dict[str, Any]:
    built = {
        "bdf": bdf, "vendor": "8086", "device": "10c9", "class_code": "020000", "driver": None, "group": 7, "cdev": None,
        "numa_node": -1, "bridge": False, "multifunction": False, "capabilities": ["msi-x", "flr"], "express": 0, "acs_able": 0,
        "acs_on": 0, "vfs": 0, "bridges": [PORT], "aliases": [], "net": [], "block": [],
    }  # fmt: skip
    return built | keys


def port(**keys: Any) -> dict[str, Any]:
    acs = {"capabilities": ["acs"], "acs_able": 0x1D, "acs_on": 0x1D}
    return function(PORT, driver="pcieport", bridge=True, express=4, bridges=[], group=6) | acs | keys


def group(*members: str, **keys: Any) -> dict[str, Any]:
    built: dict[str, Any] = {"group": 7, "type": "DMA", "members": list(members) or [DEVICE],
                             "reserved": [{"start": "0xfee00000", "end": "0xfeefffff", "type": "msi"}]}  # fmt: skip
    return built | keys


def healthy(**keys: Any) -> dict[str, Any]:
    """A host that has everything."""
    pools = [{"kib": 2048, "total": 8, "free": 8}]
    built: dict[str, Any] = {
        "survey": 1, "kernel": KERNEL,
        "uid": 0, "capabilities": (1 << 41) - 1, "memlock": {"soft": 8 << 20, "hard": 8 << 20}, "cpus": 2, "hypervisor": False,
        "page_size": 4096, "memory_kib": 8 << 20, "available_kib": 4 << 20, "huge": pools,
        "nodes": [{"node": 0, "cpus": "0-1", "memory_kib": 8 << 20, "huge": pools}],
        "iommus": [{"name": "dmar0", "intel-iommu/cap": f"{EVERYTHING[1]:x}", "intel-iommu/ecap": f"{EVERYTHING[0]:x}"}], "groups": 8,
        "parameters": {"iommufd/parameters/allow_unsafe_interrupts": "N"},
        "files": FILES,
        "modules": {"vfio": "loaded", "vfio-pci": "loaded", "vfio_iommu_type1": None, "iommufd": "loaded"},
        "services": {"aer": 2, "dpc": 0}, "lockdown": "[none] integrity confidentiality", "secure_boot": None,
        "interrupts": {"readable": True, "remapped": True, "its": False}, "log": LOG,
        "named": [DEVICE], "functions": [function(), port()], "group_list": [group()],
    }  # fmt: skip
    return built | keys


def findings(options: dict[str, str] | None = ALL_OPTIONS, virtual: bool = False, **keys: Any) -> dict[str, Finding]:
    """All findings on a healthy host that is otherwise like `keys`, by their id."""
    seen = facts.read(json.dumps(healthy(**keys)))
    found = [*examine(seen, options, virtual), *examine_device(seen, DEVICE, virtual)]
    assert len({finding.id for finding in found}) == len(found)
    for finding in found:  # what is not well is explained, and there is a way out
        assert finding.status is Status.OK or (finding.why and finding.way_out), finding
    return {finding.id: finding for finding in found}


def test_a_healthy_host() -> None:
    found = findings()
    assert {finding.status for finding in found.values()} == {Status.OK}
    assert found["iommu"].what == "Intel VT-d (dmar0); 8 groups"
    assert found["owner"].what.startswith("no driver") and found["group"].what == "group 7, alone in it"


@pytest.mark.parametrize(("keys", "what_id", "status", "said"), [
    ({"iommus": [], "groups": 0, "group_list": []}, "iommu", "lack", "firmware's set-up"),
    ({"iommus": [], "groups": 0, "hypervisor": True}, "iommu", "lack", "this is a virtual machine"),
    ({"iommus": [], "groups": 0, "kernel": KERNEL | {"machine": "aarch64"}}, "iommu", "lack", "IORT"),
    ({"iommus": [], "groups": 0, "kernel": KERNEL | {"cmdline": "ro intel_iommu=off"}},
     "iommu", "lack", "boot without intel_iommu=off"),
    ({"iommus": [], "groups": 0, "log": LOG | {"lines": ["DMAR: Host address width 39"]}},
     "iommu", "lack", "boot with intel_iommu=on"),
    ({"groups": 0, "group_list": []}, "iommu", "lack", "no device is in a group"),
    ({"iommus": [{"name": "ivhd0"}, {"name": "ivhd1"}]}, "iommu", "ok", "AMD-Vi (ivhd0 ivhd1)"),
    ({"iommus": [{"name": "smmu3.0x0000000009050000"}]}, "iommu", "ok", "Arm SMMUv3"),
    ({"iommus": [{"name": "0000:00:01.0"}]}, "iommu", "ok", "virtio-iommu"),
    ({"iommus": [{"name": "iommufd_selftest_iommu.0"}], "groups": 0, "group_list": []}, "iommu", "lack", "firmware's set-up"),
    ({"iommus": [{"name": "dmar0", "intel-iommu/cap": "0", "intel-iommu/ecap": "f020de"}]},
     "iommu-features", "warning", "tests of scalable mode"),
    ({"group_list": [group(type="DMA-FQ")]}, "iommu-mode", "ok", "lazy"),
    ({"group_list": [group(type="identity")]}, "iommu-mode", "ok", "passthrough"),
    ({"group_list": [], "log": LOG | {"lines": ["iommu: Default domain type: Passthrough"]}}, "iommu-mode", "ok", "passthrough"),
    ({"group_list": [group(type=None)]}, "iommu-mode", "unknown", ""),
    ({"interrupts": {"readable": True, "remapped": False, "its": True}}, "interrupt-remapping", "ok", "ITS"),
    ({"interrupts": NO_REMAPPING}, "interrupt-remapping", "lack", "EPERM"),
    ({"interrupts": {"readable": False, "remapped": False, "its": False}}, "interrupt-remapping", "unknown", "root"),
    ({"interrupts": NO_REMAPPING,
      "parameters": {"iommufd/parameters/allow_unsafe_interrupts": "Y"}}, "interrupt-remapping", "warning", "allow_unsafe_interrupts"),
    ({"uid": 1000, "capabilities": 0}, "user", "warning", "not root"),
    ({"capabilities": 0}, "memlock", "warning", "8 MiB"),
    ({"capabilities": 0, "memlock": {"soft": None, "hard": None}}, "memlock", "ok", "no limit"),
    ({"huge": [{"kib": 2048, "total": 4, "free": 0}, {"kib": 1048576, "total": 0, "free": 0}]}, "huge-pages", "warning",
     "echo 1 > /sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages"),
    ({"huge": []}, "huge-pages", "warning", "CONFIG_HUGETLBFS"),
    ({"available_kib": 1000}, "memory", "warning", "1 GiB"),
    ({"log": LOG | {"readable": False}}, "kernel-log", "warning", "dmesg_restrict=0"),
    ({"log": LOG | {"readable": False}, "lockdown": "none integrity [confidentiality]"},
     "kernel-log", "warning", "lockdown=confidentiality"),
    ({"lockdown": "none [integrity] confidentiality", "secure_boot": True},
     "lockdown", "warning", "integrity; secure boot is on"),
    ({"lockdown": None}, "lockdown", "ok", "none"),
    ({"lockdown": None, "log": LOG | {"begins": False}}, "lockdown", "unknown", "securityfs"),
    ({"lockdown": None, "log": LOG | {"lines": ["Kernel is locked down from command line"]}},
     "lockdown", "warning", "locked down"),
    ({"services": NO_AER, "log": LOG | {"lines": ["acpi PNP0A08:00: _OSC: OS now controls [PCIeHotplug PME]"]}},
     "pcie-errors", "warning", "the firmware keeps AER; the kernel has PCIeHotplug PME"),
    ({"services": NO_AER, "log": LOG | {"lines": ["acpi PNP0A08:00: _OSC: platform retains control of PCIe features "]}},
     "pcie-errors", "warning", "keeps all"),
    ({"log": LOG | {"lines": ["HEST: Enabling Firmware First mode for corrected errors."]}},
     "pcie-errors", "warning", "firmware first"),
    ({"services": NO_AER}, "pcie-errors", "unknown", ""),
    ({"services": {"aer": 1, "dpc": 1}}, "pcie-errors", "ok", "AER on 1 port, DPC on 1"),
    ({"kernel": KERNEL | {"taint": "512"}}, "taint", "warning", "W (a warning)"),
    ({"files": FILES | {"/dev/iommu": ABSENT}}, "iommufd", "lack", "modprobe iommufd"),
    ({"files": FILES | {"/dev/iommu": FORBIDDEN}}, "iommufd", "lack", "udev"),
    ({"files": FILES | {"/dev/kvm": FORBIDDEN}}, "kvm", "warning", "group kvm"),
    ({"files": FILES | {"/dev/kvm": ABSENT}}, "kvm", "warning", "no /dev/kvm"),
    ({"modules": healthy()["modules"] | {"vfio-pci": "available"}}, "vfio-pci", "lack", "modprobe vfio-pci"),
    # the function
    ({"functions": [port()]}, "present", "lack", "no such PCI function"),
    ({"functions": [function(bridge=True)]}, "present", "lack", "is a bridge"),
    ({"functions": [function(group=None), port()], "group_list": []}, "group", "lack", "do not cover it"),
    ({"group_list": [group(reserved=[{"start": "0x1000", "end": "0x1fff", "type": "direct"}])]},
     "reserved-regions", "lack", "0x1000-0x1fff"),
    ({"group_list": [group(reserved=[{"start": "0x1000", "end": "0x1fff", "type": "direct-relaxable"}])]},
     "reserved-regions", "ok", "relaxable"),
    ({"functions": [function(driver="igb", net=[{"name": "eth7", "state": "up"}]), port()]},
     "owner", "lack", "ip link set eth7 down"),
    ({"functions": [function(driver="nvme", block=[{"name": "nvme0n1", "mounted": "/", "holders": []}]), port()]},
     "owner", "lack",
     "this one holds data in use"),
    ({"functions": [function(driver="nvme", block=[{"name": "nvme0n1", "mounted": None, "holders": ["dm-0"]}]), port()]},
     "owner", "lack",
     "in use by dm-0"),
    ({"functions": [function(driver="mlx5_vfio_pci", cdev="vfio2"), port()]}, "owner", "ok", "/dev/vfio/devices/vfio2"),
    ({"functions": [function(capabilities=None, aliases=None), port()]}, "capabilities", "unknown", "run as root"),
    ({"functions": [function(capabilities=["msi"]), port()]}, "reset", "warning", "function level reset"),
    ({"functions": [function(capabilities=["flr"]), port()]}, "interrupts", "warning", "no MSI"),
    ({"functions": [function(aliases=["0000:02:00.0"]), port()]}, "aliases", "warning", "0000:02:00.0"),
    ({"nodes": healthy()["nodes"] * 2}, "numa", "unknown", "_PXM"),
    ({"nodes": healthy()["nodes"] * 2, "functions": [function(numa_node=1), port()]}, "numa", "ok", "node 1"),
])  # fmt: skip
def test_finding(keys: dict[str, Any], what_id: str, status: str, said: str) -> None:
    finding = findings(**keys)[what_id]
    assert finding.status == status
    assert said in " ".join([finding.what, finding.why, finding.way_out])


@pytest.mark.parametrize(("bridge", "why"), [
    (port(capabilities=["aer"], acs_able=0, acs_on=0), f"{PORT} has no ACS"),
    (port(acs_on=0), f"{PORT} has ACS and it is not switched on"),
    (port(acs_able=1, acs_on=1), f"{PORT} has only part of ACS"),
    (port(express=7), f"{PORT} leads to a conventional bus"),
    (port(express=None), f"{PORT} leads to a conventional bus"),
    (port(capabilities=None), "the functions of 0000:01:00 have no ACS between them; all"),
])  # fmt: skip
def test_a_merged_group(bridge: dict[str, Any], why: str) -> None:
    pair = [function(), function(SIBLING), bridge]
    finding = findings(functions=pair, group_list=[group(DEVICE, SIBLING)])["group"]
    assert finding.status is Status.WARNING and SIBLING in finding.what and why in finding.why


def test_a_sibling_in_the_kernels_hands() -> None:
    for driver, status in (("igb", Status.LACK), ("vfio-pci", Status.WARNING), ("pci-stub", Status.WARNING)):
        pair = [function(), function(SIBLING, driver=driver), port()]
        finding = findings(functions=pair, group_list=[group(DEVICE, SIBLING)])["group"]
        assert finding.status is status
        assert (f"{SIBLING} ({driver})" in finding.what) == (status is Status.LACK)


def test_kernel_options() -> None:
    without = {name: value for name, value in ALL_OPTIONS.items() if name != "VFIO_DEVICE_CDEV"}
    no_files = FILES | {"/dev/vfio/devices": ABSENT}
    found = findings(options=without, files=no_files)
    assert found["cdev"].status is Status.LACK and found["kernel-options"].status is Status.LACK
    found = findings(options=None, files=no_files)
    assert found["cdev"].status is Status.UNKNOWN and found["kernel-options"].status is Status.UNKNOWN
    assert "/boot/config-7.3.4" in found["kernel-options"].way_out
    assert findings(files=no_files)["cdev"].status is Status.OK
    found = findings(options={name: value for name, value in ALL_OPTIONS.items() if name not in ("IO_URING", "PCIEAER", "KVM")},
                     services=NO_AER, files=no_files | {"/dev/kvm": ABSENT})  # fmt: skip
    assert found["kernel-options"].status is Status.WARNING and "IO_URING" in found["kernel-options"].what
    assert found["pcie-errors"].what == "CONFIG_PCIEAER is off" and found["kvm"].what == "CONFIG_KVM is off"
    gone = FILES | {"/dev/iommu": ABSENT}
    assert "boot a kernel with CONFIG_IOMMUFD" in findings(options={}, files=gone)["iommufd"].way_out


def test_on_a_virtual_host_a_device_is_taken_from_any_driver() -> None:
    busy = [function(driver="igb"), port()]
    assert findings(functions=busy)["owner"].status is Status.LACK
    assert findings(virtual=True, functions=busy)["owner"].status is Status.OK


def test_options_of_a_configuration() -> None:
    text = "# comment\nCONFIG_A=y\nCONFIG_B=m\n# CONFIG_C is not set\nCONFIG_D=\"text\"\n"
    assert doctor.options_of(text) == {"A": "y", "B": "m", "D": '"text"'}
    assert doctor.options_of(None) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"survey": 2}', '{"survey": 1}', json.dumps(healthy(cpus="two"))])
def test_facts_that_are_none(text: str) -> None:
    with pytest.raises(ShapeError):
        facts.read(text)


def examined(**keys: Any) -> doctor.Examined:
    seen = facts.read(json.dumps(healthy(**keys)))
    return doctor.Examined("here", [DEVICE], [*examine(seen, ALL_OPTIONS, False), *examine_device(seen, DEVICE, False)], seen)


def test_the_document_follows_its_schema() -> None:
    built = doctor.document(examined())
    assert built["ready"] and built["facts"] == healthy()
    assert not doctor.document(examined(groups=0, iommus=[]))["ready"]


def test_text() -> None:
    out = io.StringIO()
    doctor.show(examined(functions=[function(driver="igb"), port()]), Console(file=out, width=200))
    lines = out.getvalue().splitlines()
    assert lines[0] == "host here  Linux 7.3.4 x86_64" and lines[-1] == "no test can run: 1 lack"
    device = lines.index(DEVICE)
    assert lines[device + 1].split()[:3] == ["lack", "owner", "igb"]  # what bars tests comes first
    assert all(len(line) <= doctor.WIDTH for line in lines)


def call(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, "doctor", *words], capture_output=True, text=True, stdin=subprocess.DEVNULL)


def test_this_machine() -> None:
    done = call("--json")
    assert done.returncode in (doctor.EXIT_READY, doctor.EXIT_LACKING), done.stderr
    told = json.loads(done.stdout)
    assert told["ready"] == (done.returncode == 0) and told["host"] == "local" and told["findings"]
    text = call()
    assert text.returncode == done.returncode and "host local" in text.stdout


def test_a_function_that_this_machine_does_not_have() -> None:
    done = call("--json", "ff:1f.7")
    assert done.returncode == doctor.EXIT_LACKING
    (finding,) = [one for one in json.loads(done.stdout)["findings"] if one["device"] == "0000:ff:1f.7"]
    assert finding["id"] == "present" and finding["status"] == "lack"


@pytest.mark.parametrize(("words", "said"), [
    (["igb"], "'igb' is no PCI address"),
    (["--host", "vdt"], "no host 'vdt'"),
    (["--kernel", "/nowhere"], "are for virtual hosts"),
])  # fmt: skip
def test_wrong_usage(words: list[str], said: str) -> None:
    done = call(*words)
    assert done.returncode == 2 and said in done.stderr


def test_a_virtual_host_is_ready() -> None:
    done = call("--host", "vtd", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    by_id = {finding["id"]: finding for finding in told["findings"]}
    assert told["devices"] == ["0000:01:00.0"] and "VT-d" in by_id["iommu"]["what"]
    assert by_id["interrupt-remapping"]["status"] == by_id["group"]["status"] == by_id["cdev"]["status"] == "ok"
