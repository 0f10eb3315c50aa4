"""The trusted side's hold on jailed processes: the warm parent, and one child."""

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

import msgspec

from autograder import memory, wire
from autograder.course import Limits
from autograder.errors import (
    AnswerError,
    CourseError,
    Crashed,
    MachineError,
    Refused,
    TimedOut,
    WorkerError,
)
from autograder.worker import ANSWER, END, FORK, REQUEST

JAIL_DEADLINE = 60.0  # seconds for a cold child to import torch and jail itself
GONE = "the worker's parent process ended; grade again"
LOOK = 0.1  # seconds between two looks at a child's memory
OUTPUT_KEPT = 10_000  # characters of a submission's output that a report keeps


def settings(
    limits: Limits,
    layers: Sequence[str],
    readable: Sequence[str],
    imports: Sequence[str],
    folder: str,
    device: str = "cpu",
    probes: str = "",
) -> dict[str, Any]:
    """What a zygote hears at its start: how to jail, and where."""
    return {
        "layers": list(layers),
        "readable": list(readable),
        "imports": list(imports),
        "folder": folder,
        "device": device,
        "probes": probes,
        "uid": os.getuid(),
        "gid": os.getgid(),
        **msgspec.structs.asdict(limits),
    }


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
        self.looked = time.monotonic()  # at its memory

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
        self.weigh()
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
        if type(answer) is not tuple or len(answer) < 3:
            raise Refused("its answer was not an answer to the question")
        if type(answer[0]) is not int or answer[0] != request["number"]:  # of a tensor, != is one
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
            ready = select.select(watched, [], [], min(left, LOOK))[0]
            self.weigh()
            if self.pipe in ready and not self.drain(output_limit):
                watched.remove(self.pipe)  # closed: it would be ready for ever
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

    def weigh(self) -> None:
        """Look from time to time at how much memory it takes with all that it started.

        The kernel caps each process alone.
        """
        now = time.monotonic()
        limit = self.zygote.settings["memory_mib"]
        if not limit or now - self.looked < LOOK:
            return
        self.looked = now
        if memory.started(self.zygote.number(self.pid)) > limit * 2**20:
            raise Refused(f"it and the processes that it started took more than {limit} MiB")

    def drain(self, limit: int) -> bool:
        """Read what it printed; keep the beginning. Whether more can come."""
        while True:
            try:
                data = os.read(self.pipe, 65536)
            except BlockingIOError:
                return True
            if not data:
                return False
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

    def crash(self) -> Crashed | TimedOut:
        """How it ended, in words."""
        self.connection.close()
        status = self.zygote.number(self.zygote.request(END, self.zygote.number(self.pid)))
        self.pid = Pending(0)
        code = os.waitstatus_to_exitcode(status)
        if code >= 0:
            return Crashed(f"the process ended itself with exit code {code}")
        known = {s.value: s.name for s in signal.Signals}
        name = known.get(-code, f"signal {-code}")
        if name == "SIGXCPU":
            return TimedOut(f"it used up its {self.zygote.settings['cpu']} seconds of CPU")
        hint = " (memory ran out?)" if name == "SIGKILL" else ""
        return Crashed(f"the process was ended by {name}{hint}", killed=name == "SIGKILL")

    def end(self) -> None:
        """Kill it; the zygote reaps. Waits only where what it started must be hunted by its user:
        else a run that ends at once would leave that behind."""
        self.connection.close()
        os.close(self.pipe)
        if self.pid.number != 0:
            ended = self.zygote.request(END, self.zygote.number(self.pid))
            if "uid" in self.zygote.settings["layers"]:
                self.zygote.number(ended)
