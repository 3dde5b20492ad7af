# SPDX-License-Identifier: GPL-2.0-only
"""The beginning of a run as jobs: what they need is built and published, the inventory is taken, the plan is made and shared out."""

import base64
import dataclasses
import json
import platform
import sys
import tarfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab import cache, host, qemu, scratch
from lab.binaries import Binaries
from lab.errors import LabError, UsageError
from lab.lava.place import LOCAL, Place
from lab.progress import Step, say
from results.journal import Writer
from results.text import printable
from results.typed import ShapeError, decode
from runner import catalogue, plan, suite
from runner import run as running
from runner.lava import local, recipe, replay
from runner.lava.recipe import Part, Recipe
from runner.lava.server import FINISHED, Service, connect
from runner.lava.target import JobTarget
from runner.session import Inventory
from runner.targets import choose, make

CONFIG = "/proc/config.gz"
INSTALLED = "/run/iommu-cts"  # where lab/lava/definition/start.sh makes programs be found that come with a job
FILES = "lava"  # the folder in a run's of what local jobs download, and what they leave
# What LAVA's shell scripts, and whoever looks at a target by its console, find in the ramdisk.
APPLETS = (
    *qemu.APPLETS, "[", "awk", "basename", "chmod", "cp", "cut", "date", "dirname", "env", "expr", "gzip", "hostname", "id", "ln", "mkdir",
    "mv", "poweroff", "printf", "readlink", "rm", "sed", "seq", "sleep", "sort", "stty", "sync", "tar", "test", "touch", "tr", "true",
    "uname", "wc", "wget", "which",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Survey:
    """What a device said of itself, kept for the next run of the same kernel there."""

    hello: dict[str, Any]
    devices: list[dict[str, Any]]
    mdev_types: list[list[str]]
    config: str | None = None

    @property
    def inventory(self) -> Inventory:
        """As a session gives it."""
        return Inventory(self.hello, self.devices, frozenset((parent, kind) for parent, kind in self.mdev_types))


def place_of(where: host.Host, folder: Path) -> Place:
    """Where the jobs of a run go; a local one downloads from the run's own folder."""
    assert where.lava is not None
    if where.lava.server != LOCAL:
        return where.lava
    (folder / FILES).mkdir(exist_ok=True)
    return dataclasses.replace(where.lava, publish=str(folder / FILES), url=local.URL)


def service(options: running.Options, folder: Path) -> Service:
    """Who runs the jobs of the run in `folder`."""
    where = host.find(options.host)
    assert where.lava is not None
    if where.lava.server == LOCAL:
        return local.LavaRun(where, folder / FILES)
    return connect(where.lava.server)


def _programs(binaries: Binaries, path: Path) -> None:
    with tarfile.open(path, "w") as tar:
        tar.add(binaries.cts_exec, "cts-exec")
        for name, program in binaries.suites.items():
            tar.add(program, f"{qemu.SUITES}/{name}")


def _published(place: Place, kind: str, path: Path) -> str:
    """Puts a big file where jobs find it, under a name that stands for what is in it; returns that."""
    name = f"{kind}-{cache.file_digest(path)[:16]}"
    if not (Path(place.publish) / name).exists():
        recipe.publish(place, name, path.read_bytes())
    return name


def _draft(name: str, where: host.Host, lab: running.Lab, chosen: Sequence[catalogue.Test], place: Place) -> Recipe:
    """A recipe without a plan, and everything that it names."""
    programs = running.only_needed(lab.programs, chosen)
    files: dict[str, str] = {}
    archive = None
    with scratch.folder() as work, Step("what jobs download"):
        if not place.has_programs:
            _programs(programs, work / "programs")
            archive = _published(place, "programs", work / "programs")
        if lab.image is not None:
            image = lab.image.copied(work / "kernel")
            ramdisk, missing = qemu.make_ramdisk(lab.box, where, image, programs, work, APPLETS)
            if missing:
                say(f"the kernel has no {', '.join(missing)}; what needs it will be skipped")
            for kind, path in (("kernel", image.path), ("ramdisk", ramdisk)):
                files[kind] = f"{place.url.rstrip('/')}/{_published(place, kind, path)}"
    arch = where.machine
    # A server's console is known to its device dictionary alone.
    console = [f"console={arch.console}"] if place.job == "qemu" else []
    words = [*console, *qemu.KERNEL_WORDS, *arch.words, *where.kernel, "cts.shell"]
    return Recipe(recipe.VERSION, name, dataclasses.asdict(place), arch.name, " ".join(words), files, programs=archive)


def _kept(place: Place, draft: Recipe) -> Path:
    """Where the inventory of such devices with such a kernel is kept."""
    what = [place.server, place.device_type, place.tags, draft.arch, draft.command_line, draft.files.get("kernel", "").rsplit("/", 1)[-1]]
    return cache.root() / "lava" / f"{cache.digest(what)}.json"


def _read(path: Path) -> Survey | None:
    try:
        found: Survey = decode(Survey, json.loads(path.read_text()))
        return found
    except (OSError, ValueError, ShapeError):
        return None


def _survey(draft: Recipe, give: Service, journal: Writer, run: str, folder: Path, stop: threading.Event) -> Survey:
    """Takes the inventory by a short job. LabError if that comes to nothing."""
    wanted = [replay.INVENTORY, {"op": "read", "path": CONFIG}, replay.END]
    name = f"{run} inventory"
    programs = Path(draft.where.publish) / draft.programs if draft.programs else None
    url = recipe.publish(draft.where, f"{run}-inventory.tar.gz", recipe.archive(wanted, programs))
    with Step("the inventory, by a job") as step:
        journal.write("job", action="begun", machine=0, name=name)
        number = give.submit(name, recipe.definition(draft, name, wanted, url, {"iommu-cts": run}))
        journal.write("job", action="submitted", machine=0, name=name, id=number)
        job = give.job(number)
        while job.state != FINISHED:
            step.note(f"job {number}: {job.state}")
            if stop.wait(2.0):
                raise KeyboardInterrupt
            job = give.job(number)
    path = folder / f"job-{number}.yaml"
    give.save(number, path)
    with path.open("rb") as raw:
        target = JobTarget(raw, wanted, "/tmp", job.health, closes=draft.where.job == "qemu")
        played, inventory, config = replay.survey(target, 0, CONFIG)
    played.block.write("job", action="ended", machine=0, name=name, id=number, device=job.device, health=job.health)
    journal.append(played.block)
    if inventory is None:
        raise LabError(f"job {number} on {job.device} took no inventory: {printable(played.fault or '')}")
    kinds = [list(kind) for kind in sorted(inventory.mdev_types)]
    return Survey(inventory.hello, inventory.devices, kinds, base64.b64encode(config).decode() if config else None)


def _shares(tests: Sequence[dict[str, Any]], devices: int) -> list[Part]:
    """Neighbours of the plan stay together: they are of one kind."""
    count = max(1, min(devices, -(-len(tests) // make.TESTS_WORTH_A_BOOT)))
    ends = [len(tests) * number // count for number in range(count + 1)]
    return [Part(list(tests[first:last])) for first, last in zip(ends, ends[1:], strict=False) if last > first]


def _lines(
    options: running.Options, where: host.Host, items: Sequence[plan.Item], known: dict[str, bool], bdfs: Sequence[str]
) -> list[dict[str, Any]]:
    """The plan's lines of the tests that can run, with what cts-exec has to know when nobody follows."""
    env = {"CTS_SCRATCH": "/tmp", **{name: "1" for name, on in running.switches(options) if on}, "CTS_NAMED": " ".join(bdfs)}
    scale = options.timeout_scale * where.slower
    return [
        {**plan.operation(item, scale, env), "taints": item.planned.taints, "harmless": known.get(item.planned.id, False)}
        for item in items
        if item.planned.skip is None
    ]


def begin(options: running.Options, stop: threading.Event) -> Path:
    """Makes a run whose jobs only have to be submitted; returns its folder. LabError if that is not possible."""
    if options.fail_nth or options.max_failures or options.jobs is not None:
        raise UsageError("--fail-nth, --max-failures and --jobs are not for LAVA; its description says how many devices share a plan")
    return record(options, *running.ready(options), stop)


def record(
    options: running.Options, where: host.Host, lab: running.Lab, tests: Sequence[catalogue.Test], stop: threading.Event
) -> Path:
    """The same with what is built already."""
    chosen, others = running.selected(options, tests)
    folder = running.new_folder(options.runs, Path(options.host).stem)
    with Writer(folder / "journal.jsonl") as journal:
        journal.write(
            "run", journal=1, id=folder.name, host=where.name, command=sys.argv, suite=suite.version(),
            environment={"runner": {"python": platform.python_version(), "host_kernel": platform.release()}},
            options=options.kept(), identity=running.identity_of(where, lab),
        )  # fmt: skip
        place = place_of(where, folder)
        give = service(options, folder)
        draft = _draft(str(options.kept()["host"]), where, lab, chosen, place)
        kept = _kept(place, draft)
        survey = _read(kept)
        if survey is None:
            survey = _survey(draft, give, journal, folder.name, folder, stop)
            kept.parent.mkdir(parents=True, exist_ok=True)
            cache.write_pointer(kept, json.dumps(dataclasses.asdict(survey)))
        inventory = survey.inventory
        if survey.config:
            (folder / "kernel.config").write_bytes(running.unpacked(base64.b64decode(survey.config)))
        devices = choose.devices(where, options.device, inventory)
        bdfs = choose.tested(where, options.device, devices)
        folder_there = f"/{qemu.SUITES}" if place.has_programs else f"{INSTALLED}/{qemu.SUITES}"
        programs = {name: f"{folder_there}/{name}" for name in lab.programs.suites}
        items = running.planned(options, where, chosen, inventory, bdfs, programs)
        journal.write("plan", tests=[item.planned for item in items], unselected=plan.left_out(others))
        facts = {"kernel": lab.image.facts()} if lab.image else {}
        notes = {"lava": {"server": place.server, "device_type": place.device_type, "tags": list(place.tags), "job": place.job}}
        journal.write("environment", environment={**facts, **notes, **running.environment_of(inventory)})
        known = running.known_failures(options, where, inventory, items)
        tests_lines = _lines(options, where, items, known, bdfs)
        dataclasses.replace(
            draft, before=[device.operation for device in devices], inventory=replay.devices(inventory), known=known,
            parts=_shares(tests_lines, place.devices),
        ).write(folder)  # fmt: skip
    return folder


def forget(draft: Recipe) -> None:
    """The inventory that was kept is not that of every such device."""
    _kept(draft.where, draft).unlink(missing_ok=True)
