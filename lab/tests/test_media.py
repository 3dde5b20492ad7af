# SPDX-License-Identifier: GPL-2.0-only
"""Scratch media: what a description may declare, and what QEMU and the tests are told of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from lab import host, media
from lab.errors import UsageError
from lab.media import Scratch
from lab.tests.test_host import GOOD

FILE = Path("box.toml")


@pytest.mark.parametrize(("text", "virtual"), [
    ('target = "local"\n[[scratch]]\nserial = "S1"', False),
    ('target = "ssh"\naddress = "box"\n[[scratch]]\nserial = "S1"', False),
    (GOOD + '[[scratch]]\nserial = "S1"\nbus = "port1"', True),
])
def test_any_host_may_declare_them(tmp_path: Path, text: str, virtual: bool) -> None:
    path = tmp_path / "box.toml"
    path.write_text(text)
    found = host.read(path)
    assert found.scratch == (Scratch("S1", "port1" if virtual else None),)
    assert media.CONFIG in found.fragments


def test_a_host_without_them_is_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "box.toml"
    path.write_text(GOOD)
    found = host.read(path)
    assert (found.scratch, found.fragments, media.environment(found.scratch)) == ((), [], {})


@pytest.mark.parametrize(("entry", "words"), [
    ({}, "needs exactly a string serial"),
    ("S1", "needs exactly a string serial"),
    ({"serial": 5}, "needs exactly a string serial"),
    ({"serial": "S1", "bus": "port1"}, "needs exactly a string serial"),
    ({"serial": ""}, "is no serial number"),
    ({"serial": " S1"}, "is no serial number"),
    ({"serial": "S1 "}, "is no serial number"),
    ({"serial": "S1\nS2"}, "is no serial number"),
    ({"serial": "S\u00e4"}, "is no serial number"),
    ({"serial": "S" * 21}, "is no serial number"),
])
def test_a_mistake_is_named(entry: Any, words: str) -> None:
    with pytest.raises(UsageError, match=rf"box.toml: \[\[scratch\]\] number 2: .*{words}"):
        media.read(FILE, [{"serial": "S0"}, entry], virtual=False)


def test_a_virtual_host_says_where() -> None:
    with pytest.raises(UsageError, match="needs exactly a string bus and a string serial"):
        media.read(FILE, [{"serial": "S0"}], virtual=True)


def test_there_is_no_fio_for_another_architecture(tmp_path: Path) -> None:
    path = tmp_path / "box.toml"
    path.write_text(GOOD.replace("x86_64", "aarch64") + '[[scratch]]\nserial = "S1"\nbus = "port1"')
    with pytest.raises(UsageError, match="there is no fio for aarch64 hosts"):
        host.read(path)


def test_each_is_there_once() -> None:
    with pytest.raises(UsageError, match="number 2: S0 is there already"):
        media.read(FILE, [{"serial": "S0"}, {"serial": "S0"}], virtual=False)


def test_tests_are_told_of_each() -> None:
    assert media.environment([Scratch("S 1"), Scratch("S2")]) == {"CTS_SCRATCH_SERIALS": "S 1\nS2"}


def test_qemu_has_the_serial_number_as_it_is() -> None:
    words = media.devices([Scratch("S,1", "port2")], ["/mnt/work/console-1-scratch-1"])
    disk, device = (json.loads(word) for word in words[1::2])
    assert device == {"driver": "nvme", "bus": "port2", "serial": "S,1", "drive": disk["node-name"]}
    assert disk["file"]["filename"] == "/mnt/work/console-1-scratch-1"


def test_a_medium_is_empty_and_takes_no_room(tmp_path: Path) -> None:
    file = tmp_path / "medium"
    file.write_bytes(b"what was there")
    media.make(file)
    assert file.stat().st_size == media.SIZE and file.stat().st_blocks == 0
