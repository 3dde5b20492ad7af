# SPDX-License-Identifier: GPL-2.0-only
"""results.xml: a judged run as JUnit XML. A suite is a file of the test suite; known failures are skipped."""

from __future__ import annotations

from junitparser import Error, Failure, JUnitXml, Properties, Property, Skipped, TestCase, TestSuite

from results import claims, claims_text
from results.model import HELD, NOT_HELD, Result, Run, Verdict, leaf
from results.text import one_line, printable

NS_PER_S = 1e9


def render(run: Run) -> str:
    """The whole document."""
    xml = JUnitXml("iommu-cts")
    suites: dict[str, TestSuite] = {}
    for result in run.results:
        name = "/".join(result.path.split("/")[:2])
        if name not in suites:
            suites[name] = TestSuite(printable(name))
            suites[name].hostname = printable(run.host)
        suites[name].append(_case(result, name))  # add_testcase() would count all of the suite each time
    for suite in suites.values():
        xml.add_testsuite(suite)
    if run.problems:
        xml.add_testsuite(_problems(run))
    if run.claims:
        xml.add_testsuite(_claims(run))
    xml.update_statistics()
    data: bytes = xml.tostring()
    return data.decode("utf-8") + "\n"


def _case(result: Result, suite: str) -> TestCase:
    case = TestCase(printable(_case_name(result)), printable(suite.replace("/", ".")))
    case.time = (result.duration_ns or 0) / NS_PER_S
    properties = Properties()
    for requirement in result.requirements:
        properties.add_property(Property("requirement", printable(requirement)))
    if result.device:
        properties.add_property(Property("device", printable(result.device)))
    properties.add_property(Property("verdict", result.verdict.value))
    case.append(properties)
    element = _element(result)
    if element is not None:
        case.result = [element]
    if result.notes:
        case.system_out = printable("\n".join(result.notes))
    return case


def _case_name(result: Result) -> str:
    return "/".join([*result.path.split("/")[2:-1], leaf(result)])


def _element(result: Result) -> Error | Failure | Skipped | None:
    if result.reason is None:
        return None
    code = result.reason.code
    message = one_line(f"{code}: {result.reason.text}")
    if result.waived is not None:
        known = one_line(f"known: {result.waived.reason} {result.waived.url}; {message}")
        return _filled(Skipped(known, "known"), result)
    if result.verdict is Verdict.SKIP:
        return Skipped(message, code)
    if result.verdict is Verdict.FAIL:
        return _filled(Failure(message, code), result)
    return _filled(Error(message, code), result)


def _filled(element: Error | Failure | Skipped, result: Result) -> Error | Failure | Skipped:
    element.text = printable("\n\n".join(f"{one.kind}:\n{one.text}" for one in result.evidence))
    return element


def _problems(run: Run) -> TestSuite:
    """What is wrong with the run and with no test of it: a suite of its own, so that it isn't overlooked."""
    suite = TestSuite("run")
    for number, problem in enumerate(run.problems, 1):
        case = TestCase(f"problem {number}: {problem.kind}", "run")
        error = Error(one_line(problem.text), problem.kind)
        error.text = printable(problem.text)
        case.result = [error]
        suite.add_testcase(case)
    return suite


def _claims(run: Run) -> TestSuite:
    """A claim is a case: a failure if it is not held, an error if nobody knows. Its properties are the verdict and the counts."""
    suite = TestSuite("claims")
    for claim in run.claims:
        case = TestCase(printable(claim.profile), "claims")
        properties = Properties()
        properties.add_property(Property("verdict", claim.verdict))
        properties.add_property(Property("requirements", claims.words(claim)))
        case.append(properties)
        if claim.verdict != HELD:
            kind = Failure if claim.verdict == NOT_HELD else Error
            element = kind(f"{claim.verdict}: {claims.words(claim)}", "claim")
            element.text = printable("\n".join(claims_text.lines(claim)))
            case.result = [element]
        suite.add_testcase(case)
    return suite
