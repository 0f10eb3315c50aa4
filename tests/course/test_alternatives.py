"""Right work in other styles gets full points: rejecting it would be the worst defect."""

from __future__ import annotations

import pytest
from conftest import ROOT

from autograder.grading.pool import grade_submissions
from autograder.sandbox import machine
from autograder.course import Lecture, load_course
from autograder.grading.options import GradeOptions

COURSE = load_course(ROOT)
WAYS = ROOT / "tests" / "alternatives"
LECTURES = [lecture for lecture in COURSE.lectures if (WAYS / lecture.id).is_dir()]


@pytest.mark.parametrize("lecture", LECTURES, ids=lambda lecture: lecture.id)
def test_every_right_way_has_full_points(lecture: Lecture) -> None:
    """Whatever the style: every task but a bonus passes."""
    plan = GradeOptions(COURSE, lecture, jobs=2, layers=machine.available())
    entries = sorted(path for path in (WAYS / lecture.id).iterdir() if path.is_dir())
    wrong = [
        f"{report.submission}: {task.id}: {test.id}: {test.outcome}: {test.detail}"
        for report in batch.grade_all(plan, entries)
        for task in report.tasks
        for test in task.tests
        if test.outcome not in ("passed", "skipped") and not task.bonus
    ]
    assert len(entries) >= 5
    assert wrong == []
