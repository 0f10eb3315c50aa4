"""Grade a class: every hand-in of a folder, with a report for each."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from autograder import batch
from autograder.pool import Plan
from autograder.submission import find_submissions
from autograder.verdict import Report


def grade_class(plan: Plan, submissions: Path, out: Path) -> Iterator[tuple[Report, int]]:
    """(report, how many there will be), each written before it is told of.

    A hand-in whose report lies in `out` already, from the same work, suite and machine, is
    not graded again.
    """
    entries = find_submissions(submissions)
    results = batch.Results(out / plan.lecture.id)
    results.make()
    todo = []
    for submission in batch.read_class(plan.lecture, entries):
        known = results.fresh(plan, submission)
        if known is not None:
            yield known, len(entries)
        else:
            todo.append(submission)
    if todo:
        for report in batch.grade_submissions(
            plan, todo, len(todo) >= batch.DEEP_FROM, (submissions, out)
        ):
            results.write(report)
            yield report, len(entries)


def progress(reports: Iterator[tuple[Report, int]]) -> list[Report]:
    """Consume them, with a bar on a terminal and a line each elsewhere; sorted by name."""
    from rich.console import Console
    from rich.progress import Progress

    found = []
    console = Console(stderr=True)
    if console.is_terminal:
        with Progress(console=console, transient=True) as bar:
            task = bar.add_task("grading", total=None)
            for report, count in reports:
                found.append(report)
                bar.update(task, completed=len(found), total=count)
    else:
        for report, count in reports:
            found.append(report)
            line = f"{len(found)}/{count} {report.submission}: {report.score:g}/{report.points:g}"
            print(line, file=sys.stderr, flush=True)  # noqa: T201  progress is for a person
    return sorted(found, key=lambda report: report.submission)
