"""Grade one submission: take it in, run the tests, judge, explain, report."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from autograder.course import Task
from autograder.diagnosis.diagnose import (
    KnownMistake,
    KnownMistakes,
    diagnose,
    known_mistake,
    load_wrong_answers,
    traces,
    wrong_answers,
)
from autograder.diagnosis.mistakes import Mistake, load_mistakes, wrong_files
from autograder.grading.options import GradeOptions
from autograder.grading.records import make_report
from autograder.grading.submission import Submission
from autograder.sandbox.session import Session
from autograder.sandbox.text import sanitize
from autograder.sandbox.workers import OUTPUT_KEPT, WorkerServer
from autograder.suite.collect import Suite, Test
from autograder.suite.run import TestRun, run_test
from autograder.suite.stub import untouched
from autograder.verdict import Outcome, Report, TaskResult, TestResult, block, task_score, worst


@dataclass
class Grader:
    """Grades submissions to one lecture, one after the other, in the suite process."""

    options: GradeOptions
    suite: Suite
    server: WorkerServer
    catalogue: Sequence[Mistake] = ()
    known: KnownMistakes = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.catalogue = load_mistakes(self.suite.lecture)

    def grade(self, submission: Submission) -> Report:
        """Take in, run, judge, explain, report."""
        began = time.perf_counter()
        if submission.problem:
            runs = [_not_run(test, submission.outcome) for test in self._tests()]
            tasks = self._judge(runs, explain=False)
            return make_report(self.options, submission, tasks, sanitize(submission.problem))
        stubs = self._stubs(submission)
        session = self._session(submission.files)
        try:
            runs = [run_test(self.suite, session, test, stubs) for test in self._tests()]
        finally:
            session.close()
        tasks = self._judge(runs, explain=session.failure is None)
        problem = sanitize(str(session.failure or ""))
        seconds = round(time.perf_counter() - began, 4)
        output = sanitize(session.import_output, OUTPUT_KEPT)
        return make_report(self.options, submission, tasks, problem, seconds, output)

    def wrong_answers(self) -> bytes:
        """wrong_answers.json: what each mistake answers to the visible tests."""
        visible = [test for test in self.suite.tests if test.visible]
        return wrong_answers(
            {task.id: self._ask(task, visible) for task in self.suite.lecture.tasks}
        )

    def _session(self, files: Mapping[str, bytes]) -> Session:
        return Session(self.server, files, self.suite.lecture.tasks, self.options.course.limits)

    def _stubs(self, submission: Submission) -> frozenset[str]:
        """The functions that the submission left as they were."""
        texts = (submission.files[name].decode() for name in self.suite.lecture.files)
        return frozenset[str]().union(*map(untouched, texts))

    def _tests(self) -> list[Test]:
        """The tests of the chosen tasks, and of the tasks that they build on."""
        after = self.suite.lecture.after
        wanted = {id for task in self.options.tasks for id in (task, *after[task])}
        return [test for test in self.suite.tests if not wanted or test.task.id in wanted]

    def _judge(self, runs: Sequence[TestRun], explain: bool) -> list[TaskResult]:
        """The results of the chosen tasks. explain: find what is blocked, and the mistakes."""
        by_task: dict[str, list[TestRun]] = {}
        for run in runs:
            by_task.setdefault(run.test.task.id, []).append(run)
        results = {id: [run.result for run in some] for id, some in by_task.items()}
        if explain:
            block(results, self.suite.lecture.after)
        return [
            self._task(by_task[id], tests, explain)
            for id, tests in results.items()
            if id in self.options.tasks or not self.options.tasks
        ]

    def _task(self, runs: Sequence[TestRun], tests: list[TestResult], explain: bool) -> TaskResult:
        """A task's result, with the mistake that explains it."""
        task = runs[0].test.task
        diagnosis = None
        if explain and any(test.outcome.wrong for test in tests):
            diagnosis = diagnose(traces(runs), self._mistakes(task))
        return TaskResult(
            id=task.id,
            outcome=worst(test.outcome for test in tests),
            score=task_score(task.points, tests),
            points=task.points,
            bonus=task.bonus,
            diagnosis=diagnosis,
            tests=tests,
        )

    def _mistakes(self, task: Task) -> list[KnownMistake]:
        """The task's mistakes with their answers; asked once, when a submission fails."""
        if self.suite.lecture.released:
            self.known = self.known or load_wrong_answers(self.suite.lecture)
            return self.known.get(task.id, [])
        if task.id not in self.known:
            self.known[task.id] = self._ask(task, self.suite.tests)
        return self.known[task.id]

    def _ask(self, task: Task, tests: Sequence[Test]) -> list[KnownMistake]:
        """Ask the task's mistakes those of the tests that are the task's."""
        tests = [test for test in tests if test.task == task]
        found: list[KnownMistake] = []
        worker = None  # one for all of them: they are our own, and need no isolation between them
        for mistake in self.catalogue:
            if mistake.task == task.id:
                session = self._session(wrong_files(self.suite.lecture, mistake))
                session.worker = worker
                runs = [run_test(self.suite, session, test) for test in tests]
                found.append(known_mistake(mistake.diagnosis, traces(runs)))
                worker = session.hand_over()
        if worker is not None:
            worker.end()
        return found


def _not_run(test: Test, outcome: Outcome) -> TestRun:
    summary = "the submission can't be read"
    result = TestResult(
        id=test.id, visible=test.visible, outcome=outcome, title=test.title, summary=summary
    )
    return TestRun(test, result)
