"""The report of a submission, made from its tasks; and the report where a process of ours ended."""

from __future__ import annotations

import functools
import importlib.metadata
import platform

import autograder
from autograder.grading.options import GradeOptions
from autograder.grading.submission import Submission
from autograder.verdict import Outcome, Report, TaskResult, total


def make_report(
    options: GradeOptions,
    submission: Submission,
    tasks: list[TaskResult],
    problem: str = "",
    seconds: float = 0.0,
    output: str = "",
) -> Report:
    """A report of these tasks."""
    score, points = total(tasks)
    return Report(
        course=options.course.name,
        lecture=options.lecture.id,
        submission=submission.name,
        digest=submission.digest,
        suite=options.suite,
        device=options.device,
        versions=versions(),
        isolation=list(options.layers),
        problem=problem,
        score=score,
        points=points,
        seconds=seconds,
        tasks=tasks,
        output=output,
    )


def broken_report(options: GradeOptions, submission: Submission, attempts: int) -> Report:
    """The report of a submission with which a suite process ended each time."""
    tasks = [
        TaskResult(
            id=task.id, outcome=Outcome.BROKEN, score=0.0, points=task.points, bonus=task.bonus
        )
        for task in options.lecture.tasks
    ]
    problem = f"the suite process ended {attempts} times with this submission; grade it by hand"
    return make_report(options, submission, tasks, problem)


@functools.cache
def versions() -> dict[str, str]:
    """The versions that a verdict may depend on."""
    found = {"python": platform.python_version(), "autograder": autograder.__version__}
    return found | {name: importlib.metadata.version(name) for name in ("numpy", "torch")}
