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
    pool = Pool(options, submissions, keep_out, many)
    try:
        yield from pool.reports()
    finally:
        pool.close()


def wrong_answers(options: GradeOptions) -> bytes:
    """The lecture's wrong_answers.json."""
    pool = Pool(options, (), (), many=False)
    try:
        process = pool.processes[0]
        process.channel.send_bytes(messages.encode(AskWrongAnswers()))
        while True:
            reply = process.receive()
            if isinstance(reply, WrongAnswers):
                return reply.data
            _raise_failure(reply)
    except (EOFError, OSError):
        raise WorkerError("the suite process ended; run the command again with --debug") from None
    finally:
        pool.close()


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

    def __init__(
        self,
        options: GradeOptions,
        submissions: Iterable[Submission],
        keep_out: Iterable[Path],
        many: bool,
    ) -> None:
        self.options = options
        self.owns_server = options.fork_server is None
        self.server = options.fork_server or ForkServer(
            options.course.imports, options.start_method
        )
        self.many = many
        self.waiting = iter(submissions)
        self.again: deque[Submission] = deque()
        self.attempts: dict[str, int] = {}
        self.processes: list[SuiteProcess] = []
        try:
            self.setup = messages.encode(options.setup(self.server.folders.path, keep_out))
            self.processes += [self._start() for _ in range(options.jobs)]
        except BaseException:
            self.close()
            raise

    def reports(self) -> Iterator[Report]:
        """Feed the suite processes, and yield their reports, until all is graded."""
        self._feed_all()
        while busy := [process for process in self.processes if process.busy]:
            for channel in wait([process.channel for process in busy]):
                process = next(process for process in busy if process.channel is channel)
                try:
                    reply = process.receive()
                except (EOFError, OSError):
                    yield from self._replace(process)
                    continue
                _raise_failure(reply)
                if isinstance(reply, Graded):
                    process.busy.popleft()
                    self._feed(process)
                    yield reply.report
            self._feed_all()

    def close(self) -> None:
        if self.owns_server:
            self.server.close()
        for process in self.processes:
            process.channel.close()

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

    def _feed_all(self) -> None:
        for process in self.processes:
            self._feed(process)

    def _feed(self, process: SuiteProcess) -> None:
        while len(process.busy) < PREFETCH:
            submission = self.again.popleft() if self.again else next(self.waiting, None)
            if submission is None:
                return
            process.busy.append(submission)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # `receive` raises
                process.channel.send_bytes(messages.encode(submission))

    def _replace(self, process: SuiteProcess) -> Iterator[Report]:
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
