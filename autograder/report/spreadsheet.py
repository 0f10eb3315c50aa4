"""Reports as CSV: a row for each submission, a column for each task."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from autograder.sandbox.text import sanitize
from autograder.verdict import Report


def to_csv(reports: Sequence[Report]) -> str:
    """A row for each submission, a column for each task; no cell that a spreadsheet would run."""
    tasks = list(dict.fromkeys(task.id for report in reports for task in report.tasks))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        map(_cell, ["submission", "lecture", "score", "points", *tasks, "mistakes", "problem"])
    )
    for report in reports:
        scores = {task.id: f"{task.score:g}" for task in report.tasks}
        mistakes = [f"{task.id}:{task.diagnosis.id}" for task in report.tasks if task.diagnosis]
        row = [report.submission, report.lecture, f"{report.score:g}", f"{report.points:g}"]
        row += [scores.get(task, "") for task in tasks]
        writer.writerow(map(_cell, [*row, " ".join(mistakes), report.problem.split("\n")[0]]))
    return out.getvalue()


def _cell(text: str) -> str:
    """One line, and none that a spreadsheet would run.

    Some of them part cells at a semicolon, whatever stands around it, or know signs of double
    width.
    """
    line = re.sub(r"[\t\r\n]+", " ", text) if re.search(r"[\t\r]|^\n", text) else text
    return re.sub(r"(^|;)(?=[\s\"']*[=+\-@＝＋－＠])", r"\1'", sanitize(line, len(line)))
