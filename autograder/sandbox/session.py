"""One submission's questions and answers: deadlines, kills, a fresh worker after each."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from autograder.course import Task
from autograder.errors import (
    AnswerError,
    Changed,
    CourseError,
    Crashed,
    Missing,
    Raised,
    Refused,
    TimedOut,
)
from autograder.limits import Limits
from autograder.sandbox import messages, wire
from autograder.sandbox.workers import NO_ANSWER, Worker, WorkerServer

RECEIVED = 4  # times the largest answer: all answers of one submission
MAX_RETRIES = 3  # tests of a submission that are asked once more after a SIGKILL


@dataclass(frozen=True)
class Question:
    """A call of a submission's function, or of a probe beside it."""

    file: str
    name: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    probe: bool = False


@dataclass
class Answer:
    """The recorded answer to one question: the value's bytes, or what the submission raised."""

    data: bytes = b""
    raised: str = ""


@dataclass
class Session:
    """One submission's processes, from its first question to its last.

    A worker that ends or is killed costs its test; the next question gets a fresh worker.
    """

    server: WorkerServer
    files: Mapping[str, bytes]
    tasks: Sequence[Task]
    limits: Limits
    task: Task | None = None
    seed: int = 0
    answers: list[Answer] = field(default_factory=list)
    output: str = ""  # of this test
    import_output: str = ""
    failure: AnswerError | None = None  # of the first import: it comes again every time
    kill_counts: dict[str, int] = field(default_factory=dict)
    was_sigkilled: bool = False  # in this test
    retries_left: int = MAX_RETRIES
    worker: Worker | None = None
    loaded: bool = False
    import_count: int = 0
    received: int = 0
    forbidden: Mapping[str, str] = field(default_factory=dict)  # task -> what its sources contain
    sequence: int = 0
    questions_in_test: int = 0
    deadline: float = 0.0

    def __post_init__(self) -> None:
        self.deadline = time.monotonic() + self.limits.submission

    def begin(self, task: Task, seed: int) -> None:
        """A test of `task` begins."""
        self.task, self.seed = task, seed
        self.answers, self.questions_in_test = [], 0
        self.output, self.was_sigkilled = "", False

    def take_retry(self) -> bool:
        """Whether to run this test once more, as if it had never run.

        The kernel's OOM killer may pick an innocent process, so a test that met a SIGKILL is
        retried once; a real fault occurs again.
        """
        assert self.task is not None
        if not self.was_sigkilled or self.retries_left == 0:
            return False
        self.retries_left -= 1
        self.kill_counts[self.task.id] -= 1
        if self.failure is not None:
            self.failure, self.import_output = None, ""
        return True

    def ask(self, question: Question) -> Any:
        """The value of the answer. Raises the `AnswerError` that says why there is none."""
        try:
            data = _data(self._exchange(self._request(question)))
        except AnswerError as error:
            self.answers.append(Answer(raised=f"{type(error).__name__}: {error}"))
            raise
        self.received += len(data)
        most = RECEIVED * self.limits.answer_mib
        if self.received > most * 2**20:
            raise Refused(f"the submission's answers are larger than {most} MiB in all")
        self.answers.append(Answer(data=data))
        try:
            return wire.decode(data)
        except wire.WireError as error:
            self._kill()
            raise Refused(f"the submission's answer can't be read: {error}") from None

    def _request(self, question: Question) -> messages.Call:
        """The message for a question. Raises `AnswerError` where nothing can be asked."""
        assert self.task is not None
        if self.failure is not None:
            raise self.failure
        if self.kill_counts.get(self.task.id, 0) >= self.limits.kills_per_task:
            raise TimedOut("not started: earlier tests of this task had to be killed")
        if not self.loaded:
            self._load()
        if self.task.id in self.forbidden:
            raise Refused(self.forbidden[self.task.id])
        self.questions_in_test += 1
        try:
            arguments = wire.encode([question.args, dict(question.kwargs)])
        except wire.WireError as error:
            raise CourseError(f"a test's question can't be sent: {error}") from None
        # The worker's random numbers depend on the test and the question alone, whatever came
        # before: the same wrong submission gives the same answers. The hash hides the seed of
        # the hidden inputs.
        number, seed = self._next(f"{self.seed}/{self.questions_in_test}")
        return (messages.Probe if question.probe else messages.Call)(
            number=number,
            seed=seed,
            first=self.questions_in_test == 1,
            forbid=self.task.forbid,
            mutates=self.task.mutates,
            file=question.file,
            name=question.name,
            arguments=arguments,
        )

    def _load(self) -> None:
        """Give a worker the sources. An error of the first import comes again every time."""
        self.worker = self.worker or self.server.worker()
        self.loaded = True
        rules = tuple(
            messages.Rules(task.id, task.file, task.stubs, task.forbid) for task in self.tasks
        )
        try:
            sources = messages.Sources(*self._next("sources"), dict(self.files), rules)
            found = self._exchange(sources)
            if not isinstance(found, messages.Found):
                _data(found)
                raise Refused(NO_ANSWER)
            self.forbidden = found.forbidden
            _data(self._exchange(messages.Import(*self._next("import"))))
        except AnswerError as error:
            if self.import_count == 0:
                self.failure = error
                self.failure.args = (f"the submission can't be imported: {error}",)
                self.import_output = self.output
            raise
        self.import_count += 1
        self.import_output = self.import_output or self.output
        self.output = ""

    def _next(self, seed: str) -> tuple[int, int]:
        """(the number of a request, the seed of the worker's random numbers)."""
        self.sequence += 1
        digest = hashlib.sha256(seed.encode()).digest()
        return self.sequence, int.from_bytes(digest[:6], "little")

    def _exchange(self, request: messages.WorkerRequest) -> messages.WorkerReply:
        assert self.worker is not None
        now = time.monotonic()
        if now >= self.deadline:
            raise TimedOut(f"the submission used up its {self.limits.submission:g} seconds")
        deadline = min(now + self.limits.call, self.deadline)
        try:
            return self.worker.exchange(request, deadline, self.limits.output_kib * 1024)
        except AnswerError as error:
            self._kill()
            self.was_sigkilled |= isinstance(error, Crashed) and error.killed
            raise
        finally:
            if self.worker is not None:
                self.output += self.worker.take_output()

    def _kill(self) -> None:
        assert self.worker is not None
        assert self.task is not None
        self.kill_counts[self.task.id] = self.kill_counts.get(self.task.id, 0) + 1
        self.output += self.worker.take_output()
        self.worker.end()
        self.worker, self.loaded = None, False

    def hand_over(self) -> Worker | None:
        """The worker, for another session of code that is as trusted as this one's."""
        worker, self.worker, self.loaded = self.worker, None, False
        return worker

    def close(self) -> None:
        if self.worker is not None:
            self.worker.end()
            self.worker = None


def _data(reply: messages.WorkerReply) -> bytes:
    """The bytes of a reply's value. Raises the `AnswerError` that the reply describes."""
    if isinstance(reply, messages.Value):
        return reply.data
    _raise(reply)


def _raise(reply: messages.WorkerReply) -> NoReturn:
    """Raise what a reply describes; its texts are cut again, since their sender isn't trusted."""
    if isinstance(reply, messages.Raised):
        name, text, where = (
            part[: messages.TEXT_LIMIT] for part in (reply.kind, reply.text, reply.where)
        )
        message = f"{name}: {text}" if text else name
        message += f"\n{where}" if where else ""
        raise Missing(message) if isinstance(reply, messages.Missing) else Raised(message, name)
    if isinstance(reply, messages.Changed):
        raise Changed(reply.text[: messages.TEXT_LIMIT])
    if isinstance(reply, messages.Refused):
        raise Refused(reply.text[: messages.TEXT_LIMIT])
    raise Refused(NO_ANSWER)
