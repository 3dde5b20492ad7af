# SPDX-License-Identifier: GPL-2.0-only
"""Jobs, what they download, and the descriptions that they are made by. Whether LAVA takes them check_lab.py asks LAVA."""

import dataclasses
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import host
from lab.errors import UsageError
from lab.lava import devices, place
from runner import run as running
from runner.lava import recipe

PLACE = place.Place(
    "https://lava.example", "x86", tags=("vtd",), publish="/srv", url="http://files.example", rootfs="http://files.example/root.tar.xz"
)
TEST: dict[str, Any] = {"op": "test", "id": "a", "argv": ["/suites/a", "-r", "x.y"], "timeout_ms": 30_000}


def made(where: place.Place, plan: list[dict[str, Any]]) -> recipe.Recipe:
    files = {"kernel": "http://files.example/kernel", "ramdisk": "http://files.example/ramdisk"}
    kept = dataclasses.asdict(where)
    return recipe.Recipe(recipe.VERSION, "vtd", kept, "x86_64", 'console=ttyS0 quiet="a b"', files, parts=[recipe.Part(plan)])


@pytest.mark.parametrize("job", place.templates())
def test_what_stands_in_a_job(job: str) -> None:
    where = dataclasses.replace(PLACE, job=job)
    text = recipe.definition(made(where, [TEST]), 'run "1": x', [TEST], "http://files.example/1.tar.gz", {"iommu-cts": "run"})
    found = yaml.safe_load(text)
    assert (found["job_name"], found["tags"]) == ('run "1": x', ["vtd"])
    assert found["actions"][-1]["test"]["definitions"][0]["repository"] == "http://files.example/1.tar.gz"


def test_the_archive_is_laid_out_as_the_repository(tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    with tarfile.open(programs, "w") as tar:
        tar.add(__file__, "suites/a")
    with tarfile.open(fileobj=io.BytesIO(recipe.archive([TEST], programs))) as found:
        names = found.getnames()
        content = found.extractfile("lab/lava/definition/plan.jsonl")
        assert content is not None and json.loads(content.read()) == TEST
    assert {"lab/lava/definition/iommu-cts.yaml", "lab/lava/definition/start.sh", "lab/lava/definition/suites/a"} <= set(names)
    definition = yaml.safe_load((recipe.DEFINITION / "iommu-cts.yaml").read_text())
    assert definition["metadata"]["format"] == "Lava-Test Test Definition 1.0"


def test_a_plan_has_as_long_as_it_may_take() -> None:
    short, long = {**TEST, "timeout_ms": 2_000}, {**TEST, "timeout_ms": 600_000}
    assert recipe.seconds([short, short]) == recipe.SHELL_S + 4
    assert recipe.seconds([long] * 100) == recipe.SHELL_S + 600 + 100 * recipe.USUAL_S


def test_a_recipe_is_kept(tmp_path: Path) -> None:
    kept = made(PLACE, [TEST])
    kept.write(tmp_path)
    found = recipe.read(tmp_path)
    assert found.where == PLACE and found.parts == kept.parts and found.files == kept.files


@pytest.mark.parametrize("text", [
    "", "{", "[]", '{"version": 1}', "null", '{"version": 2, "place": {}}', pytest.param("[" * 5000, id="deep"),
])  # fmt: skip
def test_a_recipe_that_is_damaged(text: str, tmp_path: Path) -> None:
    (tmp_path / recipe.FILE).write_text(text)
    with pytest.raises(UsageError, match="lava.json"):
        recipe.read(tmp_path)


def test_a_run_that_is_not_lavas(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run of LAVA's"):
        recipe.read(tmp_path)


@pytest.mark.parametrize("text, said", [
    ("", "needs a table"),
    ("[lava]\n", "missing server, device_type"),
    ('[lava]\nserver = "x"\ndevice_type = "y"\n', "missing publish, url"),
    ('[lava]\nserver = "local"\ndevice_type = "y"\nwhat = 1\n', "unknown key 'what'"),
    ('[lava]\nserver = "local"\ndevice_type = "y"\ntags = "x"\n', "tags must be a list"),
    ('[lava]\nserver = "local"\ndevice_type = "y"\njob = "../x"\n', "is not known"),
    ('[lava]\nserver = "local"\ndevice_type = "y"\ndevices = 0\n', "devices must be"),
    ('[lava]\nserver = "local"\ndevice_type = "y"\njob = "nfs"\n', "rootfs"),
    ('[lava]\nserver = "local"\ndevice_type = "y"\nboot = "floppy"\n', "none of ipxe, grub"),
])  # fmt: skip
def test_descriptions_that_are_wrong(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "lab.toml"
    path.write_text(f'title = "x"\ntarget = "lava"\nlike = "vtd"\n{text}')
    with pytest.raises(UsageError, match=said):
        host.find(str(path))


@pytest.mark.parametrize("head, said", [
    ('like = "nobody"', "no host"), ('like = "local"', "no virtual host that"), ('like = "vtd-endpoint"', "no virtual host that"),
    ('like = "vtd"\nmemory_mib = 1', "memory_mib has no meaning"),
    ('arch = "vax"', "arch = 'vax'"), ('arch = "x86_64"', "missing title or device"),
])  # fmt: skip
def test_hosts_that_are_wrong(head: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "lab.toml"
    path.write_text(f'title = "x"\ntarget = "lava"\n{head}\n[lava]\nserver = "local"\ndevice_type = "y"\n')
    with pytest.raises(UsageError, match=said):
        host.find(str(path))


def test_what_is_lavas_is_not_run_here_by_mistake() -> None:
    with pytest.raises(UsageError, match="is LAVA's"):
        running.run(running.Options("lava-local"))


@pytest.mark.parametrize("name", ["vtd", "amdvi", "smmuv3"])
def test_the_example_devices_are_the_virtual_hosts(name: str) -> None:
    path = Path(devices.__file__).parent / "devices" / f"{name}.jinja2"
    assert path.read_text() == devices.template(host.find(name)), f"stale: python3 -m lab.lava.devices {name} >{path}"
