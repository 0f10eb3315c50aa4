"""The page of a class: one HTML file, no script, nothing fetched; a part for each lecture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograder.report.class_statistics import common_failures, lectures, totals
from autograder.report.signs import SIGNS, number
from autograder.sandbox.text import sanitize
from autograder.verdict import Report, TaskResult


def to_html(reports: Sequence[Report], title: str = "") -> str:
    """The page of a class: one file, no script, nothing fetched; a part for each lecture."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("autograder.report", ""),
        autoescape=True,
        finalize=lambda value: sanitize(value, len(value)) if isinstance(value, str) else value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    parts = [_part(id, of) for id, of in lectures(reports).items()] or [_part("", [])]
    return environment.get_template("class.html").render(
        title=title or ", ".join(lectures(reports)) or "no reports",
        parts=parts,
        totals=totals(reports),
        signs=SIGNS,
        number=number,
    )


def _part(id: str, reports: Sequence[Report]) -> dict[str, Any]:
    """What the page says of one lecture."""
    tasks: list[dict[str, TaskResult]] = [{task.id: task for task in r.tasks} for r in reports]
    return {
        "lecture": id,
        "reports": list(zip(reports, tasks, strict=True)),
        "tasks": list(dict.fromkeys((t.id, t.points) for r in reports for t in r.tasks)),
        "failures": common_failures(reports),
        "mean": sum(r.score for r in reports) / len(reports) if reports else 0.0,
    }
