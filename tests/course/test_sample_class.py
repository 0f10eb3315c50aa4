"""The sample class: every submission has the outcome that its own first line promises.

`# promises: passed`                       all tasks but a bonus
`# promises: missing` (or error)           every task
`# promises: failed Value.tanh tanh_rule`  that task, diagnosed so (`-`: no diagnosis); no other is
                                           worse than blocked
"""

from __future__ import annotations

import html
import re
import tarfile
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT, Once, outcomes

from autograder.course import Lecture, load_course
from autograder.grading.entries import find_submissions, read_class, student_name
from autograder.grading.options import GradeOptions
from autograder.grading.pool import grade_submissions
from autograder.grading.results import Results
from autograder.report.class_statistics import common_failures
from autograder.report.page import to_html
from autograder.sandbox import machine
from autograder.verdict import Report

COURSE = load_course(ROOT)
SAMPLES = [
    lecture for lecture in COURSE.lectures if (ROOT / "data" / "sample_class" / lecture.id).is_dir()
]


def promise(entry: Path) -> list[str]:
    """The words of a submission's first line."""
    if entry.is_dir():
        text = next(entry.glob("*.py")).read_text()
    elif entry.name.endswith(".zip"):
        with zipfile.ZipFile(entry) as archive:
            text = archive.read(archive.namelist()[0]).decode()
    elif entry.name.endswith(".tar.gz"):
        with tarfile.open(entry) as archive:
            text = archive.extractfile(archive.next()).read().decode()  # type: ignore[union-attr,arg-type]
    else:
        text = entry.read_text()
    found = re.match(r"# promises: (.+)\n", text)
    assert found, f"{entry.name} promises nothing"
    return found[1].split()


@pytest.fixture(scope="module")
def graded(once: Once) -> dict[str, dict[str, Report]]:
    """Lecture -> student -> report."""

    def write(folder: Path) -> None:
        for lecture in SAMPLES:
            results = Results(folder / lecture.id)
            results.make()
            for report in grade(lecture).values():
                results.write(report)

    made = once("sample_class", write)
    return {
        lecture.id: {r.submission: r for r in Results(made / lecture.id).read()}
        for lecture in SAMPLES
    }


def grade(lecture: Lecture, **options: object) -> dict[str, Report]:
    given: dict[str, object] = {"layers": machine.available(), "jobs": 2}
    chosen = GradeOptions(COURSE, lecture, **given | options)  # type: ignore[arg-type]
    entries = find_submissions(ROOT / "data" / "sample_class" / lecture.id)
    return {
        report.submission: report
        for report in grade_submissions(chosen, read_class(lecture, entries), many=True)
    }


ENTRIES = [
    (lecture.id, entry)
    for lecture in SAMPLES
    for entry in find_submissions(ROOT / "data" / "sample_class" / lecture.id)
]


@pytest.mark.parametrize(
    ("lecture", "entry"), ENTRIES, ids=[f"{id}-{student_name(e)}" for id, e in ENTRIES]
)
def test_every_submission_keeps_its_promise(
    graded: dict[str, dict[str, Report]], lecture: str, entry: Path
) -> None:
    """The header says what a grader must find."""
    report = graded[lecture][student_name(entry)]
    outcome, task, mistake = [*promise(entry), "", ""][:3]
    found = {id: o for id, o in outcomes(report).items() if not bonus(report, id)}
    if not task:
        assert set(found.values()) == {outcome}
        assert (report.score >= report.points) == (outcome == "passed")
        return
    (named,) = (t.diagnosis.id if t.diagnosis else "-" for t in report.tasks if t.id == task)
    assert (found.pop(task), named) == (outcome, mistake)
    assert set(found.values()) <= {"passed", "blocked", "missing"}
    assert report.score < report.points + 1


def bonus(report: Report, id: str) -> bool:
    return any(task.bonus for task in report.tasks if task.id == id)


@pytest.mark.parametrize("lecture", SAMPLES, ids=lambda lecture: lecture.id)
def test_the_class_is_a_class(lecture: Lecture) -> None:
    """At least twelve; the first lecture's shows every kind of outcome, in every form."""
    entries = find_submissions(ROOT / "data" / "sample_class" / lecture.id)
    promised = {promise(entry)[0] for entry in entries}
    assert len(entries) >= 12
    assert promised >= {"passed", "failed", "error", "timeout", "missing"}
    if lecture is SAMPLES[0]:
        assert len(entries) >= 16
        assert promised >= {"crashed", "refused"}
        assert {".zip", ".gz", ".py"} <= {entry.suffix for entry in entries}


def test_the_page_shows_what_the_class_got_wrong_most(
    graded: dict[str, dict[str, Report]],
) -> None:
    """In lecture 5 that is one gradient, and the sentence of the mistake that most of them made."""
    reports = list(graded["l05_backprop"].values())
    first = common_failures(reports)[0]
    assert (first.task, first.wrong) == ("dcounts", 9)
    assert [(found.id, count) for found, count in first.mistakes] == [("second_use_forgotten", 9)]
    page = html.unescape(to_html(reports))
    assert page.index(first.task) < page.index(first.mistakes[0][0].explanation)


def test_reading_the_hidden_tests_is_tried_and_fails(
    graded: dict[str, dict[str, Report]],
) -> None:
    """Quentin prints what he finds: nothing of a hidden suite is in his report's output."""
    lecture = SAMPLES[0]
    lines = {
        line.strip()
        for line in (lecture.home / "test_hidden.py").read_text().splitlines()
        if len(line.strip()) > 20
    }
    for task in graded[lecture.id]["quentin"].tasks:
        for test in task.tests:
            assert lines.isdisjoint(line.strip() for line in test.output.splitlines())


@pytest.mark.slow
@pytest.mark.parametrize("lecture", SAMPLES, ids=lambda lecture: lecture.id)
def test_the_same_class_again(lecture: Lecture) -> None:
    """Jobs 1 and 2, fork and spawn: the same bytes, seconds aside."""
    from test_grade import plainly

    first = plainly(grade(lecture))
    assert plainly(grade(lecture, jobs=1)) == first
    assert plainly(grade(lecture, start_method="spawn")) == first
