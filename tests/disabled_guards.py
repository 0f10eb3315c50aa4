"""Take guards of the engine off, so that the attack suite sees what each of them stops.

The fork server imports this module where a course lists it in `imports`. Each guard that the
variable DISABLED names is replaced by nothing, in the fork server and so in all processes that it
forks: suite processes, worker servers and workers.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from autograder.sandbox import memory, messages, session, text, wire, workers
from autograder.sandbox.inside import gates, requests, state
from autograder.sandbox.inside import search as source_search


def numbers() -> None:
    """The first message is the reply, whatever its number, its type and its parts are."""
    checked = session._data

    def exchange(self: Any, request: Any, deadline: float, output_limit: int) -> Any:
        self.connection.settimeout(1.0)
        self.connection.sendall(messages.packed(request))
        data = self.receive(deadline, output_limit)
        try:
            return messages.unpacked(data, messages.WorkerReply)
        except wire.WireError:
            return msgspec.msgpack.decode(data)

    def value(reply: Any) -> Any:
        return reply["data"] if isinstance(reply, dict) else checked(reply)

    workers.Worker.exchange = exchange  # type: ignore[method-assign]
    session._data = value


def decoder() -> None:
    """Names, shapes, keys and lengths aren't checked; the decoders' exceptions get out."""
    reader = wire._Decoder
    wire._named = lambda name, known: name
    wire._shape = lambda value: value
    reader.part = lambda self, tags: self.take(2)  # type: ignore[method-assign]
    reader.count = lambda self, width=1: self.u32()  # type: ignore[method-assign]
    reader.key = lambda self, depth: self.take(depth)  # type: ignore[method-assign]

    def decode(data: bytes | bytearray) -> Any:
        try:
            return reader(data).take(wire.DEPTH_LIMIT)
        except Exception as error:
            raise RuntimeError(f"{error}") from None

    def unpacked(data: bytes | bytearray, kind: Any) -> Any:
        return msgspec.msgpack.decode(data, type=kind)

    wire.decode = decode
    messages.unpacked = unpacked


def wire_limits() -> None:
    """An answer may be of any length, depth and number of parts."""
    wire.FRAME_LIMIT = wire.NODE_LIMIT = wire.INT_LIMIT = wire.KEY_LIMIT = 2**50
    wire.KEY_SECONDS = 1e9
    wire.DEPTH_LIMIT = 500
    wire.use_limits = lambda mib, depth: None
    session.RECEIVED = 2**40


def capped_text() -> None:
    """An exception crosses with all of its text, and making the text may fail."""
    messages.TEXT_LIMIT = 2**40

    def raised(self: Any, number: int, error: BaseException) -> messages.Raised:
        frames = traceback.extract_tb(error.__traceback__)
        name = type(error).__name__
        return messages.Raised(number, name, str(error), f"{len(frames)} frames")

    requests.RequestLoop.raised = raised  # type: ignore[method-assign]


def fresh_worker() -> None:
    """All submissions of a suite process share one worker."""
    kept: dict[Any, workers.Worker] = {}
    own = workers.WorkerServer.worker

    def same(self: workers.WorkerServer) -> workers.Worker:
        if self not in kept or kept[self].connection.fileno() < 0:
            kept[self] = own(self)
        return kept[self]

    workers.WorkerServer.worker = same  # type: ignore[method-assign]
    session.Session.close = lambda self: None  # type: ignore[method-assign]
    workers.Worker.end = lambda self: None  # type: ignore[method-assign]


def restored() -> None:
    """What an answer changed stays changed."""
    state.settle = lambda seed, folder: None
    state.Snapshot.restore = lambda self: None  # type: ignore[method-assign]


def gate() -> None:
    """The gates of a task stay open."""

    @contextmanager
    def closed(rules: Any) -> Iterator[None]:
        yield

    gates.closed = closed


def search() -> None:
    """The sources aren't searched for forbidden calls."""
    source_search.forbidden_calls = lambda source, tasks: {}


def tree() -> None:
    """The memory of a worker's own processes isn't measured."""
    memory.tree_bytes = lambda pid: 0


def renderers() -> None:
    """A submission's text stands in a report as it came."""
    text.sanitize = lambda text, most=0: text


for name in filter(None, os.environ.get("DISABLED", "").split(",")):
    globals()[name]()
