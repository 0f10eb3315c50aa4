"""One lecture's suite, collected once, against many submissions."""

from __future__ import annotations

import os
import socket
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from autograder import image, wire
from autograder.child import OUTPUT_KEPT, Zygote, settings
from autograder.course import PROBES, SECRET_VARIABLE, Course, load_course
from autograder.errors import AutograderError, MachineError, WorkerError
from autograder.job import Done, Job, Work, suite_digest, versions
from autograder.mistake import (
    Known,
    Mistake,
    Traces,
    load_mistakes,
    load_wrong_answers,
    recognise,
    trace,
    wrong_answers_text,
    wrong_files,
)
from autograder.plugin import Ran, Suite, Test, collect
from autograder.session import Session
from autograder.stub import untouched
from autograder.submission import Submission
from autograder.verdict import (
    COUNTS,
    MistakeFound,
    Report,
    TaskResult,
    TestResult,
    block,
    harmless,
    task_score,
    total,
    worst,
)


@dataclass
class Grader:
    """Judges submissions to one lecture, one after the other."""

    course: Course
    suite: Suite
    zygote: Zygote
    job: Job
    known: Known = field(default_factory=dict)
    digest: str = ""
    catalogue: tuple[Mistake, ...] = ()

    def __post_init__(self) -> None:
        self.digest = suite_digest(self.suite.lecture)
        self.catalogue = load_mistakes(self.suite.lecture)

    def grade(self, submission: Submission) -> Report:
        """Take in, ask, judge, name, report."""
        began = time.perf_counter()
        tests = self.tests()
        session = self.session(submission.files)
        try:
            ran = self.ask(submission, session, tests)
        finally:
            session.close()
        results: dict[str, list[Ran]] = defaultdict(list)
        for one in ran:
            results[one.test.task.id].append(one)
        if not submission.problem and session.failure is None:
            block(
                {id: [r.result for r in rs] for id, rs in results.items()}, self.suite.lecture.after
            )
        problem = harmless(submission.problem or str(session.failure or ""))
        wanted = self.job.tasks or tuple(results)
        tasks = [self.task(id, results[id], named=not problem) for id in results if id in wanted]
        score, points = total(tasks)
        return Report(
            course=self.course.name,
            lecture=self.suite.lecture.id,
            submission=submission.name,
            digest=submission.digest,
            suite=self.digest,
            device=self.job.device,
            versions=versions(),
            isolation=list(self.job.layers),
            problem=problem,
            score=score,
            points=points,
            seconds=round(time.perf_counter() - began, 4),
            tasks=tasks,
            output=harmless(session.imported, OUTPUT_KEPT),
        )

    def tests(self) -> list[Test]:
        """Those to run: of the tasks asked for, and of what they build on."""
        after = self.suite.lecture.after
        wanted = {id for task in self.job.tasks for id in (task, *after[task])}
        return [test for test in self.suite.tests if not wanted or test.task.id in wanted]

    def session(self, files: dict[str, bytes]) -> Session:
        return Session(self.zygote, files, self.suite.lecture.tasks, self.course.limits)

    def ask(self, submission: Submission, session: Session, tests: list[Test]) -> list[Ran]:
        """Every test's verdict; a hand-in that couldn't be read has the same one everywhere."""
        if not submission.problem:
            texts = (submission.files[name].decode() for name in self.suite.lecture.files)
            return self.suite.run(session, tests, frozenset().union(*map(untouched, texts)))
        return [
            Ran(
                test,
                TestResult(
                    id=test.id,
                    visible=test.visible,
                    outcome=submission.outcome,  # type: ignore[arg-type]  # one of Outcome
                    says=test.says,
                    reason="the hand-in can't be read",
                ),
                [],
            )
            for test in tests
        ]

    def task(self, id: str, ran: Sequence[Ran], named: bool) -> TaskResult:
        task = self.suite.lecture.task(id)
        tests = [one.result for one in ran]
        outcome = worst(test.outcome for test in tests)
        wrong = {"failed", "error", "timeout", "crashed", "refused"}
        mistake = None
        if named and any(test.outcome in wrong for test in tests):
            mistake = recognise(_traces(ran), self.mistakes(id))
        return TaskResult(
            id=id,
            outcome=outcome,
            score=task_score(task.points, tests, task.partial),
            points=task.points,
            bonus=task.bonus,
            mistake=mistake,
            tests=tests,
        )

    def wrong_answers(self) -> str:
        """What every mistake answers to the visible tests."""
        visible = [test for test in self.suite.tests if test.visible]
        known = {task.id: self.asked(task.id, visible) for task in self.suite.lecture.tasks}
        return wrong_answers_text(known)

    def mistakes(self, id: str) -> list[tuple[MistakeFound, Traces]]:
        """The task's mistakes and what each answers; asked once, when somebody fails."""
        if self.suite.lecture.released:
            self.known = self.known or load_wrong_answers(self.suite.lecture)
            return self.known.get(id, [])
        if id not in self.known:
            self.known[id] = self.asked(id, self.suite.tests)
        return self.known[id]

    def asked(self, id: str, tests: Sequence[Test]) -> list[tuple[MistakeFound, Traces]]:
        """The task's mistakes and what each answers to those of the tests that are the task's."""
        tests = [test for test in tests if test.task.id == id]
        found: list[tuple[MistakeFound, Traces]] = []
        child = None  # one for them all: they are our own, and need no walls between them
        for mistake in self.catalogue:
            if mistake.task == id:
                session = self.session(wrong_files(self.suite.lecture, mistake))
                session.child = child
                found.append((mistake.found, _traces(self.suite.run(session, tests))))
                child = session.hand_over()
        if child is not None:
            child.end()
        return found


