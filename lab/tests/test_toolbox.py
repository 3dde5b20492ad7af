# SPDX-License-Identifier: GPL-2.0-only
"""The lock of the toolbox, and what happens when the archive has moved on."""

from lab import ksrc, toolbox


def test_every_package_asked_for_by_name_is_locked() -> None:
    locked = toolbox.read_lock()
    assert {package for profile in toolbox.PROFILES.values() for package in profile} <= set(locked)
    assert ksrc.default_package()[0] in locked


def test_a_locked_version_is_taken_while_there_is_one() -> None:
    offer = toolbox.Offer(["2", "1"], "2")
    assert offer.resolve("qemu", "1") == ("1", None)


def test_a_version_that_is_gone_is_replaced_and_said() -> None:
    version, said = toolbox.Offer(["3"], "3").resolve("qemu", "1")
    assert version == "3" and said and "qemu" in said and "1" in said and "3" in said


def test_the_archive_is_asked_for_the_architectures_of_the_packages() -> None:
    assert toolbox._architectures(["gcc", "make"]) == ["amd64"]
    assert toolbox._architectures(toolbox.PROFILES["aarch64"]) == ["amd64", "arm64"]


def test_a_program_inside_sees_the_tree_and_no_network() -> None:
    box = toolbox.obtain()
    done = box.run("looking", ["bash", "-c", "cat /etc/debian_version; ls /sys/class/net 2>/dev/null; id -u; touch /x"], check=False)
    assert done.stdout.startswith("13") and "eth" not in done.stdout
    assert "0\n" in done.stdout and "Read-only file system" in done.stderr
