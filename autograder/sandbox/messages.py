"""Typed messages between the suite process, the worker server and a worker.

A message is a 4-byte little-endian length and a msgpack map; its class says what it is. Values of
a submission are bytes here (`autograder.sandbox.wire` makes and reads them).
"""

from __future__ import annotations

import functools
import socket
import struct
from collections.abc import Sequence
from typing import Any

import msgspec

from autograder.limits import Limits
from autograder.sandbox import wire

HEADER = 4  # bytes
HEADROOM = 9 * 2**20  # bytes of a message beside its value: all sources of a submission
TEXT_LIMIT = 2000  # characters of a message's text


class Message(msgspec.Struct, tag=True, forbid_unknown_fields=True):
    """What all messages have in common: the name of the class is part of the bytes."""


# ------------------------------------------------------- suite process and worker server


class Settings(Message, kw_only=True):
    """How to isolate workers, and what they need: the first message to a worker server.

    user: user and group id outside of a namespace. program: seccomp's. probes: the source of the
    lecture's probes.py.
    """

    layers: tuple[str, ...]
    readable: tuple[str, ...]
    imports: tuple[str, ...]
    folder: str
    device: str
    limits: Limits
    user: tuple[int, int]
    program: bytes
    probes: str


class Fork(Message):
    """Fork a worker. Its socket and its output pipe come with the message."""


class End(Message):
    """End the worker of this process id."""

    pid: int


class Number(Message):
    """The reply to `Fork` (a process id) or to `End` (a wait status)."""

    value: int


ServerRequest = Fork | End

# ------------------------------------------------------- suite process and worker


class Rules(Message):
    """A task as the worker needs it: its file, its functions, what they may not call."""

    task: str
    file: str
    functions: tuple[str, ...]
    forbid: tuple[str, ...]


class Sources(Message):
    """Write these files and search them. Nothing of the submission runs yet."""

    number: int
    seed: int
    files: dict[str, bytes]
    rules: tuple[Rules, ...]


class Import(Message):
    """Import the tasks' files."""

    number: int
    seed: int


class Call(Message, kw_only=True):
    """Call a function of the submission.

    arguments: the value (positional, by keyword). first: of its test. forbid: the task's
    forbidden calls. mutates: the function may change its arguments.
    """

    number: int
    seed: int
    first: bool
    forbid: tuple[str, ...]
    mutates: bool
    file: str
    name: str
    arguments: bytes


class Probe(Call, kw_only=True):
    """Call a probe of the lecture with the submission's module before the arguments."""


class Ready(Message):
    """The first message of a worker: isolation is complete."""


class NotReady(Message):
    """The first message of a worker that could not be isolated."""

    reason: str


class Found(Message):
    """The reply to `Sources`: task -> the forbidden call that its sources contain."""

    number: int
    forbidden: dict[str, str]


class Value(Message):
    """A value; of `Import`, None."""

    number: int
    data: bytes


class Raised(Message):
    """The submission raised an exception."""

    number: int
    kind: str
    text: str
    where: str


class Missing(Raised):
    """The submission lacks the name that the test asks for."""


class Refused(Message):
    """A forbidden call, no plain data, or too much of it."""

    number: int
    text: str


class Changed(Message):
    """The function changed an argument, the grad mode or the default dtype."""

    number: int
    text: str


WorkerRequest = Sources | Import | Call | Probe
WorkerReply = Found | Value | Raised | Missing | Refused | Changed
# Found may be large: it is read only where nothing of the submission has run yet.
CallReply = Value | Raised | Missing | Refused | Changed


# ------------------------------------------------------- bytes


def packed(message: Message) -> bytes:
    """The bytes of a message, its length first."""
    data = msgspec.msgpack.encode(message)
    return struct.pack("<I", len(data)) + data


def length_of(header: bytes | bytearray) -> int:
    """The length that the first four bytes announce. Raises `wire.WireError`."""
    length: int = struct.unpack("<I", header)[0]
    most = wire.FRAME_LIMIT + HEADROOM
    if not 0 < length <= most:
        raise wire.WireError(f"a message of {length} bytes was announced; 1 to {most} are allowed")
    return length


def unpacked(data: bytes | bytearray, kind: Any) -> Any:
    """The message of a class, or of a union of classes, in these bytes.

    Raises `wire.WireError` and nothing else.
    """
    try:
        return _decoder(kind).decode(data)
    except Exception as error:  # whatever the decoder raises, the sender's bytes are wrong
        raise wire.WireError(f"bytes that aren't a message ({type(error).__name__})") from None


@functools.cache
def _decoder(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind)


def send(connection: socket.socket, message: Message, files: Sequence[int] = ()) -> None:
    """Send a message, and open files with it. Raises OSError."""
    data = packed(message)
    sent = socket.send_fds(connection, [data], files) if files else 0
    connection.sendall(data[sent:])


def receive(connection: socket.socket, kind: Any) -> Any:
    """The next message. Raises EOFError where the other side has closed."""
    return receive_with_files(connection, kind)[0]


def receive_with_files(connection: socket.socket, kind: Any) -> tuple[Any, list[int]]:
    """The next message and the open files that came with it."""
    header, files, _, _ = socket.recv_fds(connection, HEADER, 4)
    header += _exactly(connection, HEADER - len(header))
    return unpacked(_exactly(connection, length_of(header)), kind), files


def _exactly(connection: socket.socket, length: int) -> bytearray:
    buffer = bytearray(length)
    view = memoryview(buffer)
    while view:
        count = connection.recv_into(view)
        if count == 0:
            raise EOFError("the other side has closed")
        view = view[count:]
    return buffer
