# SPDX-License-Identifier: GPL-2.0-only
"""The parts of lib/ that need no device, with sanitizers: each program of this folder ends in 0 if all holds."""

import os
import subprocess
from pathlib import Path

import pytest

from lab import kernel, ksrc
from lab.binaries import TOP

LIB = TOP / "lib"
TESTS = LIB / "tests"
STRICT = ["-std=gnu11", "-D_GNU_SOURCE", "-O1", "-g", "-pthread", "-Wall", "-Wextra", "-Werror", f"-I{LIB}", f"-I{TESTS}"]
ADDRESSES = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
THREADS = ["-fsanitize=thread"]

# The parts of lib/ that every program stands on.
COMMON = ["check.c", "record.c", "memory.c", "measure.c", "placement.c"]

# dma.c and the drivers that it always knows.
DMA = ["dma.c", "rid.c", *(f"drivers/{name}.c" for name in ("edu", "endpoint", "iommu_testdev", "nvme", "storm"))]


@pytest.fixture(scope="session")
def includes() -> list[str]:
    """Where the headers of the default kernel tree are; its own ones, of the same names and with more in them, first."""
    box, source = ksrc.with_toolbox(None)
    tree = source.tree
    folders = [
        tree / "tools/include",
        tree / "tools/testing/selftests/vfio/lib/include",
        kernel.headers(box, source) / "include",
        tree / "tools/testing/selftests",
    ]
    return [word for folder in folders for word in ("-isystem", str(folder))]


def run(program: str, sources: list[str], options: list[str], folder: Path) -> None:
    """Builds <program>.c with `sources`, paths below lib/, and runs it with `folder` to write to."""
    binary = folder / program
    paths = [str(TESTS / f"{program}.c"), *(str(LIB / source) for source in sources)]
    libraries = ["-lnuma"] if "placement.c" in sources else []
    subprocess.run(["gcc", *STRICT, *options, "-o", str(binary), *paths, *libraries], check=True)
    # Some tests crash a child on purpose: without a stack trace, which takes a second each.
    quiet = {**os.environ, "ASAN_OPTIONS": "handle_segv=0:handle_sigbus=0"}
    done = subprocess.run([str(binary), str(folder)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, env=quiet)
    assert done.returncode == 0, done.stdout + done.stderr


def test_canaries_notice_every_change(tmp_path: Path) -> None:
    run("canary_test", ["canary.c"], ADDRESSES, tmp_path)


def test_buffers_are_what_they_say(tmp_path: Path) -> None:
    run("buffer_test", ["buffer.c", *COMMON], ADDRESSES, tmp_path)


def test_samples_are_kept_or_taken_again(tmp_path: Path) -> None:
    run("measure_test", COMMON, ADDRESSES, tmp_path)


def test_what_was_changed_is_put_back(tmp_path: Path) -> None:
    run("restore_test", ["restore.c", *COMMON], ADDRESSES, tmp_path)


def test_iovas_are_handed_out_once(includes: list[str], tmp_path: Path) -> None:
    run("iova_test", ["iova.c", "iommufd.c", "sysfs.c", *COMMON], [*ADDRESSES, *includes[4:]], tmp_path)


def test_a_device_is_believed_as_far_as_it_works(includes: list[str], tmp_path: Path) -> None:
    sources = ["dut.c", *DMA, "iova.c", "buffer.c", "canary.c", "scratch.c", "tests/fake_function.c", *COMMON]
    run("dut_test", sources, [*ADDRESSES, "-DCTS_KSRC_IGB", *includes[4:]], tmp_path)


@pytest.mark.parametrize("sanitizers", [ADDRESSES, THREADS], ids=["addresses", "threads"])
def test_the_adapter_drives_as_it_promises(sanitizers: list[str], includes: list[str], tmp_path: Path) -> None:
    sources = [*DMA, "drivers/libvfio.c", "canary.c", "tests/fake_function.c", *COMMON]
    run("libvfio_test", sources, [*sanitizers, "-DCTS_KSRC_IGB", *includes], tmp_path)
