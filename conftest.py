# SPDX-License-Identifier: GPL-2.0-only
"""The last line of `make check`: what passed, failed and was skipped."""

from collections import Counter

import pytest

_outcomes: dict[str, str] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """A test whose set-up or tear-down fails has failed."""
    if report.failed:
        _outcomes[report.nodeid] = "failed"
    elif report.skipped:
        _outcomes[report.nodeid] = "skipped"
    elif report.when == "call":
        _outcomes[report.nodeid] = "passed"


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """So has a file that can't be read."""
    if report.failed:
        _outcomes[report.nodeid] = "failed"


def pytest_unconfigure() -> None:
    """Last of all."""
    counts = Counter(_outcomes.values())
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
