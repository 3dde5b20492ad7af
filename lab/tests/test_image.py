# SPDX-License-Identifier: GPL-2.0-only
"""What --kernel may name."""

import struct
from pathlib import Path
from typing import Any

import pytest

from lab import image
from lab.errors import LabError, UsageError
from lab.toolbox import Toolbox

BOX = Toolbox(Path("/nonexistent"), "key", {}, {})


def make_image(path: Path, release: str) -> None:
    """An x86 setup header (boot.rst) that names a release, and nothing else of a kernel."""
    setup = bytearray(0x400)
    setup[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", setup, 0x20E, 0x100)
    text = f"{release} (builder@host) #1\0".encode()
    setup[0x300 : 0x300 + len(text)] = text
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(setup)


def make_modules(tree: Path, release: str) -> Path:
    """A modules folder in which vfio-pci needs two others and virtio_console is built in."""
    folder = tree / "lib/modules" / release
    (folder / "kernel").mkdir(parents=True)
    (folder / "modules.dep").write_text(
        "kernel/vfio-pci.ko.xz: kernel/vfio-pci-core.ko.xz kernel/vfio.ko.xz\n"
        "kernel/vfio-pci-core.ko.xz: kernel/vfio.ko.xz\n"
        "kernel/vfio.ko.xz:\n"
    )
    (folder / "modules.builtin").write_text("kernel/drivers/char/virtio_console.ko\n")
    return folder


def test_a_folder_with_image_and_modules(tmp_path: Path) -> None:
    make_image(tmp_path / "boot/vmlinuz-6.18.1", "6.18.1")
    make_modules(tmp_path, "6.18.1")
    (tmp_path / "boot/config-6.18.1").touch()
    found = image.find(BOX, [str(tmp_path)], None)
    assert found.release == "6.18.1" and found.modules and found.config
    files, missing = image.module_files(BOX, found, ["virtio-console", "vfio-pci", "iommufd"])
    assert [file.name for file in files] == ["vfio.ko.xz", "vfio-pci-core.ko.xz", "vfio-pci.ko.xz"]
    assert missing == ["iommufd"]


def test_of_several_images_none_is_chosen(tmp_path: Path) -> None:
    for release in ("6.9.1", "6.12.5"):
        make_image(tmp_path / f"boot/vmlinuz-{release}", release)
        (tmp_path / f"boot/config-{release}").touch()
    with pytest.raises(UsageError, match="several kernel images: boot/vmlinuz-6.12.5, boot/vmlinuz-6.9.1; name one"):
        image.find(BOX, [str(tmp_path)], None)


def test_rescue_images_and_links_are_no_others(tmp_path: Path) -> None:
    make_image(tmp_path / "boot/vmlinuz-6.12.5", "6.12.5")
    make_image(tmp_path / "boot/vmlinuz-0-rescue-0123456789abcdef", "6.1.1")
    make_image(tmp_path / "boot/vmlinuz-6.1.1.rescue", "6.1.1")
    (tmp_path / "boot/vmlinuz-lts").symlink_to("vmlinuz-6.12.5")
    for release in ("6.12.5", "6.9.1"):
        (tmp_path / f"boot/config-{release}").touch()
    found = image.find(BOX, [str(tmp_path)], None)
    assert found.release == "6.12.5" and found.config and found.config.name == "config-6.12.5"


def test_a_configuration_of_another_kernel_is_not_taken(tmp_path: Path) -> None:
    make_image(tmp_path / "boot/vmlinuz-6.12.5", "6.12.5")
    for release in ("6.9.1", "6.9.2"):
        (tmp_path / f"boot/config-{release}").touch()
    assert image.find(BOX, [str(tmp_path)], None).config is None


def test_modules_of_another_kernel_are_refused(tmp_path: Path) -> None:
    make_image(tmp_path / "bzImage", "6.18.1")
    make_modules(tmp_path, "6.12.5")
    with pytest.raises(LabError, match="the image is 6.18.1, but the modules are of 6.12.5"):
        image.find(BOX, [str(tmp_path)], None)


def test_an_image_and_modules_apart(tmp_path: Path) -> None:
    make_image(tmp_path / "a/bzImage", "6.18.1")
    folder = make_modules(tmp_path / "b", "6.18.1")
    for modules in (folder, tmp_path / "b"):
        assert image.find(BOX, [str(tmp_path / "a/bzImage")], str(modules)).modules == folder
    with pytest.raises(LabError, match="neither a lib/modules"):
        image.find(BOX, [str(tmp_path / "a/bzImage")], str(tmp_path / "a"))


def test_a_bare_image_has_everything_built_in(tmp_path: Path) -> None:
    make_image(tmp_path / "bzImage", "6.18.1")
    found = image.find(BOX, [str(tmp_path / "bzImage")], None)
    assert image.module_files(BOX, found, ["vfio-pci"]) == ([], [])


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="nowhere: no such file"):
        image.find(BOX, [str(tmp_path / "nowhere")], None)
    with pytest.raises(LabError, match="has no kernel image"):
        image.find(BOX, [str(tmp_path)], None)


def test_no_kernel_has_no_release(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 5000)
    assert image.release_of(tmp_path / "file") is None


def test_an_unpacked_image_that_was_damaged_is_unpacked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IOMMU_CTS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "linux.deb").touch()

    def unpack(self: Toolbox, title: str, argv: list[str], **where: Any) -> None:
        make_image(where["binds"]["out"] / "boot/vmlinuz-6.12.5", "6.12.5")

    monkeypatch.setattr(Toolbox, "run", unpack)
    found = image.find(BOX, [str(tmp_path / "linux.deb")], None)
    before = found.path.read_bytes()
    found.path.write_bytes(before[:-1])
    assert image.find(BOX, [str(tmp_path / "linux.deb")], None).path.read_bytes() == before
