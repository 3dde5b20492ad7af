# SPDX-License-Identifier: GPL-2.0-only
"""Makes what pages are made of, for tests: runs with every verdict, with hostile texts, and with many results."""

from __future__ import annotations

import json
import random
from datetime import date
from pathlib import Path
from typing import Any

from results import build
from results.page import data, sources
from results.tests.build_bench import bench_of, measured, told
from results.tests.build_journal import every_verdict
from results.waivers import load
from runner.catalogue import Requirement
from runner.judge import exit_code, judge

WAIVER = """[[waiver]]
test = "access/bind/twice"
reason = "the second bind succeeds"
url = "https://lore.kernel.org/r/1"
expires = 2027-03-31
"""

# What would end a script, a comment, an attribute or a data block, act in a terminal, change the direction of text, or be no character.
HOSTILE = [
    "</script><script>document.title='broken'</script>",
    "<!-- <script>",
    "--><img src=x onerror=document.title='broken'>",
    "]]></template><h1>broken</h1>",
    "\"'><svg onload=document.title='broken'>",
    "\x1b[31m\x07\x00\x7f\u202ereversed\u2066\u2028\u2029",
    "\ud800 lone, {{ 7*7 }} {% raw %} ${7*7} &lt; &#60;",
    "javascript:alert(1)",
]


def every_verdict_run(folder: Path) -> dict[str, Any]:
    """results.json of a run that has every verdict."""
    (folder / "waivers.toml").write_text(WAIVER)
    run = judge(every_verdict().read(folder), load(folder / "waivers.toml"), {"kernel-lacks", "no-cdev"}, date(2027, 1, 15))
    return build.build(run, exit_code(run))


def hostile_run(folder: Path) -> dict[str, Any]:
    """The same, with texts in every place that a target or a file's author has a say in."""
    document = every_verdict_run(folder)
    for result, text in zip(document["results"], HOSTILE * 2):
        result |= {"title": text, "requirements": [text], "notes": [text], "device": text, "evidence": [{"kind": "output", "text": text}]}
        result["path"] += f"/{text}"
        result["id"] = f"{result['path']}@{text}"
        if result["reason"]:
            result["reason"]["text"] = text
        if result["waived"]:
            result["waived"] |= {"reason": text, "url": "javascript:document.title='broken'"}
    document["run"] |= {"host": HOSTILE[0], "id": HOSTILE[2], "command": HOSTILE}
    document["environment"]["target"] = {"cmdline": HOSTILE[0], "iommu": HOSTILE, "uname": {"release": HOSTILE[4]}}
    document["problems"] = [{"kind": "lab", "text": text} for text in HOSTILE]
    cause = {"test": HOSTILE[0], "code": "assertion", "text": HOSTILE[2]}
    finding = {"requirement": HOSTILE[4], "title": HOSTILE[5], "demanded": True, "state": "broken", "causes": [cause]}
    document["claims"] = [
        {"profile": HOSTILE[0], "title": HOSTILE[2], "verdict": "NOT HELD", "findings": [finding]},
        {"profile": "base", "title": "What everybody has", "verdict": "HELD", "findings": []},
    ]
    return document


def large_run(number: int) -> dict[str, Any]:
    """A run of so many results, of which one in a hundred failed and one in five was skipped."""
    chance = random.Random(number)
    results = []
    for at in range(number):
        verdict = chance.choices(["PASS", "SKIP", "FAIL", "DONE"], [78, 20, 1, 1])[0]
        why = {"SKIP": ("kernel-lacks", "no such flag"), "FAIL": ("assertion", f"suites/{at}.c:{at}: Expected 0 == {at}")}.get(verdict)
        device = f"0000:0{at % 3}:00.0"
        result = told(f"subject{at % 20}/file{at % 200}/test_{at}", verdict, device, why)
        result |= {"title": f"What test {at} shows", "requirements": [f"REQ-{at % 600:03}"], "kind": "promise", "duration_ns": 1000 * at}
        if verdict == "FAIL":
            lines = "\n".join(f"[ {line}.000000] a line of the kernel's log, {chance.random()}" for line in range(60))
            result["evidence"] = [{"kind": "dmesg", "text": lines}]
        results.append(result)
    counted = [result["verdict"].lower() for result in results]
    return {
        "schema": "iommu-cts/results", "version": 1, "boots": 1, "problems": [], "results": results,
        "run": {"id": f"large-{number}", "host": "large", "command": ["iommu-cts", "run"], "suite": {"commit": "0123456789abcdef"},
                "started": "2026-11-23T10:00:00.000Z", "finished": "2026-11-23T10:10:00.000Z", "complete": True, "exit_code": 1},
        "environment": {"target": {"uname": {"release": "7.3.4"}}},
        "counts": {"planned": number, **{name: counted.count(name) for name in ("pass", "fail", "skip", "done")}},
    }  # fmt: skip


def kept(folder: Path, document: dict[str, Any]) -> Path:
    """A run folder that has this results.json, and a journal that is not looked at."""
    folder.mkdir(parents=True)
    (folder / "results.json").write_text(json.dumps(document))
    (folder / "journal.jsonl").write_text("")
    return folder


def page(*documents: dict[str, Any], requirements: dict[str, Requirement] | None = None) -> dict[str, Any]:
    """The data of a page of these runs, none of which measured anything."""
    columns = [sources.Column(f"column {number}", [document]) for number, document in enumerate(documents)]
    return data.build(sources.Sources(columns, []), requirements or {})


def two_benches(folder: Path) -> list[str]:
    """Two benches of six boots in time; on the second map takes 5 % more."""

    def samples(level: float, name: str) -> Any:
        return lambda boot: [level * (1 + random.Random(f"{name} {boot}").gauss(0, 0.004) + (at % 5) / 500) for at in range(15)]

    made = []
    for number, (name, slower) in enumerate((("old", 1.0), ("new", 1.05))):
        rows = [
            measured(measure, {"size": 1 << power}, samples(level * (slower if measure == "map" else 1), f"{name} {measure} {power}"))
            for measure in ("map", "unmap") for power, level in ((12, 4000), (16, 5000), (21, 30000))
        ]  # fmt: skip
        verdict = told("access/bind/once", "FAIL", reason=("assertion", "bind.c:41")) if number else told("access/bind/once")
        bench_of(folder / name, 6, rows, [verdict], offset=number, mode="time", host="epyc", accelerator="kvm")
        made.append(str(folder / name))
    return made
