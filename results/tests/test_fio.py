# SPDX-License-Identifier: GPL-2.0-only
"""What fio says is taken as rows; what it can't have said is refused, whoever wrote it."""

import copy
from typing import Any

import pytest

from results import fio
from results.typed import ShapeError

DIRECTION: dict[str, Any] = {
    "total_ios": 512, "iops": 4785.05, "bw_bytes": 19599551,
    "clat_ns": {"min": 1, "percentile": {"1.000000": 75264, "50.000000": 124416, "99.000000": 70778880}},
}  # fmt: skip
IDLE: dict[str, Any] = {"total_ios": 0, "iops": 0, "bw_bytes": 0, "clat_ns": {"min": 0, "N": 0}}
SAID: dict[str, Any] = {"fio version": "fio-3.39", "jobs": [{"error": 0, "read": IDLE, "write": DIRECTION, "trim": IDLE}]}


def test_a_row_for_each_measure_of_what_was_done() -> None:
    assert [(row["measure"], row["unit"], row["better"], row["samples"]) for row in fio.rows(SAID)] == [
        ("write-iops", "1/s", "more", [4785.05]), ("write-bandwidth", "bytes/s", "more", [19599551]),
        ("write-latency-p50", "ns", "less", [124416]), ("write-latency-p99", "ns", "less", [70778880]),
    ]  # fmt: skip


def changed(*keys: Any, value: Any) -> dict[str, Any]:
    """SAID with another value there."""
    said = copy.deepcopy(SAID)
    place: Any = said
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    return said


def test_a_job_that_failed_has_no_rows() -> None:
    assert fio.rows(changed("jobs", 0, "error", value=84)) == []


@pytest.mark.parametrize("said", [
    {}, changed("jobs", value=[]), changed("jobs", value={}), changed("jobs", value=[5]), changed("jobs", value=SAID["jobs"] * 2),
    changed("jobs", 0, "error", value="0"), changed("jobs", 0, "write", value=None), changed("jobs", 0, "write", "iops", value="many"),
    changed("jobs", 0, "write", "bw_bytes", value=True), changed("jobs", 0, "write", "clat_ns", value=[]),
    changed("jobs", 0, "write", "clat_ns", "percentile", value=3),
])
def test_what_fio_does_not_say(said: dict[str, Any]) -> None:
    with pytest.raises(ShapeError):
        fio.rows(said)
