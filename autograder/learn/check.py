"""Check a student's own work where it lies."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
from rich.console import Console

from autograder.course import Course, Lecture
from autograder.errors import UsageError
from autograder.grading.entries import student_name
from autograder.grading.intake import read_submission
from autograder.grading.options import GradeOptions
from autograder.grading.pool import grade_submissions
from autograder.grading.submission import Submission
from autograder.learn.graph import draw
from autograder.report.terminal import student_text
from autograder.sandbox import machine
from autograder.sandbox.forkserver import ForkServer
from autograder.verdict import Report


def selected(course: Course, names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Lecture id -> its chosen tasks (none: all of them); every lecture if nothing is named."""
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


def check_work(
    course: Course, names: tuple[str, ...], work: Path, device: str, start_method: str
) -> list[Report]:
    """Check the named lectures and tasks, and print each report."""
    console, found = Console(highlight=False), []
    layers = machine.available()
    with ForkServer(course.imports, start_method) as server:
        for id, tasks in selected(course, names).items():
            lecture = course.lecture(id)
            options = GradeOptions(course, lecture, device, 1, layers, start_method, tasks, server)
            found.append(check(options, work))
            text = student_text(found[-1], f"{lecture.id}  {lecture.title}")
            console.print(text, end="", soft_wrap=True)
            if not tasks:
                _draw_graph(console, course, lecture, found[-1])
    return found


def _draw_graph(console: Console, course: Course, lecture: Lecture, report: Report) -> None:
    """Draw the lecture's graph, if it has one; without the picture the verdict is the same."""
    try:
        picture = draw(course, lecture, report)
    except OSError as error:
        click.echo(f"the picture of the graph can't be written: {error}", err=True)
        return
    if picture is not None:
        console.print(
            f"\nThe lecture's graph, each task in the colour of its verdict: {picture}",
            soft_wrap=True,
        )


def check(options: GradeOptions, work: Path) -> Report:
    """The report of what lies in `work` for a lecture, as its student may see it."""
    lecture, tasks = options.lecture, options.tasks
    report = next(iter(grade_submissions(options, [own(lecture, work)], many=False)))
    for id in set(tasks) - {task.id for task in report.tasks}:
        raise UsageError(
            f"{lecture.id}.{id} has no visible test; it is checked when you submit your work"
        )
    return for_student(report)


def own(lecture: Lecture, work: Path) -> Submission:
    """What lies in `work`: the lecture's folder in it, or `work` itself."""
    folder = work / lecture.id
    if not folder.is_dir():
        folder = work
    if not folder.is_dir():
        raise UsageError(f"{work}: there is no such folder; --work names the folder of your files")
    return read_submission(student_name(folder), folder, lecture.id, lecture.files)


def for_student(report: Report) -> Report:
    """The report without what a hidden test would give away: its values and its output."""
    copy = msgspec.json.decode(msgspec.json.encode(report), type=Report)
    for task in copy.tasks:
        for test in task.tests:
            if not test.visible:
                test.detail = test.notes = test.output = ""
    return copy
