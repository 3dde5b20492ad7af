# SPDX-License-Identifier: GPL-2.0-only
"""From tests and a host's inventory to the list of (test, device) pairs that a run is made of."""

import dataclasses
import fnmatch
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from results.journal import Left, PlannedTest, Skip
from runner.catalogue import DEVICE, Test
from runner.profiles import Profile

NO_DEVICE = "no-device"
NO_FAULTS = "faults-not-allowed"
MISEMULATED = "misemulated"


@dataclasses.dataclass(frozen=True)
class Item:
    """One test for one device (or for the host, with none): how it is reported and how it is run.

    `program` is the path of the test's binary on the target. `line` is the plan's line for it, where that was written before.
    """

    planned: PlannedTest
    test: Test
    program: str
    line: Mapping[str, Any] | None = None


def matches(test: Test, patterns: Sequence[str]) -> bool:
    """Does its path match one of the patterns (shell style; a bare folder means all in it)?"""
    wide = [*patterns, *(f"{pattern.rstrip('/')}/*" for pattern in patterns)]
    return any(fnmatch.fnmatchcase(test.path, pattern) for pattern in wide)


def selected(tests: Iterable[Test], patterns: Sequence[str]) -> tuple[list[Test], list[Test]]:
    """The tests whose path matches one of the patterns, and the others."""
    if not patterns:
        return list(tests), []
    chosen: list[Test] = []
    left: list[Test] = []
    for test in tests:
        (chosen if matches(test, patterns) else left).append(test)
    return chosen, left


def naming(tests: Iterable[Test], chosen: Iterable[Profile]) -> tuple[list[Test], list[Test]]:
    """The tests of the requirements that the profiles name, and the others."""
    wanted = {name for profile in chosen for name in profile.requirements}
    mine: list[Test] = []
    left: list[Test] = []
    for test in tests:
        (mine if wanted & set(test.requirements) else left).append(test)
    return mine, left


def _item(test: Test, device: str | None, program: str, skip: Skip | None = None) -> Item:
    planned = PlannedTest(
        id=f"{test.path}@{device}" if device else test.path,
        path=test.path,
        title=test.title,
        kind=test.kind,
        device=device,
        requirements=list(test.requirements),
        taints=test.taints,
        faults=test.faults,
        skip=skip,
    )
    return Item(planned, test, program)


def make(
    tests: Iterable[Test], devices: Sequence[str], scopes: Mapping[str, str], programs: Mapping[str, str],
    unfit: Callable[[Test], Skip | None] | None = None, only: Mapping[str, Sequence[str]] | None = None,
) -> list[Item]:
    """One item for each test and device. A test that needs a device where there is none is planned as a skip, so that it is seen; so is
    one for which `unfit` says why the host can't run it.

    `scopes` gives the scope of each need, `programs` the path on the target of each binary, `only` the patterns of a device that is for
    some tests alone.
    """
    items = []
    for test in tests:
        program = programs[test.binary]
        skip = unfit(test) if unfit else None
        able = [device for device in devices if not only or device not in only or matches(test, only[device])]
        if not any(scopes[need] == DEVICE for need in test.needs):
            items.append(_item(test, None, program, skip))
        elif able:
            items += [_item(test, device, program, skip) for device in able]
        else:
            skip = Skip(NO_DEVICE, "the host has none of the devices that its description names for it")
            items.append(_item(test, None, program, skip))
    return items


def again(planned: Iterable[PlannedTest], tests: Iterable[Test], programs: Mapping[str, str]) -> list[Item]:
    """The items of a plan that was made before, from the same tests."""
    by_path = {test.path: test for test in tests}
    return [Item(test, by_path[test.path], programs[by_path[test.path].binary]) for test in planned]


def left_out(tests: Iterable[Test]) -> list[Left]:
    """The tests that the selection left out, as the journal keeps them."""
    return [Left(test.path, list(test.requirements)) for test in tests]


def operation(item: Item, timeout_scale: float, env: Mapping[str, str]) -> dict[str, Any]:
    """The plan line (docs/stream.md) that runs an item; `env` is what the test finds in its environment."""
    if item.line is not None:
        return dict(item.line)
    test, device = item.test, item.planned.device
    return {
        "op": "test",
        "id": item.planned.id,
        "argv": [item.program, "-r", test.selector],
        "timeout_ms": int(test.timeout_s * 1000 * timeout_scale),
        "env": dict(env),
        **({"device": device} if device else {}),
    }
