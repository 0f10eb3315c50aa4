"""A suite holds for every secret: the inputs change, no verdict does."""

from __future__ import annotations

import pytest
from conftest import ROOT

from autograder.course import SECRET_VARIABLE, Lecture, load_course
from autograder.diagnosis.mistakes import load_mistakes, reference_files, wrong_files
from autograder.grading.entries import read_class
from autograder.grading.options import GradeOptions
from autograder.grading.pool import grade_submissions
from autograder.grading.submission import Submission
from autograder.sandbox import machine
from autograder.suite.stub import cut

COURSE = load_course(ROOT)
SECRETS = [f"secret {number}" for number in range(20)]


def everybody(lecture: Lecture) -> list[Submission]:
    """The reference, the stubs, every mistake and every alternative solution."""
    reference = reference_files(lecture)
    stubs = {name: cut(data.decode(), name).encode() for name, data in reference.items()}
    found = [
        Submission(name="reference", files=reference),
        Submission(name="stubs", files=stubs),
    ]
    for mistake in load_mistakes(lecture):
        name = f"{mistake.task} {mistake.id}"
        found.append(Submission(name=name, files=wrong_files(lecture, mistake)))
    alternatives = sorted((ROOT / "tests" / "alternatives" / lecture.id).iterdir())
    return [*found, *read_class(lecture, alternatives)]


def verdicts(lecture: Lecture) -> dict[str, list[tuple[str, str, float, str]]]:
    """Submission -> (task, outcome, score, mistake) for each task.

    How many tests of a blocked task pass all the same is chance.
    """
    plan = GradeOptions(COURSE, lecture, jobs=2, layers=machine.available())
    return {
        report.submission: [
            (
                task.id,
                task.outcome,
                0.0 if task.outcome == "blocked" else task.score,
                task.diagnosis.id if task.diagnosis else "",
            )
            for task in report.tasks
        ]
        for report in grade_submissions(plan, everybody(lecture), many=True)
    }


@pytest.mark.slow
@pytest.mark.parametrize("lecture", COURSE.lectures, ids=lambda lecture: lecture.id)
def test_twenty_secrets_and_one_verdict(lecture: Lecture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is lucky."""
    monkeypatch.setenv(SECRET_VARIABLE, "the first")
    first = verdicts(lecture)
    for secret in SECRETS:
        monkeypatch.setenv(SECRET_VARIABLE, secret)
        now = verdicts(lecture)
        assert {name: v for name, v in now.items() if v != first[name]} == {}, secret
