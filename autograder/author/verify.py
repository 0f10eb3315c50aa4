"""The course verifies itself: references, stubs, mistakes, odd answers, exercises/."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import click

from autograder.author import stubs
from autograder.course import Course, Lecture
from autograder.diagnosis.diagnose import KnownMistakes, Trace, diagnose, read_wrong_answers
from autograder.diagnosis.mistakes import Mistake, load_mistakes, reference_files, wrong_files
from autograder.grading.options import GradeOptions
from autograder.grading.pool import grade_submissions, wrong_answers
from autograder.grading.submission import Submission
from autograder.sandbox.forkserver import ForkServer
from autograder.suite.stub import cut
from autograder.verdict import Outcome, Report

# What a function of a confused student returns. No test may break on it.
ODD_ANSWERS = (
    "None",
    "[]",
    "{}",
    "''",
    "float('nan')",
    "-1",
    "[None, 1.5, 'a']",
    "(1, 2)",
    "b'x'",
    "{0}",
)


@dataclass
class Verified:
    """The result for one lecture; the lecture is right if `faults` is empty."""

    lecture: Lecture
    tests: int = 0
    mistakes: int = 0
    diagnosed: int = 0
    faults: list[str] = field(default_factory=list)


def verify_lectures(options: GradeOptions, lectures: Sequence[Lecture]) -> int:
    """Verify lectures, print what was found, and return how many faults there are.

    options: those of each lecture, but for the lecture itself.
    """
    faults = 0
    with ForkServer(options.course.imports, options.start_method) as server:
        for lecture in lectures:
            chosen = replace(options, lecture=lecture, fork_server=server)
            result = verify(options.course, lecture, chosen)
            for fault in result.faults:
                click.echo(f"{lecture.id}: {fault}", err=True)
            share = 100 * result.diagnosed / result.mistakes if result.mistakes else 100
            click.echo(
                f"{lecture.id}: {len(lecture.tasks)} tasks, {result.tests} tests;"
                f" {result.diagnosed} of {result.mistakes} mistakes fail where they should and are"
                f" diagnosed ({share:.0f} %); {len(result.faults)} faults"
            )
            faults += len(result.faults)
    return faults


def verify(course: Course, lecture: Lecture, options: GradeOptions) -> Verified:
    """Grade the reference, the stubs, every mistake and odd answers; compare exercises/."""
    result = Verified(lecture)
    mistakes = {_name(mistake): mistake for mistake in load_mistakes(lecture)}
    result.mistakes = len(mistakes)
    for report in grade_submissions(options, _submissions(lecture, mistakes), many=True):
        if report.submission == "reference":
            result.tests = sum(len(task.tests) for task in report.tasks)
            result.faults += _reference_faults(report)
        elif report.submission == "stub":
            result.faults += _stub_faults(report)
        elif report.submission in mistakes:
            faults = list(_mistake_faults(lecture, report, mistakes[report.submission]))
            result.diagnosed += not faults
            result.faults += faults
        else:
            result.faults += _odd_faults(report)
    asked_twice = [read_wrong_answers(wrong_answers(options), "wrong_answers.json") for _ in "12"]
    result.faults += _release_faults(*asked_twice)
    for path in stubs.differences(course, lecture):
        result.faults.append(f"exercises/{path} is out of date; run `autograder stubs`")
    return result


def _name(mistake: Mistake) -> str:
    return f"mistake {mistake.task} {mistake.id}"


def _submissions(lecture: Lecture, mistakes: dict[str, Mistake]) -> Iterator[Submission]:
    reference = reference_files(lecture)
    stub = {name: cut(data.decode(), name).encode() for name, data in reference.items()}
    yield Submission(name="reference", files=reference)
    yield Submission(name="stub", files=stub)
    for name, mistake in mistakes.items():
        yield Submission(name=name, files=wrong_files(lecture, mistake))
    for odd in ODD_ANSWERS:
        returns = f"return {odd}".replace("\\", r"\\")
        pattern = re.compile(r"raise NotImplementedError\(.*\)")
        files = {n: pattern.sub(returns, data.decode()).encode() for n, data in stub.items()}
        yield Submission(name=f"odd {odd}", files=files)


def _reference_faults(report: Report) -> Iterator[str]:
    if report.problem:
        yield f"the reference: {report.problem}"
    for task in report.tasks:
        for test in task.tests:
            if test.outcome not in (Outcome.PASSED, Outcome.SKIPPED):
                yield f"the reference: {test.id}: {test.outcome}: {test.detail}"


def _stub_faults(report: Report) -> Iterator[str]:
    for task in report.tasks:
        for test in task.tests:
            if test.outcome is not Outcome.MISSING:
                yield f"the stub: {test.id} ({task.id}): {test.outcome}, not missing: {test.detail}"


def _mistake_faults(lecture: Lecture, report: Report, mistake: Mistake) -> Iterator[str]:
    where = f'mistake "{mistake.id}" of {mistake.task}'
    if report.problem:
        yield f"{where}: {report.problem}"
        return
    for task in report.tasks:
        wrong = [test for test in task.tests if not test.outcome.earns_points]
        broken = [test for test in task.tests if test.outcome is Outcome.BROKEN]
        if broken:
            yield f"{where}: breaks {broken[0].id}: {broken[0].detail}"
        if task.id == mistake.task:
            if not wrong:
                yield f"{where}: no test of its task fails"
            elif task.diagnosis is None or task.diagnosis.id != mistake.id:
                other = task.diagnosis.id if task.diagnosis else "none"
                yield f"{where}: its diagnosis is {other}"
        elif wrong and mistake.task not in lecture.after[task.id]:
            yield f"{where}: {task.id} fails too ({wrong[0].id}) and isn't after it"


def _odd_faults(report: Report) -> Iterator[str]:
    for task in report.tasks:
        for test in task.tests:
            if test.outcome is Outcome.BROKEN:
                yield f"{report.submission}: {test.id} breaks: {test.detail}"


def _release_faults(released: KnownMistakes, asked_again: KnownMistakes) -> Iterator[str]:
    """Whether a released course diagnoses each mistake that its visible tests catch."""
    for task, mistakes in asked_again.items():
        for mistake in mistakes:
            traces = {id: Trace(False, answers) for id, answers in mistake.answers.items()}
            twins = [other.diagnosis for other in mistakes if diagnose(traces, [other])]
            if diagnose(traces, released[task]) not in twins:
                yield f'mistake "{mistake.id}" of {task}: a released course does not diagnose it'
