# SPDX-License-Identifier: GPL-2.0-only
"""What the kernel's kselftest_harness.h says of one test on its standard output and standard error."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Lines of plain output that are kept where no line names an assertion.
TAIL_LINES = 20
# Of a sanitizer's report.
REPORT_LINES = 40

_RESULT = re.compile(r"^(?P<bad>not )?ok \d+(?: -)? *(?P<name>[^# ]*)(?: *# *(?P<directive>\w+))?")
# TH_LOG(): "# file:line:test:text"; cts_fail(): "# file:line: text"
_LOG = re.compile(r"^# [^\s:]+:\d+:")
# __wait_for_test(): "# test: Test terminated by ..."
_HOW = re.compile(r"^# [\w.]+: Test (?P<how>.*)$")
# AddressSanitizer and its like; UBSan
_SANITIZER = re.compile(r"^==\d+==ERROR: \w+Sanitizer: |^\S+:\d+:\d+: runtime error: ")
# the harness or lib/record.c could not do its own work
_HARNESS = re.compile(
    r"^# (?:ERROR SPAWNING TEST|record lost: "
    r"|[\w.]+: (?:unable to (?:open pidfd|wait on child)|Failed to wait for PID))"
)


@dataclass(frozen=True)
class Tap:
    """The harness's account of one test.

    `ok`/`not_ok`: is there such a result line, the ok one without a directive? `directive` is that of an ok
    line ("SKIP", "XFAIL"). `said` are the lines of assertions and of the harness on how the test ended, or,
    where there are none, the last lines of the output. `broken` is a failure of the harness itself, or an error in the test's program
    that a sanitizer has seen (`make check-sanitized`): then `said` is its report.
    """

    ok: bool
    not_ok: bool
    directive: str | None
    said: list[str]
    how: str | None
    broken: str | None


def read(stdout: str, stderr: str, path: str) -> Tap:
    """Reads what one run of the test at `path` (<subject>/<file>/<name>[/<variant>]) printed.

    The harness names a test <fixture>.<name> or <fixture>.<variant>.<name>. A `not ok` of any name counts,
    since one test was asked for. An `ok` of another name says nothing.
    """
    ok = not_ok = False
    directive: str | None = None
    for line in stdout.splitlines():
        match = _RESULT.match(line)
        if match is None:
            continue
        if match["bad"]:
            not_ok = True
        elif _is_named(match["name"], path):
            directive = match["directive"]
            ok = directive is None
    lines = [line for line in (stderr + "\n" + stdout).splitlines() if line.strip()]
    hows = [match["how"] for match in map(_HOW.match, lines) if match]
    said = [line for line in lines if _LOG.match(line) or _HOW.match(line)] or lines[-TAIL_LINES:]
    broken = next((line[2:] for line in lines if _HARNESS.match(line)), None)
    reports = [at for at, line in enumerate(lines) if _SANITIZER.match(line)]
    if reports:
        said = lines[reports[0] : reports[0] + REPORT_LINES]
        broken = said[0]
    return Tap(ok, not_ok, directive, said, hows[-1] if hows else None, broken)


def _is_named(tap_name: str, path: str) -> bool:
    parts = path.split("/")
    wanted = parts[2:] if len(parts) > 2 else parts[-1:]
    return tap_name.split(".")[1:] == wanted[::-1]