def _traces(ran: Sequence[Ran]) -> Traces:
    return {one.test.id: trace(one.result.outcome in COUNTS, one.answers) for one in ran}


def serve(control: socket.socket, channel: socket.socket) -> None:
    """The suite process: hear the job, collect, then grade what comes until nobody asks.

    control: to its worker's parent; channel: to `batch`.
    """
    connection = Connection(channel.detach())
    try:
        job = msgspec.msgpack.decode(connection.recv_bytes(), type=Job)
        os.environ[SECRET_VARIABLE] = job.secret
        course = load_course(Path(job.root))
        lecture = course.lecture(job.lecture)
        zygote = Zygote(
            control,
            settings(
                course.limits,
                job.layers,
                job.readable,
                course.imports,
                job.folder,
                job.device,
                _text(lecture.home / PROBES),
            ),
        )
        image.load(["torch"])
        _need_device(job.device)
        wire.use_device(job.device)
        wire.use_limits(course.limits.answer_mib, course.limits.answer_depth)
        collect(
            Suite(course, lecture, job.device),
            lambda suite: _loop(Grader(course, suite, zygote, job), connection),
        )
    except (EOFError, BrokenPipeError, ConnectionResetError, WorkerError):
        return  # `batch` is gone, or our workers' parent: `batch` sees it and starts anew
    except AutograderError as error:
        _send(connection, Done(error=str(error), exit_code=error.exit_code))


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _need_device(device: str) -> None:
    import torch

    there: dict[str, Callable[[], bool]] = {
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
    }
    if device in there and not there[device]():
        raise MachineError(f"this machine has no {device} device; use --device cpu")


def _loop(grader: Grader, connection: Connection) -> None:
    image.freeze()
    _send(connection, Done(ready=True))
    while True:
        work = msgspec.msgpack.decode(connection.recv_bytes(), type=Work)
        submission = Submission(work.name, work.files, work.problem, work.outcome)
        try:
            if not work.name:
                done = Done(wrong_answers=grader.wrong_answers())
            else:
                done = Done(report=grader.grade(submission))
        except MachineError as error:
            done = Done(error=str(error), exit_code=error.exit_code)
        _send(connection, done)


def _send(connection: Connection, done: Done) -> None:
    connection.send_bytes(msgspec.msgpack.encode(done))
