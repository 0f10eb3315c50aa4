"""Correct work in other styles gets full points: to reject it would be the worst defect."""

from __future__ import annotations

import pytest
from conftest import ROOT

from autograder.course import Lecture, load_course
from autograder.grading.entries import read_class
from autograder.grading.options import GradeOptions
from autograder.grading.pool import grade_submissions
from autograder.sandbox import machine
from autograder.sandbox.forkserver import ForkServer
from autograder.verdict import Outcome

COURSE = load_course(ROOT)
ALTERNATIVES = ROOT / "tests" / "alternatives"
LECTURES = [lecture for lecture in COURSE.lectures if (ALTERNATIVES / lecture.id).is_dir()]


@pytest.mark.parametrize("lecture", LECTURES, ids=lambda lecture: lecture.id)
def test_every_alternative_solution_has_full_points(
    lecture: Lecture, fork_server: ForkServer
) -> None:
    """Whatever the style: every task but a bonus passes."""
    options = GradeOptions(
        COURSE, lecture, jobs=2, layers=machine.available(), fork_server=fork_server
    )
    entries = sorted(path for path in (ALTERNATIVES / lecture.id).iterdir() if path.is_dir())
    wrong = [
        f"{report.submission}: {task.id}: {test.id}: {test.outcome}: {test.detail}"
        for report in grade_submissions(options, read_class(lecture, entries), many=True)
        for task in report.tasks
        for test in task.tests
        if test.outcome not in (Outcome.PASSED, Outcome.SKIPPED) and not task.bonus
    ]
    assert len(entries) >= 5
    assert wrong == []
