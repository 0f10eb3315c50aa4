"""The course checks itself: what it promises of every lecture, tried."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from autograder import batch
from autograder.author import stubs
from autograder.course import Course, Lecture
from autograder.mistake import Mistake, load_mistakes, reference_files, wrong_files
from autograder.pool import Plan, Warm
from autograder.stub import cut
from autograder.submission import Submission
from autograder.verdict import COUNTS, Report

# What a function of a confused student returns. No test may break on it.
ODD = ("None", "[]", "{}", "''", "float('nan')", "-1", "[None, 1.5, 'a']", "(1, 2)", "b'x'", "{0}")


@dataclass
class Verified:
    """What was found of one lecture; it holds if `faults` is empty."""

    lecture: Lecture
    tests: int = 0
    mistakes: int = 0
    named: int = 0
    faults: list[str] = field(default_factory=list)


def verify(course: Course, lecture: Lecture, plan: Plan, warm: Warm) -> Verified:
    """Grade the reference, the stubs, every mistake and odd answers; compare exercises/."""
    result = Verified(lecture)
    mistakes = {_name(mistake): mistake for mistake in load_mistakes(lecture)}
    result.mistakes = len(mistakes)
    for report in batch.grade_submissions(plan, _submissions(lecture, mistakes), many=True):
        if report.submission == "reference":
            result.tests = sum(len(task.tests) for task in report.tasks)
            result.faults += _reference_faults(report)
        elif report.submission == "stub":
            result.faults += _stub_faults(report)
        elif report.submission in mistakes:
            faults = list(_mistake_faults(lecture, report, mistakes[report.submission]))
            result.named += not faults
            result.faults += faults
        else:
            result.faults += _odd_faults(report)
    for path in stubs.differences(course, lecture, warm):
        result.faults.append(f"exercises/{path} isn't what solutions/ says; run `autograder stubs`")
    return result


def _name(mistake: Mistake) -> str:
    return f"mistake {mistake.task} {mistake.id}"


def _submissions(lecture: Lecture, mistakes: dict[str, Mistake]) -> Iterator[Submission]:
    reference = reference_files(lecture)
    stub = {name: cut(data.decode(), name).encode() for name, data in reference.items()}
    yield Submission("reference", reference)
    yield Submission("stub", stub)
    for name, mistake in mistakes.items():
        yield Submission(name, wrong_files(lecture, mistake))
    for odd in ODD:
        returns = f"return {odd}".replace("\\", r"\\")
        pattern = re.compile(r"raise NotImplementedError\(.*\)")
        files = {n: pattern.sub(returns, data.decode()).encode() for n, data in stub.items()}
        yield Submission(f"odd {odd}", files)


def _reference_faults(report: Report) -> Iterator[str]:
    if report.problem:
        yield f"the reference: {report.problem}"
    for task in report.tasks:
        for test in task.tests:
            if test.outcome not in ("passed", "skipped"):
                yield f"the reference: {test.id}: {test.outcome}: {test.why}"


def _stub_faults(report: Report) -> Iterator[str]:
    for task in report.tasks:
        for test in task.tests:
            if test.outcome != "missing":
                yield f"the stub: {test.id} ({task.id}): {test.outcome}, not missing: {test.why}"


def _mistake_faults(lecture: Lecture, report: Report, mistake: Mistake) -> Iterator[str]:
    where = f'mistake "{mistake.id}" of {mistake.task}'
    if report.problem:
        yield f"{where}: {report.problem}"
        return
    for task in report.tasks:
        wrong = [test for test in task.tests if test.outcome not in COUNTS]
        broken = [test for test in task.tests if test.outcome == "broken"]
        if broken:
            yield f"{where}: breaks {broken[0].id}: {broken[0].why}"
        if task.id == mistake.task:
            if not wrong:
                yield f"{where}: no test of its task fails"
            elif task.mistake is None or task.mistake.id != mistake.id:
                named = task.mistake.id if task.mistake else "nothing"
                yield f"{where}: it is taken for {named}"
        elif wrong and mistake.task not in lecture.after[task.id]:
            yield f"{where}: {task.id} fails too ({wrong[0].id}) and isn't after it"


def _odd_faults(report: Report) -> Iterator[str]:
    for task in report.tasks:
        for test in task.tests:
            if test.outcome == "broken":
                yield f"{report.submission}: {test.id} breaks: {test.why}"
