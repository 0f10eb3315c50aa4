"""A student's own work, checked where it lies."""

from __future__ import annotations

from pathlib import Path

from autograder import batch
from autograder.course import Course, Lecture
from autograder.errors import UsageError
from autograder.pool import Plan
from autograder.submission import Submission, read_submission
from autograder.verdict import Report


def selected(course: Course, names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Lecture id -> the tasks asked for, all if none; every lecture if nothing is named."""
    if not names:
        return {lecture.id: () for lecture in course.lectures}
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        lecture, task = course.find(name)
        before = found.get(lecture.id)
        if task is None or before == ():
            found[lecture.id] = ()
        else:
            found[lecture.id] = (*(before or ()), task.id)
    return found


def check(plan: Plan, work: Path) -> Report:
    """The report of what lies in `work` for a lecture."""
    lecture, tasks = plan.lecture, plan.tasks
    report = next(iter(batch.grade_submissions(plan, [own(lecture, work)], many=False)))
    for id in set(tasks) - {task.id for task in report.tasks}:
        raise UsageError(
            f"{lecture.id}.{id} has no visible test; it is checked when you hand it in"
        )
    return report


def own(lecture: Lecture, work: Path) -> Submission:
    """What lies in `work`: the lecture's folder in it, or `work` itself."""
    folder = work / lecture.id
    if not folder.is_dir():
        folder = work
    if not folder.is_dir():
        raise UsageError(f"{work}: there is no such folder; --work names where your files lie")
    return read_submission(folder, lecture.id, lecture.files)
