# SPDX-License-Identifier: GPL-2.0-only
"""A judged run as a submission to KCIDB, kernelci.org's database of test results, in version 5.3 of its I/O schema.

The facts of that schema are from kcidb_io/schema/v05_03.py of github.com/kernelci/kcidb-io; schema/kcidb-5.3.json says what of it is used
here. What a run does not know, such as the commit that a kernel was built from, is left out: nothing may be null.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import Any

from lab.errors import UsageError
from results import bench
from results.model import Result, Run, Waived
from results.text import one_line, printable

ORIGIN = "IOMMU_CTS_ORIGIN"
SCHEMA = "kcidb-5.3.json"
EXCERPT_MAX = 16384
NS_PER_S = 1e9


def origin(given: str | None) -> str:
    """The name of the CI system that submits: as given, else of the environment. UsageError if there is none, or it can't be one."""
    name = given or os.environ.get(ORIGIN)
    if not name:
        raise UsageError(f"--kcidb: whose submission is it? name the CI system by --origin, or in ${ORIGIN}")
    if not re.fullmatch(r"[a-z0-9_]+", name):
        raise UsageError(f"--origin {name!r}: KCIDB takes lower-case letters, digits and _")
    return name


def render(run: Run, submitter: str) -> str:
    """The submission as JSON. LabError if it does not follow the schema: an error of this program."""
    document = build(run, submitter)
    bench.check(document, SCHEMA, "the submission")
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def build(run: Run, submitter: str) -> dict[str, Any]:
    """The submission: one checkout, one build, each result a test; each waiver that was used an issue, each known failure an incident."""
    kernel = _object(run.environment.get("kernel"))
    uname = _object(_object(run.environment.get("target")).get("uname"))
    release = one_line(run.kernel or "unknown")
    version, digest = one_line(str(uname.get("version", ""))), one_line(str(kernel.get("sha256", "")))
    about = _if(release=release, version=version, image_sha256=digest)
    built = f"{submitter}:{_digest(json.dumps(about))}"
    tests = [_test(run, result, submitter, built) for result in run.results]
    known = [(result, result.waived) for result in run.results if result.waived]
    issues = {issue["id"]: issue for issue in (_issue(waived, submitter) for _, waived in known)}
    document: dict[str, Any] = {
        "version": {"major": 5, "minor": 3},
        "checkouts": [{"id": built, "origin": submitter, "comment": f"Linux {release}", "misc": {"kernel": about}}],
        "builds": [
            {"id": built, "origin": submitter, "checkout_id": built, "comment": f"Linux {release}", "misc": {"kernel": about}}
            | _if(architecture=re.sub(r"[^a-z0-9_]", "", str(uname.get("machine", "")).lower()))
        ],
        "tests": tests,
    }
    if issues:
        document["issues"] = list(issues.values())
        document["incidents"] = [_incident(run, result, waived, submitter) for result, waived in known]
    return document


def _if(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value}


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def _id(run: Run, result: Result, submitter: str) -> str:
    return f"{submitter}:{one_line(run.id)}:{one_line(result.id)}"


def path(test: str) -> str:
    """access/bind/twice as iommu-cts.access.bind.twice."""
    parts = [re.sub(r"[^a-zA-Z0-9_-]", "_", part) for part in test.split("/") if part]
    return ".".join(["iommu-cts", *parts])


def _test(run: Run, result: Result, submitter: str, built: str) -> dict[str, Any]:
    excerpt = printable("\n\n".join(f"{one.kind}:\n{one.text}" for one in result.evidence))[:EXCERPT_MAX]
    reason = {"code": result.reason.code, "text": one_line(result.reason.text)} if result.reason else None
    misc = _if(
        requirements=result.requirements, kind=result.kind, device=result.device, reason=reason, shown=result.shown,
        notes=[one_line(note) for note in result.notes],
        known={"reason": one_line(result.waived.reason), "url": result.waived.url} if result.waived else None,
    )  # fmt: skip
    environment = {"comment": one_line(run.host), "misc": {"host": one_line(run.host), "run": one_line(run.id), "suite": run.suite}}
    found: dict[str, Any] = {
        "id": _id(run, result, submitter), "origin": submitter, "build_id": built, "path": path(result.path),
        "status": result.verdict.value, "environment": environment, "misc": misc,
    }  # fmt: skip
    found |= _if(comment=one_line(result.title or ""), log_excerpt=excerpt)
    if result.duration_ns is not None:
        found["duration"] = result.duration_ns / NS_PER_S
    return found


def _issue(waived: Waived, submitter: str) -> dict[str, Any]:
    """Renewed, a waiver is a later version of the same issue. Whose fault it is (`culprit`) a waiver does not say: it may be an
    emulator's."""
    return {
        "id": f"{submitter}:{_digest(waived.reason + waived.url)}", "version": int(waived.expires.strftime("%Y%m%d")), "origin": submitter,
        "report_url": waived.url, "comment": one_line(waived.reason),
    }  # fmt: skip


def _incident(run: Run, result: Result, waived: Waived, submitter: str) -> dict[str, Any]:
    issue = _issue(waived, submitter)
    test = _id(run, result, submitter)
    return {
        "id": f"{submitter}:{_digest(issue['id'] + test)}", "origin": submitter, "issue_id": issue["id"], "issue_version": issue["version"],
        "test_id": test, "present": True,
    }  # fmt: skip
