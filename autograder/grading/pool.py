"""Many submissions on many cores: suite processes, and which submission goes to which."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Self

from autograder import errors
from autograder.errors import AutograderError, CourseError, MachineError, WorkerError
from autograder.grading import messages
from autograder.grading.messages import AskWrongAnswers, Failed, Graded, Ready, Reply, WrongAnswers
from autograder.grading.options import GradeOptions
from autograder.grading.records import broken_report
from autograder.grading.submission import Submission
from autograder.sandbox.forkserver import ForkServer
from autograder.sandbox.workers import WORKER_SERVER
from autograder.verdict import Report

SUITE_PROCESS = "autograder.grading.suite_process:serve"
PREFETCH = 2  # submissions that a suite process has at hand, so that it never waits
MAX_ATTEMPTS = 2  # at a submission with which a suite process ended
MAX_STARTS = 5  # of a suite process that ends before it is ready
WARM_UP_FROM = 4  # submissions from which using torch once before the forks pays


def grade_submissions(
    options: GradeOptions,
    submissions: Iterable[Submission],
    many: bool,
    keep_out: Iterable[Path] = (),
) -> Iterator[Report]:
    """A report for each submission, as they get ready; `many` says that warming up pays.

    keep_out: folders that no worker may read. Raises what stops the run.
    """
    todo = iter(submissions)
    with Pool(options, keep_out, many) as pool:
        while True:
            for process in pool.processes:
                while len(process.busy) < PREFETCH and (one := pool.next(todo)):
                    process.busy.append(one)
                    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                        process.channel.send_bytes(messages.encode(one))
            busy = {process.channel: process for process in pool.processes if process.busy}
            if not busy:
                return
            for channel in wait(list(busy)):
                process = busy[channel]  # type: ignore[index]  # it waits for nothing else
                try:
                    reply = process.receive()
                except (EOFError, OSError):
                    yield from pool.replace(process)
                    continue
                _raise_failure(reply)
                if isinstance(reply, Graded):
                    process.busy.popleft()
                    yield reply.report


def wrong_answers(options: GradeOptions) -> bytes:
    """The lecture's wrong_answers.json."""
    with Pool(options, (), many=False) as pool:
        process = pool.processes[0]
        try:
            process.channel.send_bytes(messages.encode(AskWrongAnswers()))
            while True:
                reply = process.receive()
                _raise_failure(reply)
                if isinstance(reply, WrongAnswers):
                    return reply.data
        except (EOFError, OSError):
            raise WorkerError("the suite process ended; run the command again") from None


@dataclass
class SuiteProcess:
    """A suite process with its worker server, and the submissions that it has.

    server: the fork server, on which it depends. starts: consecutive starts without a report.
    """

    channel: Connection
    server: subprocess.Popen[bytes] | None
    busy: deque[Submission] = field(default_factory=deque)
    starts: int = 1
    ready: bool = False

    @property
    def ended_alone(self) -> bool:
        """Of a process that ended: whether it ended over its submission.

        Not before it was ready, nor together with the fork server, which ends all.
        """
        return self.ready and (self.server is None or self.server.poll() is None)

    def receive(self) -> Reply:
        """The next reply. Raises EOFError or OSError where the process has ended."""
        reply = messages.decode_reply(self.channel.recv_bytes())
        self.ready |= isinstance(reply, Ready)
        if isinstance(reply, Graded):
            self.starts = 0
        return reply


class Pool:
    """The suite processes of one grading run; closing it ends them."""

    def __init__(self, options: GradeOptions, keep_out: Iterable[Path], many: bool) -> None:
        self.options = options
        self.owns_server = options.fork_server is None
        self.server = options.fork_server or ForkServer(
            options.course.imports, options.start_method
        )
        self.many = many
        self.again: deque[Submission] = deque()
        self.attempts: dict[str, int] = {}
        self.processes: list[SuiteProcess] = []
        try:
            self.setup = messages.encode(options.setup(self.server.folders.path, keep_out))
            self.processes += [self._start() for _ in range(options.jobs)]
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self.owns_server:
            self.server.close()
        for process in self.processes:
            process.channel.close()

    def next(self, todo: Iterator[Submission]) -> Submission | None:
        """The next submission to grade: one whose process ended, or a new one."""
        return self.again.popleft() if self.again else next(todo, None)

    def _start(self) -> SuiteProcess:
        """A suite process with its worker server."""
        suite_end, server_end = socket.socketpair()
        ours, theirs = socket.socketpair()
        self.server.start(WORKER_SERVER, [server_end], warm_up=self.many)
        self.server.start(SUITE_PROCESS, [suite_end, theirs], warm_up=self.many)
        channel = Connection(ours.detach())
        with contextlib.suppress(BrokenPipeError):  # `receive` will raise
            channel.send_bytes(self.setup)
        return SuiteProcess(channel, self.server.server())

    def replace(self, process: SuiteProcess) -> Iterator[Report]:
        """A suite process ended: its first submission gets one more try, the others wait again."""
        process.channel.close()
        if not process.ended_alone and process.starts == MAX_STARTS:
            raise WorkerError(
                f"the suite process ended {MAX_STARTS} times before it graded anything; its output"
                " is above. Grade again: finished reports are kept"
            )
        another = self._start()
        another.starts = 1 if process.ended_alone else process.starts + 1
        self.processes[self.processes.index(process)] = another
        first = process.busy[0]
        self.attempts[first.name] = self.attempts.get(first.name, 0) + process.ended_alone
        if self.attempts[first.name] >= MAX_ATTEMPTS:
            yield broken_report(self.options, process.busy.popleft(), MAX_ATTEMPTS)
        self.again.extend(process.busy)


def _raise_failure(reply: Reply) -> None:
    if isinstance(reply, Failed):
        kinds: dict[int, type[AutograderError]] = {
            errors.COURSE: CourseError,
            errors.MACHINE: MachineError,
        }
        raise kinds.get(reply.exit_code, WorkerError)(reply.error)
