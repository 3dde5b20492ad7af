# SPDX-License-Identifier: GPL-2.0-only
"""From tests and devices to the plan."""

import dataclasses

import pytest

from runner import catalogue, plan
from runner.catalogue import Test as SuiteTest

READ = SuiteTest("access/parked/read", "access/parked", "parked.read", "t", ("PARK-001",), ("cdev",), "promise", 30, 4, True)
BIND = dataclasses.replace(READ, path="access/bind/twice", binary="access/bind")
HOST = dataclasses.replace(READ, path="ioas/alloc/one", binary="ioas/alloc", needs=("iommufd",))
SCOPES = {"cdev": "DEVICE", "iommufd": "HOST"}
PROGRAMS = {"access/parked": "/s/parked", "access/bind": "/s/bind", "ioas/alloc": "/s/alloc"}


@pytest.mark.parametrize(
    ("patterns", "paths"),
    [
        ([], [READ.path, BIND.path, HOST.path]),
        (["access/*"], [READ.path, BIND.path]),
        (["access"], [READ.path, BIND.path]),
        (["access/parked/"], [READ.path]),
        (["*/read", "ioas/*"], [READ.path, HOST.path]),
        (["Access"], []),
    ],
)
def test_selection(patterns: list[str], paths: list[str]) -> None:
    chosen, left = plan.selected([READ, BIND, HOST], patterns)
    assert [test.path for test in chosen] == paths
    assert len(chosen) + len(left) == 3


def test_one_item_for_each_device_and_one_for_the_host() -> None:
    items = plan.make([READ, HOST], ["0000:01:00.0", "0000:02:00.0"], SCOPES, PROGRAMS)
    ids = [item.planned.id for item in items]
    assert ids == ["access/parked/read@0000:01:00.0", "access/parked/read@0000:02:00.0", "ioas/alloc/one"]


def test_a_device_may_be_for_some_tests_alone() -> None:
    items = plan.make([READ, BIND], ["0000:01:00.0", "0000:02:00.0"], SCOPES, PROGRAMS, only={"0000:02:00.0": ["access/bind"]})
    assert [(item.planned.path, item.planned.device) for item in items] == [
        (READ.path, "0000:01:00.0"), (BIND.path, "0000:01:00.0"), (BIND.path, "0000:02:00.0"),
    ]  # fmt: skip
    (item,) = plan.make([READ], ["0000:02:00.0"], SCOPES, PROGRAMS, only={"0000:02:00.0": ["access/bind"]})
    assert item.planned.device is None and item.planned.skip and item.planned.skip.code == "no-device"


def test_without_a_device_the_test_is_seen_as_skipped() -> None:
    (item,) = plan.make([READ], [], SCOPES, PROGRAMS)
    assert item.planned.skip and item.planned.skip.code == "no-device"


def test_what_provokes_faults_is_skipped_where_they_are_not_allowed() -> None:
    quiet = dataclasses.replace(READ, path="access/parked/quiet", faults=False)
    items = plan.make([READ, quiet, HOST], ["0000:01:00.0", "0000:02:00.0"], SCOPES, PROGRAMS, "not here")
    assert [item.planned.skip is not None for item in items] == [True, True, False, False, True]
    assert items[0].planned.skip and items[0].planned.skip.text == "not here"
    assert items[0].planned.skip.code in catalogue.skip_codes()


def test_the_plan_line() -> None:
    (item,) = plan.make([READ], ["0000:01:00.0"], SCOPES, PROGRAMS)
    line = plan.operation(item, 2.5, "/tmp")
    assert line["argv"] == ["/s/parked", "-r", "parked.read"]
    assert line["timeout_ms"] == 75000 and line["device"] == "0000:01:00.0" and line["env"] == {"CTS_SCRATCH": "/tmp"}
