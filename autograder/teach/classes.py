"""Grade a class: every submission of a folder, with a report for each."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.progress import Progress

from autograder.course import Course, Lecture
from autograder.errors import UsageError
from autograder.grading.entries import find_submissions, read_class
from autograder.grading.options import GradeOptions
from autograder.grading.pool import WARM_UP_FROM, grade_submissions
from autograder.grading.results import Results, write_page
from autograder.report.page import to_html
from autograder.report.signs import signs_text
from autograder.report.terminal import class_table, totals_table
from autograder.sandbox import machine
from autograder.sandbox.forkserver import ForkServer
from autograder.verdict import Report


def grade_lectures(
    options: GradeOptions, lectures: Sequence[Lecture], submissions: Path, out: Path
) -> list[Report]:
    """Grade a class for one lecture or more, and print the tables and where the reports are.

    options: those of each lecture, but for the lecture itself.
    """
    console, found = Console(highlight=False), []
    course, several = options.course, len(lectures) > 1
    with ForkServer(course.imports, options.start_method) as server:
        for lecture in lectures:
            if several:
                console.print(lecture.title, style="bold", markup=False)
            chosen = replace(options, lecture=lecture, fork_server=server)
            reports = grade_class(chosen, submissions, out)
            console.print(class_table(reports))
            found += reports
    console.print(signs_text(), style="dim")
    if several:
        console.print(totals_table(found))
        write_page(out / "all.html", to_html(found, course.title))
        console.print(f"The page of the course: {(out / 'all.html').resolve()}", soft_wrap=True)
    where = out if several else out / lectures[0].id
    console.print(f"{len(found)} reports in {where}", soft_wrap=True)
    return found


def grade_samples(course: Course, out: Path, jobs: int) -> list[Report]:
    """Grade the sample classes that the course ships, and write a page for each."""
    samples = course.root / "data" / "sample_class"
    lectures = [lecture for lecture in course.lectures if (samples / lecture.id).is_dir()]
    if not lectures:
        raise UsageError(f"{samples}: this course ships no sample class")
    console, found = Console(highlight=False), []
    with ForkServer(course.imports) as server:
        for lecture in lectures:
            options = GradeOptions(
                course, lecture, jobs=jobs, layers=machine.available(), fork_server=server
            )
            for old in (out / lecture.id).glob("*.json"):  # a demonstration grades anew
                old.unlink()
            reports = grade_class(options, samples / lecture.id, out)
            page = out / f"{lecture.id}.html"
            write_page(page, to_html(reports, f"{lecture.title}: the sample class"))
            console.print(class_table(reports))
            console.print(signs_text(), style="dim")
            console.print(f"The page of the class: {page.resolve()}", soft_wrap=True)
            found += reports
    return found


def grade_class(options: GradeOptions, submissions: Path, out: Path) -> list[Report]:
    """Grade a class and write a report for each submission; the reports, by name.

    A submission whose report lies in `out` already, with the same files, suite and machine, is not
    graded again.
    """
    entries = find_submissions(submissions)
    results = Results(out / options.lecture.id)
    results.make()
    found, todo = [], []
    with ProgressBar() as bar:
        for submission in read_class(options.lecture, entries):
            known = results.fresh(options, submission)
            if known is None:
                todo.append(submission)
                continue
            found.append(known)
            bar.add(known, len(entries))
        many = len(todo) >= WARM_UP_FROM
        for report in grade_submissions(options, todo, many, (submissions, out)) if todo else ():
            results.write(report)
            found.append(report)
            bar.add(report, len(entries))
    return sorted(found, key=lambda report: report.submission)


class ProgressBar:
    """Shows how many reports there are: a bar on a terminal, a line for each elsewhere."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self.bar = Progress(console=console, transient=True) if console.is_terminal else None
        self.done = 0

    def __enter__(self) -> Self:
        if self.bar:
            self.bar.start()
            self.task = self.bar.add_task("grading", total=None)
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar:
            self.bar.stop()

    def add(self, report: Report, total: int) -> None:
        self.done += 1
        if self.bar:
            self.bar.update(self.task, completed=self.done, total=total)
        else:
            score = f"{report.score:g}/{report.points:g}"
            line = f"{self.done}/{total} {report.submission}: {score}"
            print(line, file=sys.stderr, flush=True)  # noqa: T201  progress is for a person
