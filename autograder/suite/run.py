"""Run tests against a submission, and judge what they raise."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from autograder.errors import AnswerError, MachineError, WorkerError
from autograder.sandbox.session import Answer, Session
from autograder.sandbox.text import sanitize
from autograder.sandbox.workers import OUTPUT_KEPT
from autograder.suite.collect import Suite, Test
from autograder.suite.compare import Mismatch
from autograder.suite.rng import Random
from autograder.suite.student import Ask, Student
from autograder.verdict import Outcome, TestResult

DETAIL_KEPT = 4000  # characters
# What a test raises: exceptions, and pytest's own, which are no `Exception`.
PYTEST_OUTCOMES = (
    pytest.fail.Exception,
    pytest.skip.Exception,
    pytest.xfail.Exception,
    pytest.exit.Exception,
)


@dataclass
class TestRun:
    """A test's result, with the answers that it got."""

    __test__ = False

    test: Test
    result: TestResult
    answers: list[Answer] = field(default_factory=list)


def run_test(
    suite: Suite, session: Session, test: Test, stubs: frozenset[str] = frozenset()
) -> TestRun:
    """Run one test against a submission. stubs: the functions that it left as they were."""
    began = time.perf_counter()
    while True:
        session.begin(test.task, test.seed)
        notes: list[str] = []
        error = call(suite, test, session.ask, notes)
        if not session.take_retry():
            break
    if isinstance(error, (MachineError, WorkerError)):
        raise error  # it is ours, and no verdict
    outcome, summary, detail = _judge(suite, test, error)
    if not outcome.earns_points and stubs.intersection(test.task.stubs):
        outcome, summary, detail = Outcome.MISSING, "the stub is untouched", ""
    result = TestResult(
        id=test.id,
        visible=test.visible,
        outcome=outcome,
        title=test.title,
        summary=summary,
        detail=sanitize(detail, DETAIL_KEPT),
        notes=sanitize("\n".join(notes), DETAIL_KEPT),
        output=sanitize(session.output, OUTPUT_KEPT),
        seconds=time.perf_counter() - began,
    )
    return TestRun(test, result, session.answers)


def call(suite: Suite, test: Test, ask: Ask, notes: list[str]) -> BaseException | None:
    """Call a test's function; the exception that it raised, if any."""
    make: dict[str, Any] = {
        "student": lambda: Student(ask, test.task.file),
        "reference": lambda: suite.reference.module(test.task),
        "rng": lambda: Random(test.seed, suite.device),
        "device": lambda: suite.device,
        "tell": lambda: notes.append,
    }
    try:
        test.function(**test.values, **{name: make[name]() for name in test.fixtures})
    except (Exception, *PYTEST_OUTCOMES) as error:
        return error
    return None


def run_on_reference(suite: Suite, test: Test) -> BaseException | None:
    """The exception of a test that asks the reference, in this process."""
    return call(suite, test, lambda question: suite.reference.answer(test.task, question), [])


def _judge(suite: Suite, test: Test, error: BaseException | None) -> tuple[Outcome, str, str]:
    """(outcome, summary, detail): whose fault an exception is, and its text."""
    if error is None:
        return Outcome.PASSED, "", ""
    if isinstance(error, pytest.skip.Exception):
        return Outcome.SKIPPED, str(error), ""
    detail = _text(error)
    if isinstance(error, AnswerError):
        outcome = Outcome(error.outcome)
        if outcome is not Outcome.FAILED:
            return outcome, error.outcome, detail
        summary = "the call changed what belongs to its caller"
    elif isinstance(error, Mismatch):
        summary = error.summary
    elif isinstance(error, (AssertionError, pytest.fail.Exception)):
        summary = "not as the test's title says"
    else:
        detail = f"{type(error).__name__}: {detail}"
        if not _reference_passes(suite, test):
            return Outcome.BROKEN, "the test itself fails", detail
        summary = "your function returned something that the test could not use"
        return Outcome.FAILED, summary, f"{summary}: {detail}"
    if not _reference_passes(suite, test):
        return Outcome.BROKEN, "the reference fails this test too", detail
    return Outcome.FAILED, summary, detail


def _reference_passes(suite: Suite, test: Test) -> bool:
    """Whether the reference passes the test: then the fault is the submission's."""
    if test.id not in suite.reference_passes:
        error = None if suite.lecture.released else run_on_reference(suite, test)
        passes = error is None or isinstance(error, pytest.skip.Exception)
        suite.reference_passes[test.id] = passes
    return suite.reference_passes[test.id]


def _text(error: BaseException) -> str:
    """An exception's text; one with a huge integer in it can't be made."""
    try:
        return str(error)
    except Exception as another:
        return f"(its text could not be made: {type(another).__name__})"
