"""A lecture's own graph (graph.dot), each node that is a task coloured by its verdict."""

from __future__ import annotations

import re
from pathlib import Path

from autograder.course import Course, Lecture
from autograder.errors import CourseError
from autograder.learn.program import write_graph
from autograder.verdict import Outcome, Report

GRAPH = "graph.dot"
COLOURS = {
    Outcome.PASSED: "#b7e4c7",
    Outcome.MISSING: "#eeeeee",
    Outcome.BLOCKED: "#ffe8a3",
    Outcome.SKIPPED: "#eeeeee",
    Outcome.BROKEN: "#e0aaff",
}
WRONG = "#f4a5a5"


def coloured(source: str, report: Report) -> str:
    """The DOT text with a fill colour for each node whose name is a task's id."""
    lines = [
        f'"{task.id}" [style="filled" fillcolor="{COLOURS.get(task.outcome, WRONG)}"]'
        for task in report.tasks
        if re.search(rf"(?<![\w.]){re.escape(task.id)}(?![\w.])", source)
    ]
    head, brace, _ = source.rpartition("}")
    return "\n".join([head, *lines, brace]) + "\n"


def draw(course: Course, lecture: Lecture, report: Report) -> Path | None:
    """Write the picture below pictures/; its path, or None if the lecture has no graph.

    Without graphviz's `dot` program the DOT text is written.
    """
    file = lecture.home / GRAPH
    if not file.is_file():
        return None
    source = coloured(file.read_text(encoding="utf-8"), report)
    path = course.root / "pictures" / lecture.id / GRAPH
    path.parent.mkdir(parents=True, exist_ok=True)
    import graphviz

    try:
        return write_graph(source, path)
    except graphviz.CalledProcessError as error:
        raise CourseError(f"{file}: dot can't draw it: {error.stderr.decode().strip()}") from None
