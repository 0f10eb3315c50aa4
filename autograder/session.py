"""One submission's questions and answers: deadlines, kills, a fresh child after each."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autograder import wire
from autograder.child import Child, Zygote
from autograder.course import Limits, Task
from autograder.errors import AnswerError, Changed, Crashed, Missing, Raised, Refused, TimedOut
from autograder.student import Student
from autograder.worker import TEXT_LIMIT

RECEIVED = 4  # times the largest answer: all answers of one submission
AGAIN = 3  # tests of a submission that are asked once more, as their child was killed


@dataclass
class Answer:
    """One question's outcome as it was recorded: the value's bytes, or what it raised."""

    data: bytes = b""
    raised: str = ""


@dataclass
class Session:
    """One submission's processes, from its first question to its last.

    A child that dies or is killed costs its test; the next question gets a fresh one.
    """

    zygote: Zygote
    files: Mapping[str, bytes]
    tasks: Sequence[Task]
    limits: Limits
    task: Task | None = None
    seed: int = 0
    answers: list[Answer] = field(default_factory=list)
    printed: str = ""
    imported: str = ""
    failure: AnswerError | None = None
    kills: dict[str, int] = field(default_factory=dict)
    killed: bool = False  # by SIGKILL, in this test
    again: int = AGAIN
    child: Child | None = None
    loaded: bool = False
    imports: int = 0
    received: int = 0
    forbidden: Mapping[str, str] = field(default_factory=dict)  # task -> what its sources say
    number: int = 0
    asked: int = 0  # questions of this test
    ends: float = 0.0

    def __post_init__(self) -> None:
        self.ends = time.monotonic() + self.limits.submission

    def begin(self, task: Task, seed: int) -> Student:
        """A test of `task` begins: the student that it sees."""
        self.task, self.seed = task, seed
        self.answers, self.asked = [], 0
        self.printed, self.killed = "", False
        return Student(self.ask, task.file)

    def forgiven(self) -> bool:
        """Whether to ask this test once more, as if it had never been asked.

        A machine that runs out of memory kills whom it likes. Whoever dies of its own doing dies
        again, and of a few more questions nobody learns anything.
        """
        assert self.task is not None
        if not self.killed or self.again == 0:
            return False
        self.again -= 1
        self.kills[self.task.id] -= 1
        if self.failure is not None:
            self.failure, self.imported = None, ""
        return True

    def ask(self, request: dict[str, Any]) -> Any:
        """The value of an answer. Raises the `AnswerError` that says why there is none."""
        assert self.task is not None
        try:
            rules = {"forbid": self.task.forbid, "mutates": self.task.mutates}
            answer = self._question({**request, **rules})
        except AnswerError as error:
            self.answers.append(Answer(raised=f"{type(error).__name__}: {error}"))
            raise
        self.received += len(answer)
        most = RECEIVED * self.limits.answer_mib
        if self.received > most * 2**20:
            raise Refused(f"its answers are larger than {most} MiB in all")
        self.answers.append(Answer(data=answer))
        try:
            return wire.decode(answer)
        except wire.WireError as error:
            self._kill()
            raise Refused(f"its answer could not be read: {error}") from None

    def _question(self, request: dict[str, Any]) -> bytes:
        assert self.task is not None
        if self.failure is not None:
            raise self.failure
        if self.kills.get(self.task.id, 0) >= self.limits.kills_per_task:
            raise TimedOut("not started: earlier tests of this task had to be killed")
        if not self.loaded:
            self._load()
        if self.task.id in self.forbidden:
            raise Refused(self.forbidden[self.task.id])
        self.asked += 1
        # By the test and the question alone, whatever was asked before: the same wrong work is
        # recognised by the same answers. One way: from the child's seed nobody finds that of the
        # hidden inputs.
        return self._exchange({**request, "first": self.asked == 1}, f"{self.seed}/{self.asked}")

    def _load(self) -> None:
        """Give a child the sources. What goes wrong the first time goes wrong every time."""
        self.child = self.child or self.zygote.child()
        self.loaded = True
        tasks = {task.id: (task.file, list(task.stubs), list(task.forbid)) for task in self.tasks}
        sources = {"do": "sources", "files": dict(self.files), "tasks": tasks}
        try:
            found = wire.decode(self._exchange(sources, "sources"))
            self.forbidden = {id: text for id, text in found.items() if type(text) is str}
            self._exchange({"do": "import"}, "import")
        except AnswerError as error:
            if self.imports == 0:
                self.failure = error
                self.failure.args = (f"it can't be imported: {error}",)
                self.imported = self.printed
            raise
        self.imports += 1
        self.imported = self.imported or self.printed
        self.printed = ""

    def _exchange(self, request: dict[str, Any], seed: str) -> bytes:
        assert self.child is not None
        self.number += 1
        now = time.monotonic()
        deadline = min(now + self.limits.call, self.ends)
        if now >= self.ends:
            raise TimedOut(f"the submission used up its {self.limits.submission:g} seconds")
        digest = hashlib.sha256(seed.encode()).digest()
        full = {**request, "number": self.number, "seed": int.from_bytes(digest[:6], "little")}
        try:
            answer = self.child.ask(full, deadline, self.limits.output_kib * 1024)
            return _value(answer)
        except (Changed, Missing, Raised):
            raise
        except AnswerError as error:
            if not (isinstance(error, Refused) and error.alive):
                self._kill()
            self.killed |= isinstance(error, Crashed) and error.killed
            raise
        finally:
            if self.child is not None:
                self.printed += self.child.printed()

    def _kill(self) -> None:
        assert self.child is not None
        assert self.task is not None
        self.kills[self.task.id] = self.kills.get(self.task.id, 0) + 1
        self.printed += self.child.printed()
        self.child.end()
        self.child, self.loaded = None, False

    def hand_over(self) -> Child | None:
        """The child, for another session of code that is as trusted as this one's."""
        child, self.child, self.loaded = self.child, None, False
        return child

    def close(self) -> None:
        if self.child is not None:
            self.child.end()
            self.child = None


def _value(answer: tuple[Any, ...]) -> bytes:
    """The value's bytes of an answer, or the exception that it tells of."""
    kind, rest = answer[1], answer[2:]
    if type(kind) is str and kind == "value" and len(rest) == 1 and type(rest[0]) is bytes:
        return rest[0]
    if not all(type(part) is str for part in answer[1:]):
        raise Refused("its answer was not an answer to the question")
    rest = tuple(part[:TEXT_LIMIT] for part in rest)  # as a worker that is ours would have cut them
    if kind == "refused" and len(rest) == 1:
        raise Refused(rest[0], alive=True)
    if kind == "changed" and len(rest) == 1:
        raise Changed(rest[0])
    if kind in ("raised", "missing") and len(rest) == 3:
        name, text, where = rest
        message = f"{name}: {text}" if text else name
        message += f"\n{where}" if where else ""
        raise Missing(message) if kind == "missing" else Raised(message, name)
    raise Refused("its answer was not an answer to the question")
