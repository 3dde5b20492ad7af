# SPDX-License-Identifier: GPL-2.0-only
"""Host descriptions: the ones in the tree are sound, and a mistake in one is named."""

from pathlib import Path

import pytest

from lab import host
from lab.errors import UsageError

GOOD = """
title = "t"
target = "qemu"
arch = "x86_64"
memory_mib = 512
cpus = 1
qemu = ["-cpu", "max"]
[[device]]
name = "igb"
id = "8086:10c9"
driver = "vfio-pci"
"""


def test_every_host_of_the_tree_can_be_read() -> None:
    for name in host.names():
        found = host.find(name)
        assert found.name == name or found.lava  # which may be like another


def test_a_file_may_be_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    found = host.find(str(path))
    assert (found.name, found.devices[0].id, found.qemu) == ("mine", "8086:10c9", ("-cpu", "max"))


@pytest.mark.parametrize(("text", "faults"), [
    (GOOD, "contained"), ('faults = "none"' + GOOD, "none"),
    ('target = "local"', "none"), ('target = "local"\nfaults = "contained"', "contained"),
])
def test_faults_are_provoked_on_real_hosts_only_where_the_description_allows_it(tmp_path: Path, text: str, faults: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    assert host.find(str(path)).faults == faults
    assert host.LOCAL.faults == "none"


def test_an_endpoint_has_its_bus_and_its_options(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD + '[[endpoint]]\nbus = "port1"\n[[endpoint]]\nbus = "port2"\noptions = ["--vectors", "2"]\n')
    assert host.find(str(path)).endpoints == (host.Endpoint("port1"), host.Endpoint("port2", ("--vectors", "2")))


def test_a_part_comes_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "PARTS", tmp_path)
    (tmp_path / "more.toml").write_text('cpus = 4\nmemory_mib = 1024\nqemu = ["-x"]\nkernel = ["quiet"]\n')
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace("cpus = 1", 'parts = ["more"]'))
    found = host.find(str(path))
    assert (found.cpus, found.memory_mib, found.qemu, found.kernel) == (4, 512, ("-cpu", "max", "-x"), ("quiet",))


MDEV = """
[[mdev]]
uuid = "c757d317-0000-4000-8000-000000000001"
parent = "cts_mdev"
type = "cts_mdev-dma"
select = ["emulated"]
"""


def test_a_host_may_have_mediated_devices_alone(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.partition("[[device]]")[0] + MDEV)
    found = host.find(str(path))
    assert not found.devices
    assert [(mdev.parent, mdev.type, mdev.select) for mdev in found.mdevs] == [("cts_mdev", "cts_mdev-dma", ("emulated",))]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('title = "t"', "", "missing title"),
        ('title = "t"', "title = 3", "title must be a str"),
        ('title = "t"', 'title = "t', "mine.toml"),
        ("cpus = 1", 'cpus = 1\ncolour = "red"', "unknown key 'colour'"),
        ('["-cpu", "max"]', "[1]", "qemu must be a list of strings"),
        ('"8086:10c9"', '"igb"', "number 1: id = 'igb'"),
        ("cpus = 1", "cpus = 0", "cpus must be 1 or more"),
        ("memory_mib = 512", "memory_mib = -1", "memory_mib must be 1 or more"),
        ("memory_mib = 512", "memory_mib = true", "memory_mib must be 1 or more"),
        ('driver = "vfio-pci"', "", "number 1: needs exactly"),
        ('name = "igb"', 'name = "igb"\nselect = "all"', "number 1: select must be a list"),
        ('target = "qemu"', 'target = "moon"', "'moon' is not known"),
        ('arch = "x86_64"', 'arch = "pdp11"', "arch = 'pdp11' is not known .known: x86_64"),
        ("cpus = 1", 'cpus = 1\nflavour = "sour"', "flavour = 'sour': there is no .*sour.config"),
        ("cpus = 1", 'cpus = 1\nksrc = "/tree"', "ksrc = '/tree' is no version"),
        ("cpus = 1", "cpus = 1\nfirmware = true", "firmware: there is none for x86_64 hosts"),
        ("cpus = 1", "cpus = 1\nfirmware = 1", "firmware must be a bool"),
        ("cpus = 1", "cpus = 1\nnoncoherent = true", "noncoherent: only a host that a device tree describes"),
        ('arch = "x86_64"', 'arch = "aarch64"\nfirmware = true\nnoncoherent = true', "noncoherent: only a host that a device tree"),
        ("cpus = 1", 'cpus = 1\nparts = ["sail"]', "parts: there is no 'sail' .known: .*usual"),
        ('target = "qemu"', 'target = "local"', "arch is not for target = 'local'"),
        ('[[device]]', '[[misemulated]]\nwhy = "w"\n[[device]]', "misemulated.. number 1: needs exactly"),
        ('[[device]]', '[[misemulated]]\ntests = ["a/b", 1]\nwhy = "w"\n[[device]]', "misemulated.. number 1: needs exactly"),
        ('[[device]]', '[[endpoint]]\n[[device]]', "endpoint.. number 1: needs a string, bus"),
        ('[[device]]', '[[endpoint]]\nbus = "b"\noptions = "x"\n[[device]]', "endpoint.. number 1: needs a string, bus"),
        ('[[device]]', '[[endpoint]]\nbus = "b"\nslot = 1\n[[device]]', "endpoint.. number 1: needs a string, bus"),
        ("[[device]]", MDEV.replace("c757d317", "C757D317") + "[[device]]", "mdev.. number 1: uuid = 'C757D317.*no UUID in lower case"),
        ("[[device]]", MDEV.replace("parent", "mother") + "[[device]]", "mdev.. number 1: needs exactly the strings parent, type, uuid"),
        ("cpus = 1", 'cpus = 1\nfaults = "many"', "faults = 'many' is none of none, contained"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(UsageError, match=words):
        host.find(str(path))


def test_an_unknown_host_lists_the_known() -> None:
    with pytest.raises(UsageError, match="no host 'vdt'; known: local, .*vtd"):
        host.find("vdt")
