"""Start, question and stop isolated workers, from the suite process."""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autograder.errors import (
    AnswerError,
    Crashed,
    MachineError,
    Refused,
    TimedOut,
    WorkerError,
)
from autograder.sandbox import memory, messages, wire

START_DEADLINE = 60.0  # seconds for a cold worker to import torch and isolate itself
SERVER_CLOSED = "the worker server ended; grade again"
MEMORY_POLL_SECONDS = 0.1
OUTPUT_KEPT = 10_000  # characters of a submission's output that a report keeps
WORKER_SERVER = "autograder.sandbox.inside.server:serve"
NO_ANSWER = "the submission's reply is no answer to the question"


@dataclass
class Pending:
    """A reply of the worker server that has not been read yet."""

    value: int | None = None


class WorkerServer:
    """The suite process's connection to its worker server; one worker is always forked ahead."""

    def __init__(self, control: socket.socket, settings: messages.Settings) -> None:
        self.control = control
        self.settings = settings
        self.waiting: deque[Pending] = deque()
        self.spare: Worker | None = None
        messages.send(control, settings)

    def worker(self) -> Worker:
        """An isolated worker without a submission; the next one is started at once."""
        worker = self.spare or Worker(self)
        self.spare = Worker(self)
        worker.wait_ready()
        return worker

    def request(self, message: messages.ServerRequest, files: Sequence[int] = ()) -> Pending:
        try:
            messages.send(self.control, message, files)
        except OSError:
            raise WorkerError(SERVER_CLOSED) from None
        self.waiting.append(Pending())
        return self.waiting[-1]

    def number(self, pending: Pending) -> int:
        """The reply to a request. Replies come in the order of the requests."""
        while pending.value is None:
            try:
                reply = messages.receive(self.control, messages.Number)
            except (OSError, EOFError):
                raise WorkerError(SERVER_CLOSED) from None
            self.waiting.popleft().value = reply.value
        return pending.value

    def close(self) -> None:
        if self.spare is not None:
            self.spare.end()
        self.control.close()


