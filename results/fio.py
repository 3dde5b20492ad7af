# SPDX-License-Identifier: GPL-2.0-only
"""What fio said of a run of its own (--output-format=json), and the rows that are made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from results.typed import ShapeError, decode

PERCENTILES = {"p50": "50.000000", "p99": "99.000000", "p99.9": "99.900000"}  # of completion latency, and fio's name of each


@dataclass(frozen=True)
class _Latency:
    percentile: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Direction:
    """Requests of one direction. `bw_bytes` are bytes a second."""

    total_ios: int
    iops: float
    bw_bytes: int
    clat_ns: _Latency


@dataclass(frozen=True)
class _Job:
    error: int
    read: _Direction
    write: _Direction


@dataclass(frozen=True)
class _Said:
    jobs: list[_Job]


def rows(said: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The measures of the only job, each with its one sample, its unit, and which direction is better; none of a job that came upon an
    error. ShapeError if this is not what fio says."""
    jobs = decode(_Said, said).jobs
    if len(jobs) != 1:
        raise ShapeError(f"fio's 'jobs' are {len(jobs)}, not 1")
    if jobs[0].error:
        return []
    found = []
    for name, direction in (("read", jobs[0].read), ("write", jobs[0].write)):
        if not direction.total_ios:
            continue
        found.append(_row(f"{name}-iops", "1/s", "more", direction.iops))
        found.append(_row(f"{name}-bandwidth", "bytes/s", "more", direction.bw_bytes))
        for short, key in PERCENTILES.items():
            if key in direction.clat_ns.percentile:
                found.append(_row(f"{name}-latency-{short}", "ns", "less", direction.clat_ns.percentile[key]))
    return found


def _row(measure: str, unit: str, better: str, sample: Any) -> dict[str, Any]:
    return {"measure": measure, "unit": unit, "better": better, "samples": [sample]}
