# SPDX-License-Identifier: GPL-2.0-only
"""From the log of a job that is over to entries of the journal, by the session that every other target has too."""

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lab.errors import LabError
from results.block import Block
from results.journal import PlannedTest
from runner.catalogue import Test
from runner.lava.target import JobTarget
from runner.plan import Item
from runner.session import Inventory, Make, Needed, Session, Take

INVENTORY = {"op": "inventory"}
END = {"op": "end"}
OTHER_INVENTORY = "the device has another inventory than the one that the plan was made for"


@dataclasses.dataclass(frozen=True)
class Played:
    """What a job came to: its entries, how many of its tests are over, how often the target came up, what of the lab failed, and
    whether there were frames that are not of cts-exec."""

    block: Block
    over: int
    boots: int
    fault: str | None = None
    forged: bool = False


def item(planned: PlannedTest, line: Mapping[str, Any]) -> Item:
    """A test as it stands in a plan that was written before."""
    test = Test(planned.path, "", "", planned.title or "", tuple(planned.requirements), (), planned.kind, 0, planned.taints, planned.faults)
    return Item(planned, test, "", line)


def needed(operation: Mapping[str, Any]) -> Needed:
    """What an operation of the plan does for a device under test."""
    if operation["op"] == "make":
        return Make(operation["device"], operation["parent"], operation["type"])
    return Take(operation["device"], operation["driver"], operation["from"])


def devices(inventory: Inventory) -> list[str]:
    """What makes an inventory the same as another one: its functions, and what mediated devices can be made."""
    found = [f"{device['bdf']} {device.get('vendor')}:{device.get('device')}" for device in inventory.devices]
    return sorted([*found, *(f"{parent} {kind}" for parent, kind in inventory.mdev_types)])


def survey(target: JobTarget, boots: int, config: str) -> tuple[Played, Inventory | None, bytes | None]:
    """Of the job that takes the inventory: that, and the file `config` of the target."""
    block = Block(target.clock)
    session = Session(target, block, boots=itertools.count(boots + 1), attempts=1)
    try:
        inventory = session.boot()
        kept = session.read_file(config)
        session.end()
    except LabError as error:
        return Played(block, 0, 0, str(error)), None, None
    return Played(block, 0, 1), inventory, kept


def play(
    target: JobTarget, machine: int, boots: int, before: Sequence[Mapping[str, Any]], items: Sequence[Item], known: Mapping[str, bool],
    wanted: Sequence[str], last_attempt: bool, look: Callable[[Block, Inventory], None],
) -> Played:  # fmt: skip
    """Of a job that runs `items`, on a device with the inventory `wanted`. `look` is given the inventory once the devices are taken.
    In the last attempt the first of them answers for itself, if it does not even start."""
    block = Block(target.clock)
    counter = itertools.count(boots + 1)
    session = Session(target, block, machine=machine, boots=counter, attempts=1)
    session.known = known
    over = 0
    fault = None

    def taken() -> None:
        found = session.inventory()
        if devices(found) != list(wanted):
            raise LabError(OTHER_INVENTORY)
        look(block, found)

    try:
        session.ready([needed(operation) for operation in before], taken)
        for one in items:
            if not session.is_on or not session.run(one, last_attempt and not over):
                break
            over += 1
        if over == len(items):
            session.end()
    except LabError as error:
        fault = str(error)
    finally:
        session.kill()
    return Played(block, over, next(counter) - boots - 1, fault, session.forged)
