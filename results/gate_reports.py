# SPDX-License-Identifier: GPL-2.0-only
"""A gate for programs: JUnit and KTAP. Its first case is the gate itself; the others are the tests that are not what they were."""

from __future__ import annotations

from junitparser import Error, Failure, JUnitXml, Properties, Property, Skipped, TestCase, TestSuite

from results import gate
from results.gate import CLOSED, NOBODY_KNOWS, OPEN, Gate, Item
from results.gate_words import heading, performance, problems, reason
from results.text import one_line, printable

_BAD = (gate.NEW_FAILURE, gate.LOST)


def _whole(found: Gate) -> str:
    return "\n".join([*heading(found), *performance(found), *(f"problem: {text}" for text in problems(found))])


def _said(item: Item) -> str:
    mark = "flaky, " if item.flaky else ""
    return one_line(f"{item.change} ({mark}{item.words()}): {reason(item)}")


def junit(found: Gate) -> str:
    """A failure is what closes the gate, an error what nobody knows, skipped what failed before or is known."""
    xml = JUnitXml("iommu-cts gate")
    suite = TestSuite("gate")
    suite.hostname = printable(found.candidate.host)
    whole = TestCase("gate", "gate")
    if found.word != OPEN:
        whole.result = [Failure(found.word, "gate") if found.word == CLOSED else Error(found.word, "gate")]
    whole.system_out = printable(_whole(found))
    suite.add_testcase(whole)
    for item in found.items:
        case = TestCase(printable(item.test), "gate")
        properties = Properties()
        for name, value in (("change", item.change), ("was", item.old), ("is", item.new), ("flaky", str(item.flaky).lower())):
            properties.add_property(Property(name, value))
        case.append(properties)
        kind = item.change.replace(" ", "-")
        if item.change in _BAD:
            case.result = [Failure(_said(item), kind)]
        elif item.change == gate.NOT_KNOWN:
            case.result = [Error(_said(item), kind)]
        elif item.change in (gate.STILL, gate.NEW_KNOWN):
            case.result = [Skipped(_said(item), kind)]
        suite.add_testcase(case)
    xml.add_testsuite(suite)
    xml.update_statistics()
    data: bytes = xml.tostring()
    return data.decode("utf-8") + "\n"


def ktap(found: Gate) -> str:
    """KTAP version 1, flat."""
    lines = ["KTAP version 1", f"1..{1 + len(found.items)}", *(f"# {text}" for text in printable(_whole(found)).split("\n"))]
    word = {OPEN: "", CLOSED: f" # {CLOSED}", NOBODY_KNOWS: f" # ERROR {NOBODY_KNOWS}"}[found.word]
    lines.append(f"{'ok' if found.word == OPEN else 'not ok'} 1 gate{word}")
    for number, item in enumerate(found.items, 2):
        ok, directive = True, ""
        if item.change in _BAD or item.change == gate.NOT_KNOWN:
            ok, directive = False, "ERROR " if item.change == gate.NOT_KNOWN else ""
        elif item.change in (gate.STILL, gate.NEW_KNOWN):
            directive = "XFAIL "
        lines.append(f"{'ok' if ok else 'not ok'} {number} {one_line(item.test).replace('#', '_')} # {directive}{_said(item)}")
    return "\n".join(lines) + "\n"
