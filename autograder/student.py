"""The trusted side of the wire: a submission as a suite sees it."""

from __future__ import annotations

import functools
import hashlib
import inspect
import marshal  # noqa: TID251  only written here, of our own code
import os
import select
import signal
import socket
import textwrap
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autograder import wire
from autograder.course import Limits, Task
from autograder.errors import (
    AnswerError,
    CourseError,
    Crashed,
    MachineError,
    Missing,
    Raised,
    Refused,
    TimedOut,
    WorkerError,
)
from autograder.worker import ANSWER, END, FORK, REQUEST

JAIL_DEADLINE = 60.0  # seconds for a cold child to import torch and jail itself
GONE = "the worker's parent process ended; grade again"
RECEIVED_LIMIT = 4 * wire.FRAME_LIMIT  # bytes of answers of one submission
OUTPUT_KEPT = 10_000  # characters of a submission's output that a report keeps

Ask = Callable[[dict[str, Any]], Any]


class Student:
    """A submission in a test: an attribute is a function of theirs, a call runs over there.

    >>> student.row_shares(N)          # doctest: +SKIP
    >>> student.run(shared_value, 3.0)     # doctest: +SKIP
    """

    def __init__(self, ask: Ask, file: str = "") -> None:
        self.__ask = ask
        self.__file = file

    def __getattr__(self, name: str) -> Function:
        if name.startswith("_"):
            raise AttributeError(name)
        return Function(self.__ask, self.__file, name)

    def run(self, probe: Callable[..., Any], *args: Any) -> Any:
        """Run a probe beside the student's code: `probe(module, *args)`; plain data comes back."""
        code = probe_code(probe)
        request = {"do": "probe", "file": self.__file, "code": code, "name": probe.__name__}
        return self.__ask({**request, "args": args})


@dataclass(frozen=True)
class Function:
    """A function of the submission, to be called."""

    ask: Ask
    file: str
    name: str

    def __getattr__(self, part: str) -> Function:
        if part.startswith("__"):
            raise AttributeError(part)
        return Function(self.ask, self.file, f"{self.name}.{part}")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        request = {"do": "call", "file": self.file, "name": self.name}
        return self.ask({**request, "args": args, "kwargs": kwargs})


@functools.cache
def probe_code(probe: Callable[..., Any]) -> bytes:
    """A probe's own text, compiled; one that leans on its surroundings is the suite's fault."""
    free = probe.__code__.co_freevars
    if free:
        raise CourseError(f"probe {probe.__name__}: {free[0]} lies outside of it; pass it in")
    source = textwrap.dedent(inspect.getsource(probe))
    return marshal.dumps(compile(source, "<probe>", "exec"))


@dataclass
class Pending:
    """The zygote's answer to come: a process id, or how one ended."""

    number: int | None = None


class Zygote:
    """The suite's line to the warm parent of all children; keeps one child forked ahead."""

    def __init__(self, control: socket.socket, settings: dict[str, Any]) -> None:
        self.control = control
        self.settings = settings
        self.waiting: deque[Pending] = deque()
        self.spare: Child | None = None
        control.sendall(wire.frame(settings))

    def child(self) -> Child:
        """A jailed child that knows nothing yet; the next is begun at once."""
        child = self.spare or Child(self)
        self.spare = Child(self)
        child.wait_ready()
        return child

    def request(self, what: bytes, pid: int = 0, fds: Sequence[int] = ()) -> Pending:
        try:
            socket.send_fds(self.control, [REQUEST.pack(what, pid)], fds)
        except OSError:
            raise WorkerError(GONE) from None
        self.waiting.append(Pending())
        return self.waiting[-1]

    def number(self, pending: Pending) -> int:
        """Answers come in the order of the requests: read until this one's is there."""
        while pending.number is None:
            try:
                data = self.control.recv(ANSWER.size, socket.MSG_WAITALL)
            except OSError:
                data = b""
            if len(data) < ANSWER.size:
                raise WorkerError(GONE)
            self.waiting.popleft().number = ANSWER.unpack(data)[0]
        return pending.number

    def close(self) -> None:
        if self.spare is not None:
            self.spare.end()
        self.control.close()


