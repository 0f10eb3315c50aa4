"""One worker's connection: whatever the other end does, a reply or an `AnswerError`, and in time.

The tests control the clock. Before each `select` the peer performs its next action; when it has
none left, the clock moves to the deadline. So a reader that would wait or poll for ever fails at
once.
"""

from __future__ import annotations

import itertools
import os
import select
import socket
import struct
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.errors import Crashed, Refused, TimedOut
from autograder.limits import Limits
from autograder.sandbox import messages, wire, workers
from autograder.sandbox.workers import Pending, Worker, WorkerServer

FUZZ = settings(max_examples=150, deadline=None, database=None, derandomize=True)
LIMIT = 1000  # bytes of output
KILLED = 9  # the wait status of a process that SIGKILL ended


class Peer:
    """The other end of a worker's socket; also stands in for the worker server."""

    def __init__(self) -> None:
        self.settings = SimpleNamespace(layers=(), limits=Limits(memory_mib=0))
        self.actions: list[Callable[[], object]] = []
        self.now = 0.0
        self.selects = 0
        self.worker = Worker(cast(WorkerServer, self))

    def request(self, message: messages.ServerRequest, files: Any = ()) -> Pending:
        if isinstance(message, messages.End):
            return Pending(KILLED)
        self.socket = socket.socket(fileno=os.dup(files[0]))
        self.output = os.fdopen(os.dup(files[1]), "wb", buffering=0)
        return Pending(1)

    def number(self, pending: Pending) -> int:
        assert pending.value is not None
        return pending.value

    def send(self, data: bytes) -> None:
        self.actions.append(lambda: self.socket.sendall(data))

    def print(self, data: bytes) -> None:
        self.actions.append(lambda: self.output.write(data))

    def close_socket(self) -> None:
        self.actions.append(self.socket.close)

    def close_output(self) -> None:
        self.actions.append(self.output.close)

    def select(self, readers: Any, _: Any, __: Any, timeout: float) -> Any:
        self.selects += 1
        assert self.selects < 3000, "the reader polls for ever"
        while True:
            ready = select.select(readers, [], [], 0)
            if ready[0] or not timeout:
                return ready
            if not self.actions:
                self.now += timeout
                return [], [], []
            self.actions.pop(0)()

    def close(self) -> None:
        for end in (self.socket, self.output, self.worker.connection):
            end.close()
        os.close(self.worker.pipe)

    def receive(self) -> bytes:
        return self.worker.receive(self.now + 5, LIMIT)

    def exchange(self, number: int = 7) -> messages.WorkerReply:
        return self.worker.exchange(messages.Import(number, 0), self.now + 5, LIMIT)


