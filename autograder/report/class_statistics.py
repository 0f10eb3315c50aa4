"""What a class got wrong, and what each student has in all lectures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from autograder.verdict import Diagnosis, Report


@dataclass(frozen=True)
class TaskFailures:
    """A task of the class: how many have it wrong, and with which mistakes."""

    task: str
    wrong: int
    mistakes: list[tuple[Diagnosis, int]]


def common_failures(reports: Sequence[Report]) -> list[TaskFailures]:
    """The tasks that the class got wrong, most first; not what is missing or blocked."""
    wrong: Counter[str] = Counter()
    named: dict[str, Counter[Diagnosis]] = {}
    for report in reports:
        for task in () if report.problem else report.tasks:
            if task.outcome.wrong and not task.bonus:
                wrong[task.id] += 1
                if task.diagnosis is not None:
                    named.setdefault(task.id, Counter())[task.diagnosis] += 1
    return [
        TaskFailures(id, count, named.get(id, Counter()).most_common())
        for id, count in sorted(wrong.items(), key=lambda item: (-item[1], item[0]))
    ]


@dataclass(frozen=True)
class Total:
    """One student's scores in all lectures that they handed something in for."""

    student: str
    scores: dict[str, float]
    points: float

    @property
    def score(self) -> float:
        return sum(self.scores.values())


def lectures(reports: Sequence[Report]) -> dict[str, list[Report]]:
    """The reports of each lecture, lectures in their order."""
    found: dict[str, list[Report]] = {}
    for report in sorted(reports, key=lambda report: report.lecture):
        found.setdefault(report.lecture, []).append(report)
    return found


def totals(reports: Sequence[Report]) -> list[Total]:
    """A total for each student, by name; the same of points for all."""
    points = sum(of[0].points for of in lectures(reports).values())
    scores: dict[str, dict[str, float]] = {}
    for report in reports:
        scores.setdefault(report.submission, {})[report.lecture] = report.score
    return [Total(student, scores[student], points) for student in sorted(scores)]
