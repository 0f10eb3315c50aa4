"""Reports for a terminal: one submission for its author, a class as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from autograder.report.class_statistics import lectures, totals
from autograder.report.signs import SIGNS, first_problem, number
from autograder.sandbox.text import sanitize
from autograder.verdict import Outcome, Report, TaskResult, TestResult


def student_text(report: Report, title: str = "", hint: str = "autograder hint") -> Text:
    """One submission for its author: each task a line, and under it what to look at.

    Give it `learn.check.for_student(report)`: it prints every detail that the report has.
    """
    text = Text()
    text.append(title or report.lecture, style="bold")
    text.append(f"   {number(report.score)} of {number(report.points)} points\n")
    if report.problem:
        text.append(f"\n{report.problem}\n", style="red")
        return text
    for task in report.tasks:
        _task_lines(text, task, hint)
    notes = [test.notes for task in report.tasks for test in task.tests if test.notes]
    text.append("\n" + "\n".join(notes) + "\n" if notes else "")
    if report.output:
        text.append("\noutput of the import:\n", style="dim")
        text.append(_indent(report.output, 2, 20), style="dim")
    return text


def _task_lines(text: Text, task: TaskResult, hint: str) -> None:
    sign, style = SIGNS[task.outcome]
    text.append(f" {sign} ", style=style)
    points = f"{number(task.score)}/{number(task.points)}" + (" bonus" if task.bonus else "")
    text.append(f"{task.id:<24} {points:<8} ")
    text.append("" if task.outcome is Outcome.PASSED else task.outcome, style=style)
    text.append("\n")
    if task.outcome in (Outcome.PASSED, Outcome.MISSING, Outcome.BLOCKED):
        return
    for test in task.tests:
        if test.outcome not in (Outcome.PASSED, Outcome.SKIPPED, Outcome.BLOCKED):
            _test_lines(text, test)
    if task.diagnosis is not None:
        text.append(f"     → {task.diagnosis.explanation}\n", style="bold cyan")
    if task.outcome is not Outcome.BROKEN:
        text.append(f"     {hint} {task.id}\n", style="dim")


def _test_lines(text: Text, test: TestResult) -> None:
    text.append(f"     {test.title}\n")
    shown = test.detail or test.summary
    if shown:
        text.append(_indent(shown, 7, 12), style="dim")
    if test.output:
        text.append("       output:\n", style="dim")
        text.append(_indent(test.output, 9, 12), style="dim")


def _indent(text: str, by: int, most: int) -> str:
    lines = text.rstrip("\n").split("\n")
    shown = lines if len(lines) <= most else [*lines[: most - 1], "…"]
    return "".join(" " * by + line + "\n" for line in shown)


def class_table(reports: Sequence[Report]) -> Table:
    """A line for each submission: score, outcomes, and the first thing to look at."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, justify in (("submission", "left"), ("score", "right"), ("of", "left")):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    table.add_column("tasks")
    table.add_column("first to look at", overflow="fold")
    for report in reports:
        table.add_row(
            Text(sanitize(report.submission)),
            number(report.score),
            number(report.points),
            _counts(report),
            Text(sanitize(first_problem(report))),
        )
    return table


def _counts(report: Report) -> Text:
    counts: Counter[str] = Counter(task.outcome for task in report.tasks)
    text = Text()
    for outcome, (sign, style) in SIGNS.items():
        if counts[outcome]:
            text.append(f"{sign}{counts[outcome]} ", style=style)
    return text


def totals_table(reports: Sequence[Report]) -> Table:
    """A line for each student: the score in each lecture, and in all."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    ids = list(lectures(reports))
    for name in ("student", "total", "of", *(id.split("_")[0] for id in ids)):
        table.add_column(name, justify="left" if name == "student" else "right", no_wrap=True)
    for total in totals(reports):
        scores = [number(total.scores[id]) if id in total.scores else "" for id in ids]
        student = Text(sanitize(total.student))
        table.add_row(student, number(total.score), number(total.points), *scores)
    return table