@pytest.fixture(autouse=True)
def _peer_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`select` and the clock are those of the newest peer."""
    monkeypatch.setattr(workers, "select", SimpleNamespace(select=lambda *a: PEERS[-1].select(*a)))
    monkeypatch.setattr(
        workers, "time", SimpleNamespace(monotonic=lambda: PEERS[-1].now if PEERS else 0.0)
    )
    yield
    while PEERS:
        PEERS.pop().close()


PEERS: list[Peer] = []


def new_peer() -> Peer:
    while PEERS:
        PEERS.pop().close()
    PEERS.append(Peer())
    return PEERS[-1]


@pytest.fixture
def peer() -> Peer:
    return new_peer()


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[begin:end] for begin, end in itertools.pairwise(places)]


cuts = st.lists(st.integers(0, 10**6), max_size=8)


REPLIES: list[messages.WorkerReply] = [
    messages.Found(7, {"double": "torch.sum may not be called"}),
    messages.Value(7, b"N"),
    messages.Raised(7, "ValueError", "no", ""),
    messages.Missing(7, "AttributeError", "no", ""),
    messages.Refused(7, "no"),
    messages.Changed(7, "no"),
]
VALUE = messages.packed(REPLIES[1])


def framed(data: bytes) -> bytes:
    """Any bytes, with their length first."""
    return struct.pack("<I", len(data)) + data


@FUZZ
@given(st.binary(max_size=60), cuts, st.booleans(), st.integers(0, 3))
def test_any_bytes_are_a_reply_or_an_answer_error(
    data: bytes, cuts: list[int], ends: bool, announced: int
) -> None:
    """In any pieces, with silence or the end after them; often the length is a possible one."""
    peer = new_peer()
    if announced:
        data = bytes([max(0, len(data) - announced), 0, 0, 0]) + data
    for piece in pieces(data, cuts):
        peer.send(piece)
    if ends:
        peer.close_socket()
    with pytest.raises((Refused, TimedOut, Crashed)):  # no such bytes are a reply
        peer.exchange()


@FUZZ
@given(st.sampled_from(REPLIES), st.data(), st.integers(0, 255))
def test_a_damaged_reply_is_a_reply_or_an_answer_error(
    reply: messages.WorkerReply, data: st.DataObject, byte: int
) -> None:
    """A byte of a real reply is changed or left out."""
    damaged = bytearray(messages.packed(reply))
    at = data.draw(st.integers(0, len(damaged) - 1))
    damaged[at : at + 1] = bytes([byte]) if data.draw(st.booleans()) else b""
    peer = new_peer()
    peer.send(bytes(damaged))
    try:
        found = peer.exchange()
    except (Refused, TimedOut, Crashed):
        return
    assert type(found) in map(type, REPLIES)
    assert found.number == 7


@FUZZ
@given(st.binary(min_size=1, max_size=200), cuts, st.binary(max_size=200))
def test_a_message_in_any_pieces_is_whole(data: bytes, cuts: list[int], output: bytes) -> None:
    """One byte at a time, or a length in two pieces; the output between them is kept."""
    peer = new_peer()
    for piece in pieces(framed(data), cuts):
        peer.print(output)
        peer.send(piece)
    if len(output) * len(peer.actions) / 2 <= LIMIT:
        assert peer.receive() == data
        assert peer.worker.output.startswith(output)


@FUZZ
@given(st.binary(min_size=1, max_size=40), st.integers(0, 100))
def test_half_a_message_is_no_reply(data: bytes, lacks: int) -> None:
    """The reader waits until the deadline; a closed socket ends the wait at once."""
    whole = framed(data)
    half = whole[: len(whole) - 1 - lacks % len(whole)]
    for ends, expected in ((False, TimedOut), (True, Crashed)):
        peer = new_peer()
        peer.send(half) if half else None
        if ends:
            peer.close_socket()
        with pytest.raises(expected):
            peer.receive()
        assert peer.now == (0 if ends else 5)


def test_a_byte_at_a_time_ends_with_the_deadline(peer: Peer) -> None:
    """A worker that always sends a little more gets no more time."""

    def drip() -> None:
        peer.now += 0.01
        peer.socket.send(b"\0")
        peer.actions.append(drip)

    peer.send(framed(bytes(9999))[:4])
    peer.actions.append(drip)
    with pytest.raises(TimedOut, match="no answer before the deadline"):
        peer.receive()


@pytest.mark.parametrize("length", [0, 2**32 - 1])
def test_an_impossible_length_is_refused_at_once(peer: Peer, length: int) -> None:
    """The reader waits for nothing more."""
    peer.send(struct.pack("<I", length))
    with pytest.raises(Refused, match=f"a message of {length} bytes was announced"):
        peer.exchange()
    assert peer.now == 0


def test_a_closed_output_is_read_once(peer: Peer) -> None:
    """A closed pipe is always ready: a reader that keeps it would poll without a pause."""
    peer.close_output()
    with pytest.raises(TimedOut):
        peer.receive()
    assert peer.selects < 60  # one for each check of its memory
    peer.send(framed(b"late"))
    assert peer.receive() == b"late"


def test_much_output_is_refused_before_the_reply_is_read(peer: Peer) -> None:
    """Before the reply or in the middle of it; the beginning of the output is kept."""
    peer.send(VALUE[:6])
    for _ in range(6):
        peer.print(b"x" * 200)
    peer.send(VALUE[6:])
    with pytest.raises(Refused, match="the submission printed more than 0 KiB"):
        peer.receive()
    assert peer.worker.take_output() == "x" * 1200


@pytest.mark.parametrize("number", [6, 8, 0, -7, 2**63, 2**64 - 1])
def test_a_reply_to_another_question_is_refused(peer: Peer, number: int) -> None:
    """Its number is another one."""
    peer.send(messages.packed(messages.Value(number, b"N")))
    with pytest.raises(Refused, match="the submission's reply is no answer to the question"):
        peer.exchange(number=7)


REPLY: dict[str, object] = {"type": "Value", "number": 7, "data": b"N"}
FOUND: dict[str, object] = {"type": "Found", "number": 7}


@pytest.mark.parametrize(
    "answer",
    [
        *(REPLY | {"number": number} for number in (True, 7.0, "7", None, [7], b"7", 2**64 - 1.0)),
        *(REPLY | {"data": data} for data in ("N", 7, None, [b"N"])),
        *(REPLY | {"type": kind} for kind in ("Ready", "Number", "passed", "", 7, None, ["Value"])),
        *({k: v for k, v in REPLY.items() if k != key} for key in REPLY),
        *({**REPLY, "more": 1}, {**REPLY, "text": ""}, FOUND),
        *(
            FOUND | {"forbidden": []},
            FOUND | {"forbidden": {"a": 1}},
            FOUND | {"forbidden": {1: "a"}},
        ),
        *({"type": "Raised", "number": 7, "kind": 1, "text": 2, "where": 3}, {}, [], 7, None, "a"),
        *([7, "value", b"N"], [*REPLY.values()], [*REPLY.items()]),
    ],
    ids=repr,
)
def test_what_is_no_reply_is_refused(peer: Peer, answer: object) -> None:
    """Another type for a part, a part too few or too many, another shape."""
    peer.send(framed(msgspec.msgpack.encode(answer)))
    with pytest.raises(Refused, match="can't be read: bytes that aren't a message"):
        peer.exchange(number=7)


def test_a_number_that_is_a_tensor_is_refused(peer: Peer) -> None:
    """Comparing a tensor with a number could raise: a number is an integer of msgpack's."""
    for number in (torch.ones(2), torch.ones(()), numpy.ones(2), numpy.ones(0)):
        reply = REPLY | {"number": wire.encode(number)}
        peer.send(framed(msgspec.msgpack.encode(reply)))
        with pytest.raises(Refused, match="can't be read: bytes that aren't a message"):
            peer.exchange(number=1)


def test_a_reply_before_its_question_is_refused(peer: Peer) -> None:
    """A second reply to the last question, too."""
    peer.send(VALUE * 2)
    assert peer.exchange(number=7) == REPLIES[1]
    with pytest.raises(Refused, match="the submission sent a reply before the question"):
        peer.exchange(number=8)


def test_a_worker_that_has_ended_has_crashed(peer: Peer) -> None:
    """Before the question, with it, or before the reply."""
    peer.close_socket()
    with pytest.raises(Crashed, match="ended by SIGKILL"):
        peer.exchange()
    peer = new_peer()
    peer.socket.close()
    with pytest.raises(Crashed):
        peer.exchange()
