"""Reports as JUnit XML: a suite for each submission, a case for each test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from xml.etree import ElementTree

from autograder.sandbox.text import sanitize
from autograder.verdict import Outcome, Report, TaskResult, TestResult


def to_junit(reports: Sequence[Report]) -> str:
    """JUnit XML: a suite for each submission, a case for each test."""
    root = ElementTree.Element("testsuites")
    for report in reports:
        tests = [(task, test) for task in report.tasks for test in task.tests]
        kinds = Counter(_junit_kind(test) for _, test in tests)
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=sanitize(report.submission),
            tests=str(len(tests)),
            failures=str(kinds["failure"]),
            errors=str(kinds["error"]),
            skipped=str(kinds["skipped"]),
            time=f"{report.seconds:.3f}",
        )
        for task, test in tests:
            _junit_case(suite, report, task, test)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _junit_kind(test: TestResult) -> str:
    if test.outcome is Outcome.PASSED:
        return ""
    if test.outcome in (Outcome.SKIPPED, Outcome.BLOCKED, Outcome.MISSING):
        return "skipped"
    return "failure" if test.outcome is Outcome.FAILED else "error"


def _junit_case(
    suite: ElementTree.Element, report: Report, task: TaskResult, test: TestResult
) -> None:
    name = sanitize(f"{report.lecture}.{task.id}")
    case = ElementTree.SubElement(
        suite, "testcase", classname=name, name=sanitize(test.title), time=f"{test.seconds:.3f}"
    )
    if kind := _junit_kind(test):
        message = task.diagnosis.explanation if task.diagnosis else test.summary
        inner = ElementTree.SubElement(case, kind, message=sanitize(message or test.outcome))
        if kind != "skipped":
            inner.set("type", test.outcome)
            inner.text = sanitize(test.detail)
    if test.output:
        ElementTree.SubElement(case, "system-out").text = sanitize(test.output)
