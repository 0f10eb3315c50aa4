"""The records of a result, and the arithmetic of points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

import msgspec

FORMAT = 2  # of a report; incremented on incompatible changes


class Outcome(StrEnum):
    """What became of a test; a task has the first of these that one of its tests has."""

    BROKEN = "broken"
    MISSING = "missing"
    REFUSED = "refused"
    CRASHED = "crashed"
    TIMEOUT = "timeout"
    ERROR = "error"
    FAILED = "failed"
    BLOCKED = "blocked"
    SKIPPED = "skipped"
    PASSED = "passed"

    @property
    def earns_points(self) -> bool:
        """A fault of ours or of the machine takes no points."""
        return self in (Outcome.PASSED, Outcome.BROKEN, Outcome.SKIPPED)

    @property
    def wrong(self) -> bool:
        """Whether a submission did something wrong, rather than nothing."""
        return self in (
            Outcome.REFUSED,
            Outcome.CRASHED,
            Outcome.TIMEOUT,
            Outcome.ERROR,
            Outcome.FAILED,
        )


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """The catalogued mistake that gives the same answers as the submission."""

    id: str
    explanation: str


class TestResult(msgspec.Struct, kw_only=True):
    """One test's verdict.

    title: the test's sentence. summary: what is wrong, without a value. detail and notes may hold
    inputs and expected values: for staff only, when the test is hidden.
    """

    __test__ = False  # not a test class, whatever pytest thinks of its name

    id: str
    visible: bool
    outcome: Outcome
    title: str
    summary: str = ""
    detail: str = ""
    notes: str = ""
    output: str = ""
    seconds: float = 0.0


class TaskResult(msgspec.Struct, kw_only=True):
    """One task's verdict."""

    id: str
    outcome: Outcome
    score: float
    points: float
    bonus: bool = False
    diagnosis: Diagnosis | None = None
    tests: list[TestResult] = []


class Report(msgspec.Struct, kw_only=True):
    """The result of one submission to one lecture (docs/report.md)."""

    format: int = FORMAT
    course: str
    lecture: str
    submission: str
    digest: str
    suite: str
    device: str
    versions: dict[str, str]
    isolation: list[str]
    problem: str = ""
    score: float
    points: float
    seconds: float
    tasks: list[TaskResult]
    output: str = ""


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome that stands for them all.

    >>> worst([Outcome.PASSED, Outcome.FAILED]).value
    'failed'
    """
    seen = set(outcomes)
    return next((outcome for outcome in Outcome if outcome in seen), Outcome.PASSED)


def task_score(points: float, tests: Sequence[TestResult]) -> float:
    """Points times the share of tests that earn them."""
    if not tests:
        return 0.0
    good = sum(test.outcome.earns_points for test in tests)
    return round(points * good / len(tests), 4)


def total(tasks: Iterable[TaskResult]) -> tuple[float, float]:
    """(score, points) of a report: a bonus adds to the score and not to the points."""
    tasks = list(tasks)
    score = sum(task.score for task in tasks)
    return round(score, 4), round(sum(task.points for task in tasks if not task.bonus), 4)


def block(outcomes: Mapping[str, Sequence[TestResult]], after: Mapping[str, Sequence[str]]) -> None:
    """Turn failures into `blocked` where a task that they build on isn't right yet.

    outcomes: task id -> its tests; after: task id -> all tasks it builds on, transitively.
    A stub that wasn't touched stays `missing`; what passes all the same counts.
    """
    wrong = {id for id, tests in outcomes.items() if any(not t.outcome.earns_points for t in tests)}
    for id, tests in outcomes.items():
        if wrong.intersection(after.get(id, ())):
            for test in tests:
                if not test.outcome.earns_points and test.outcome != Outcome.MISSING:
                    test.outcome = Outcome.BLOCKED
