"""Shared by terminal and page: a sign for each outcome, points as text, the first fault."""

from __future__ import annotations

from autograder.verdict import Outcome, Report

SIGNS: dict[Outcome, tuple[str, str]] = {
    Outcome.PASSED: ("✓", "green"),
    Outcome.FAILED: ("✗", "red"),
    Outcome.ERROR: ("!", "red"),
    Outcome.TIMEOUT: ("◔", "red"),
    Outcome.CRASHED: ("☠", "red"),
    Outcome.REFUSED: ("⊘", "magenta"),
    Outcome.MISSING: ("·", "dim"),
    Outcome.BLOCKED: ("↑", "yellow"),
    Outcome.SKIPPED: ("–", "dim"),
    Outcome.BROKEN: ("?", "bold magenta"),
}


def number(points: float) -> str:
    """Points for a person: two digits behind the point at most.

    >>> number(7.50), number(38.8611)
    ('7.5', '38.86')
    """
    return f"{round(points, 2):g}"


def first_problem(report: Report) -> str:
    """One line that says where to begin with a submission; empty if all is well."""
    if report.problem:
        return report.problem.split("\n")[0]
    for task in report.tasks:
        if (
            task.outcome not in (Outcome.PASSED, Outcome.SKIPPED, Outcome.BLOCKED)
            and not task.bonus
        ):
            mistake = f" ({task.diagnosis.id})" if task.diagnosis else ""
            return f"{task.id}: {task.outcome}{mistake}"
    return ""


def signs_text() -> str:
    """What the signs of the table mean."""
    return "  ".join(f"{sign} {outcome}" for outcome, (sign, _) in SIGNS.items())