class Child:
    """One jailed process: its socket, its output, its end."""

    def __init__(self, zygote: Zygote) -> None:
        self.zygote = zygote
        self.connection, theirs = socket.socketpair()
        self.pipe, their_output = os.pipe()
        os.set_blocking(self.pipe, False)
        self.pid = zygote.request(FORK, fds=[theirs.fileno(), their_output])
        theirs.close()
        os.close(their_output)
        self.output = bytearray()
        self.said = 0  # bytes of output in all

    def wait_ready(self) -> None:
        try:
            answer = self.receive(time.monotonic() + JAIL_DEADLINE, 2**20)
        except AnswerError as error:  # it knows no submission yet: this is ours
            raise WorkerError(f"a jailed process did not get ready: {error}") from None
        if type(answer) is not tuple or answer[:2] != (0, "ready"):
            said = answer[2] if type(answer) is tuple and len(answer) == 3 else "no answer"
            raise MachineError(f"the jail could not be built: {said}; try `autograder doctor`")

    def ask(self, request: dict[str, Any], deadline: float, output_limit: int) -> tuple[Any, ...]:
        """The answer to one request, its outer parts checked."""
        try:
            data = wire.frame(request)
        except wire.WireError as error:
            raise CourseError(f"a test asked with something that can't cross: {error}") from None
        if select.select([self.connection], [], [], 0)[0]:
            self.died()
            raise Refused("it answered before it was asked")
        self.connection.settimeout(max(0.0, deadline - time.monotonic()) or 0.001)
        try:
            self.connection.sendall(data)
        except TimeoutError:
            raise TimedOut("it did not read its question in time") from None
        except OSError:
            raise self.crash() from None
        answer = self.receive(deadline, output_limit)
        if type(answer) is not tuple or len(answer) < 3 or answer[0] != request["number"]:
            raise Refused("its answer was not an answer to the question")
        return answer

    def receive(self, deadline: float, output_limit: int) -> Any:
        buffer = bytearray()
        wanted = 4
        header = True
        watched: list[Any] = [self.connection, self.pipe]
        while True:
            left = deadline - time.monotonic()
            if left <= 0:  # also for one who sends a byte at a time
                raise TimedOut("no answer before the deadline")
            ready = select.select(watched, [], [], left)[0]
            if self.pipe in ready:
                self.drain(output_limit)
            if self.connection in ready:
                self.connection.settimeout(0)
                try:
                    data = self.connection.recv(min(wanted - len(buffer), 2**20))
                except (BlockingIOError, InterruptedError):
                    continue
                except OSError:
                    data = b""
                if not data:
                    raise self.crash()
                buffer += data
            if len(buffer) < wanted:
                continue
            try:
                if not header:
                    self.drain(output_limit)
                    return wire.decode(buffer)
                wanted, header = wire.frame_length(bytes(buffer)), False
                buffer = bytearray()
            except wire.WireError as error:
                raise Refused(f"its answer could not be read: {error}") from None

    def drain(self, limit: int) -> None:
        """Read what it printed; keep the beginning."""
        while True:
            try:
                data = os.read(self.pipe, 65536)
            except BlockingIOError:
                return
            if not data:
                return
            self.said += len(data)
            room = OUTPUT_KEPT * 4 - len(self.output)
            self.output += data[: max(0, room)]
            if self.said > limit:
                raise Refused(f"it printed more than {limit // 1024} KiB")

    def printed(self) -> str:
        """What it printed since the last time that this was asked."""
        text = self.output.decode("utf-8", "replace")
        self.output.clear()
        return text

    def died(self) -> None:
        """Raise if the other end is closed; bytes that wait there are another matter."""
        self.connection.settimeout(0)
        try:
            if not self.connection.recv(1, socket.MSG_PEEK):
                raise self.crash()
        except BlockingIOError:
            return
        except OSError:
            raise self.crash() from None

    def crash(self) -> Crashed:
        """How it ended, in words."""
        self.connection.close()
        status = self.zygote.number(self.zygote.request(END, self.zygote.number(self.pid)))
        self.pid = Pending(0)
        code = os.waitstatus_to_exitcode(status)
        if code >= 0:
            return Crashed(f"the process ended itself with exit code {code}")
        known = {s.value: s.name for s in signal.Signals}
        name = known.get(-code, f"signal {-code}")
        hint = " (memory or CPU ran out?)" if name in ("SIGKILL", "SIGXCPU") else ""
        return Crashed(f"the process was ended by {name}{hint}")

    def end(self) -> None:
        """Kill it; the zygote reaps. Never waits."""
        self.connection.close()
        os.close(self.pipe)
        if self.pid.number != 0:
            self.zygote.request(END, self.zygote.number(self.pid))


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
    modules: Sequence[str]
    forbidden: Sequence[str]
    limits: Limits
    task: Task | None = None
    seed: int = 0
    answers: list[Answer] = field(default_factory=list)
    printed: str = ""
    imported: str = ""
    failure: AnswerError | None = None
    kills: dict[str, int] = field(default_factory=dict)
    child: Child | None = None
    loaded: bool = False
    imports: int = 0
    received: int = 0
    number: int = 0
    ends: float = 0.0

    def __post_init__(self) -> None:
        self.ends = time.monotonic() + self.limits.submission

    def begin(self, task: Task, seed: int) -> Student:
        """A test of `task` begins: the student that it sees."""
        self.task, self.seed = task, seed
        self.answers = []
        self.printed = ""
        return Student(self.ask, task.file)

    def ask(self, request: dict[str, Any]) -> Any:
        """The value of an answer. Raises the `AnswerError` that says why there is none."""
        assert self.task is not None
        try:
            answer = self._question({**request, "forbid": self.task.forbid})
        except AnswerError as error:
            self.answers.append(Answer(raised=f"{type(error).__name__}: {error}"))
            raise
        self.received += len(answer)
        if self.received > RECEIVED_LIMIT:
            raise Refused(f"its answers are larger than {RECEIVED_LIMIT // 2**20} MiB in all")
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
        return self._exchange(request)

    def _load(self) -> None:
        """Give a child the sources. What goes wrong the first time goes wrong every time."""
        self.child = self.child or self.zygote.child()
        self.loaded = True
        request = {"do": "sources", "files": dict(self.files), "modules": list(self.modules)}
        try:
            self._exchange({**request, "forbidden": list(self.forbidden)})
        except AnswerError as error:
            if self.imports == 0:
                self.failure = error
                self.failure.args = (f"it can't be imported: {error}",)
                self.imported = self.printed
            raise
        self.imports += 1
        self.imported = self.imported or self.printed
        self.printed = ""

    def _exchange(self, request: dict[str, Any]) -> bytes:
        assert self.child is not None
        self.number += 1
        now = time.monotonic()
        deadline = min(now + self.limits.call, self.ends)
        if now >= self.ends:
            raise TimedOut(f"the submission used up its {self.limits.submission:g} seconds")
        # One way: from the child's seed nobody finds that of the hidden inputs.
        seed = hashlib.sha256(f"{self.seed}/{self.number}".encode()).digest()
        full = {**request, "number": self.number, "seed": int.from_bytes(seed[:6], "little")}
        try:
            answer = self.child.ask(full, deadline, self.limits.output_kib * 1024)
            return _value(answer)
        except (Missing, Raised):
            raise
        except AnswerError as error:
            if not (isinstance(error, Refused) and error.alive):
                self._kill()
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
    if kind == "value" and len(rest) == 1 and type(rest[0]) is bytes:
        return rest[0]
    if not all(type(part) is str for part in rest):
        raise Refused("its answer was not an answer to the question")
    if kind == "refused" and len(rest) == 1:
        raise Refused(rest[0], alive=True)
    if kind in ("raised", "missing") and len(rest) == 3:
        name, text, where = rest
        message = f"{name}: {text}" if text else name
        message += f"\n{where}" if where else ""
        raise Missing(message) if kind == "missing" else Raised(message, name)
    raise Refused("its answer was not an answer to the question")


def settings(
    limits: Limits,
    layers: Sequence[str],
    readable: Sequence[str],
    imports: Sequence[str],
    folder: str,
    device: str = "cpu",
) -> dict[str, Any]:
    """What a zygote hears at its start: how to jail, and where."""
    return {
        "layers": list(layers),
        "readable": list(readable),
        "imports": list(imports),
        "folder": folder,
        "device": device,
        "uid": os.getuid(),
        "gid": os.getgid(),
        "memory_mib": limits.memory_mib,
        "cpu": limits.cpu,
        "file_mib": limits.file_mib,
        "processes": limits.processes,
        "open_files": limits.open_files,
    }