class Worker:
    """One isolated process: its socket, its output, its end."""

    def __init__(self, server: WorkerServer) -> None:
        self.server = server
        self.connection, theirs = socket.socketpair()
        self.pipe, their_output = os.pipe()
        os.set_blocking(self.pipe, False)
        self.pid = server.request(messages.Fork(), [theirs.fileno(), their_output])
        theirs.close()
        os.close(their_output)
        self.output = bytearray()
        self.output_bytes = 0
        self.weighed = time.monotonic()

    def wait_ready(self) -> None:
        try:
            data = self.receive(time.monotonic() + START_DEADLINE, 2**20)
            first = messages.unpacked(data, messages.Ready | messages.NotReady)
        except (AnswerError, wire.WireError) as error:  # no submission is in it yet
            raise WorkerError(f"an isolated process did not get ready: {error}") from None
        if isinstance(first, messages.NotReady):
            raise MachineError(
                f"a process could not be isolated: {first.reason}; try `autograder doctor`"
            )

    def exchange(
        self, request: messages.WorkerRequest, deadline: float, output_limit: int
    ) -> messages.WorkerReply:
        """The reply to a request. Raises `AnswerError` where there is none."""
        data = messages.packed(request)
        self.check_memory()
        if select.select([self.connection], [], [], 0)[0]:
            self.raise_if_closed()
            raise Refused("the submission sent a reply before the question")
        self.connection.settimeout(max(0.0, deadline - time.monotonic()) or 0.001)
        try:
            self.connection.sendall(data)
        except TimeoutError:
            raise TimedOut("the submission did not read its question in time") from None
        except OSError:
            raise self.exit_error() from None
        searched = isinstance(request, messages.Sources)
        kind = messages.WorkerReply if searched else messages.CallReply
        try:
            reply = messages.unpacked(self.receive(deadline, output_limit), kind)
        except wire.WireError as error:
            raise Refused(f"the submission's answer can't be read: {error}") from None
        if reply.number != request.number:
            raise Refused(NO_ANSWER)
        return reply  # type: ignore[no-any-return]

    def receive(self, deadline: float, output_limit: int) -> bytes:
        """The bytes of the next message, within the deadline and the limits."""
        buffer = bytearray()
        wanted, header = messages.HEADER, True
        watched: list[Any] = [self.connection, self.pipe]
        while True:
            left = deadline - time.monotonic()
            if left <= 0:  # also where one byte comes at a time
                raise TimedOut("no answer before the deadline")
            ready = select.select(watched, [], [], min(left, MEMORY_POLL_SECONDS))[0]
            self.check_memory()
            if self.pipe in ready and not self.drain(output_limit):
                watched.remove(self.pipe)  # a closed pipe is always ready
            if self.connection in ready:
                buffer += self._read(wanted - len(buffer))
            if len(buffer) < wanted:
                continue
            if not header:
                self.drain(output_limit)
                return bytes(buffer)
            wanted, header = messages.length_of(buffer), False
            buffer = bytearray()

    def _read(self, most: int) -> bytes:
        """Bytes that are there now, if any. Raises where the worker has closed."""
        self.connection.settimeout(0)
        try:
            data = self.connection.recv(min(most, 2**20))
        except (BlockingIOError, InterruptedError):
            return b""
        except OSError:
            data = b""
        if not data:
            raise self.exit_error()
        return data

    def check_memory(self) -> None:
        """From time to time, weigh the worker with all processes that it started.

        The kernel caps each process alone.
        """
        now = time.monotonic()
        limit = self.server.settings.limits.memory_mib
        if not limit or now - self.weighed < MEMORY_POLL_SECONDS:
            return
        self.weighed = now
        if memory.tree_bytes(self.server.number(self.pid)) > limit * 2**20:
            raise Refused(
                f"the submission took more than {limit} MiB, with the processes that it started"
            )

    def drain(self, limit: int) -> bool:
        """Read the output and keep its beginning. Whether more can come."""
        while True:
            try:
                data = os.read(self.pipe, 65536)
            except BlockingIOError:
                return True
            if not data:
                return False
            self.output_bytes += len(data)
            room = OUTPUT_KEPT * 4 - len(self.output)
            self.output += data[: max(0, room)]
            if self.output_bytes > limit:
                raise Refused(f"the submission printed more than {limit // 1024} KiB")

    def take_output(self) -> str:
        """The output since the last call."""
        text = self.output.decode("utf-8", "replace")
        self.output.clear()
        return text

    def raise_if_closed(self) -> None:
        """Raise if the other end is closed; bytes that wait there are another matter."""
        self.connection.settimeout(0)
        try:
            if not self.connection.recv(1, socket.MSG_PEEK):
                raise self.exit_error()
        except BlockingIOError:
            return
        except OSError:
            raise self.exit_error() from None

    def exit_error(self) -> Crashed | TimedOut:
        """How the process ended, in words."""
        self.connection.close()
        status = self.server.number(self._end_request())
        self.pid = Pending(0)
        code = os.waitstatus_to_exitcode(status)
        if code >= 0:
            return Crashed(f"the submission ended its process with exit code {code}")
        known = {s.value: s.name for s in signal.Signals}
        name = known.get(-code, f"signal {-code}")
        if name == "SIGXCPU":
            return TimedOut(
                f"the submission used up its {self.server.settings.limits.cpu} seconds of CPU"
            )
        hint = " (out of memory?)" if name == "SIGKILL" else ""
        return Crashed(f"the process was ended by {name}{hint}", killed=name == "SIGKILL")

    def end(self) -> None:
        """Kill the process; the worker server reaps it.

        Waits only where its processes are found by their user id: else a run that ends at once
        would leave them behind.
        """
        self.connection.close()
        os.close(self.pipe)
        if self.pid.value != 0:
            ended = self._end_request()
            if "uid" in self.server.settings.layers:
                self.server.number(ended)

    def _end_request(self) -> Pending:
        return self.server.request(messages.End(self.server.number(self.pid)))
