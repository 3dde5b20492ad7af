# SPDX-License-Identifier: GPL-2.0-only
"""Descriptions of real hosts: what they may say, and that nothing else gets through."""

from pathlib import Path

import pytest

from lab import host
from lab.errors import UsageError
from lab.realhost import Access, Allowed, Kexec

ALLOW = """
[[allow]]
bdf = "0000:01:00.0"
"""
SSH = 'target = "ssh"\naddress = "root@box"\n'


def read(tmp_path: Path, text: str) -> host.Host:
    path = tmp_path / "box.toml"
    path.write_text(text)
    return host.find(str(path))


def test_a_host_reached_by_ssh(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("")
    found = read(tmp_path, SSH + """
        title = "the box"
        port = 2222
        ssh_config = "config"
        folder = "/srv/scratch"
        power_cycle = ["ipmitool", "-H", "bmc", "power", "cycle"]
        console = ["conserver", "box"]
        kernel = ["./install"]
        faults = "contained"
        slower = 2
        arch = "aarch64"
        [[allow]]
        bdf = "0000:01:00.0"
        serial = "00-11-22-ff-fe-33-44-55"
        driver = "mlx5_vfio_pci"
        name = "the NIC"
        [[allow]]
        bdf = "10000:e1:00.0"
    """)
    assert found.ssh == Access(
        "root@box", 2222, str(tmp_path / "config"), "/srv/scratch", ("ipmitool", "-H", "bmc", "power", "cycle"), ("conserver", "box"),
        ("./install",),
    )  # fmt: skip
    assert found.allowed == (
        Allowed("0000:01:00.0", "00-11-22-ff-fe-33-44-55", "mlx5_vfio_pci", "the NIC"), Allowed("10000:e1:00.0"),
    )  # fmt: skip
    assert (found.name, found.title, found.target, found.faults, found.slower) == ("box", "the box", "ssh", "contained", 2)
    assert found.machine.name == "aarch64"
    assert found.kernel == ()  # which are words for a virtual host's kernel


def test_a_kernel_that_another_starts(tmp_path: Path) -> None:
    found = read(tmp_path, SSH + '\n[kexec]\ninitrd = "/boot/initrd.img"\nappend = ["iommu.strict=1"]\n').ssh
    assert found is not None and found.kexec == Kexec("/boot/initrd.img", ("iommu.strict=1",)) and found.boots_others
    found = read(tmp_path, SSH + "\n[kexec]\n").ssh
    assert found is not None and found.kexec == Kexec() and found.boots_others


def test_what_is_not_said(tmp_path: Path) -> None:
    found = read(tmp_path, SSH)
    assert found.ssh == Access("root@box") and found.allowed == () and found.faults == "none" and found.slower == 1


def test_this_machine_may_have_a_list_too(tmp_path: Path) -> None:
    found = read(tmp_path, 'target = "local"\nslower = 3\n' + ALLOW)
    assert found.allowed == (Allowed("0000:01:00.0"),) and found.slower == 3 and found.ssh is None


@pytest.mark.parametrize("address", ["box", "root@box", "ssh://root@box:22", "[fe80::1%eth0]", "user@10.0.0.1"])
def test_what_ssh_can_call(tmp_path: Path, address: str) -> None:
    access = read(tmp_path, f'target = "ssh"\naddress = "{address}"').ssh
    assert access is not None and access.address == address


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('target = "ssh"', "missing address"),
        (SSH + '\nkernel = ["./install"]\n[kexec]', "two ways to boot another kernel"),
        (SSH + '\n[kexec]\nimage = "x"', "image is not known"),
        (SSH + '\n[kexec]\ninitrd = "initrd"', "no absolute path"),
        (SSH + '\n[kexec]\nappend = "quiet"', "must be a list of words"),
        (SSH + '\n[kexec]\nappend = ["a\\nb"]', "must be a list of words"),
        ('target = "local"\n[kexec]', "kexec is not for target"),
        ('target = "ssh"\naddress = ""', "missing address"),
        ('target = "ssh"\naddress = "-oProxyCommand=touch /tmp/x"', "nothing that ssh could call"),
        ('target = "ssh"\naddress = "box x"', "nothing that ssh could call"),
        ('target = "ssh"\naddress = "box\\u001b[2J"', r"'box\\x1b\[2J' is nothing that ssh could call"),
        ('target = "ssh"\naddress = "box\\n"', "nothing that ssh could call"),
        (SSH + "port = 65536", "port = 65536 is beyond"),
        (SSH + "port = 0", "port must be 1 or more"),
        (SSH + 'port = "22"', "port must be a int"),
        (SSH + 'folder = "tmp"', "folder = 'tmp' is no absolute path"),
        (SSH + 'folder = "/tmp; reboot"', "is no absolute path"),
        (SSH + 'folder = "/tmp/$(reboot)"', "is no absolute path"),
        (SSH + 'ssh_config = "none"', "ssh_config: there is no file .*none"),
        (SSH + "power_cycle = []", "power_cycle must be a command"),
        (SSH + 'power_cycle = "ipmitool power cycle"', "power_cycle must be a list"),
        (SSH + 'console = ["tail", 1]', "console must be a list of strings"),
        (SSH + 'kernel = ["a\\u0000b"]', "kernel must be a command"),
        (SSH + 'arch = "pdp11"', "arch = 'pdp11' is not known"),
        ('target = "local"\narch = "x86_64"', "arch is not for target = 'local'"),
        (SSH + "cpus = 1", "cpus is not for"),
        (SSH + 'colour = "red"', "unknown key 'colour'"),
        ('target = "local"\naddress = "box"', "address is not for target = 'local', where .* faults, slower, allow"),
        ('target = "local"\npower_cycle = ["x"]', "power_cycle is not for"),
        (SSH + "slower = 0", "slower must be 1"),
        (SSH + "[[allow]]", "number 1: needs the string bdf"),
        (SSH + 'allow = ["0000:01:00.0"]', "number 1: needs the string bdf"),
        (SSH + ALLOW + "serial = 3", "number 1: needs the string bdf"),
        (SSH + ALLOW + 'colour = "red"', "number 1: needs the string bdf"),
        (SSH + ALLOW.replace("0000:", ""), "bdf = '01:00.0' is no address"),
        (SSH + ALLOW.replace("0000:", "../../"), "is no address"),
        (SSH + ALLOW + 'driver = "../../x"', "driver = '../../x' is no name"),
        (SSH + ALLOW + 'driver = ""', "driver = '' is no name"),
        (SSH + ALLOW + 'serial = ""', "serial = '' is no serial"),
        (SSH + ALLOW + 'name = "\\u001b[31m"', "can't be printed"),
        (SSH + ALLOW + ALLOW, "number 2: 0000:01:00.0 is there already"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path / "box.toml")) and caught.value.args[0].isprintable()


@pytest.mark.parametrize("key", ['address = "box"', "port = 22", 'power_cycle = ["x"]', "[[allow]]\nbdf = \"0000:01:00.0\""])
def test_a_virtual_host_has_none_of_it(tmp_path: Path, key: str) -> None:
    text = 'title = "t"\ntarget = "qemu"\narch = "x86_64"\nmemory_mib = 512\ncpus = 1\nqemu = []\n'
    device = '[[device]]\nname = "igb"\nid = "8086:10c9"\ndriver = "vfio-pci"\n'
    with pytest.raises(UsageError, match=f"{key.strip('[]').split()[0].split(']')[0]} is for real hosts"):
        read(tmp_path, text + key + "\n" + device)
