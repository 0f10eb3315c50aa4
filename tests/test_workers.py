"""One child's line, with whoever at the other end: an answer or an `AnswerError`, and in time.

Time is ours here: before each look at the line the peer does what it does next, and when it has
nothing left to do the clock goes to the deadline. So a reader that waits for ever, or looks for
ever, is seen at once.
"""

from __future__ import annotations

import itertools
import os
import select
import socket
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fuzz import is_plain
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder import child, wire
from autograder.child import Child, Pending, Zygote
from autograder.errors import Crashed, Refused, TimedOut

FUZZ = settings(max_examples=150, deadline=None, database=None, derandomize=True)
LIMIT = 1000  # bytes of output
KILLED = 9  # how the operating system says it


class Peer:
    """The other end of a child's line; stands in for the parent that would have forked it."""

    def __init__(self) -> None:
        self.settings = {"layers": [], "memory_mib": 0}
        self.acts: list[Callable[[], object]] = []
        self.now = 0.0
        self.looks = 0
        self.child = Child(cast(Zygote, self))

    def request(self, what: bytes, pid: int = 0, fds: Any = ()) -> Pending:
        if what == child.FORK:
            self.line = socket.socket(fileno=os.dup(fds[0]))
            self.output = os.fdopen(os.dup(fds[1]), "wb", buffering=0)
        return Pending(KILLED if what == child.END else 1)

    def number(self, pending: Pending) -> int:
        assert pending.number is not None
        return pending.number

    def says(self, data: bytes) -> None:
        self.acts.append(lambda: self.line.sendall(data))

    def prints(self, data: bytes) -> None:
        self.acts.append(lambda: self.output.write(data))

    def hangs_up(self) -> None:
        self.acts.append(self.line.close)

    def closes_output(self) -> None:
        self.acts.append(self.output.close)

    def select(self, readers: Any, _: Any, __: Any, timeout: float) -> Any:
        self.looks += 1
        assert self.looks < 3000, "it looks for ever"
        while True:
            ready = select.select(readers, [], [], 0)
            if ready[0] or not timeout:
                return ready
            if not self.acts:
                self.now += timeout
                return [], [], []
            self.acts.pop(0)()

    def close(self) -> None:
        for end in (self.line, self.output, self.child.connection):
            end.close()
        os.close(self.child.pipe)

    def receive(self) -> Any:
        return self.child.receive(self.now + 5, LIMIT)

    def ask(self, number: int = 7) -> Any:
        return self.child.ask({"number": number}, self.now + 5, LIMIT)


@pytest.fixture(autouse=True)
def _ours(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Looks and clock of whichever peer there is."""
    monkeypatch.setattr(child, "select", SimpleNamespace(select=lambda *a: PEERS[-1].select(*a)))
    monkeypatch.setattr(
        child, "time", SimpleNamespace(monotonic=lambda: PEERS[-1].now if PEERS else 0.0)
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


@FUZZ
@given(st.binary(max_size=60), cuts, st.booleans(), st.integers(0, 3))
def test_any_bytes_are_an_answer_or_an_answer_error(
    data: bytes, cuts: list[int], ends: bool, announced: int
) -> None:
    """In any pieces, with silence or the end after them; often the length is a possible one."""
    peer = new_peer()
    if announced:
        data = bytes([max(0, len(data) - announced), 0, 0, 0]) + data
    for piece in pieces(data, cuts):
        peer.says(piece)
    if ends:
        peer.hangs_up()
    try:
        value = peer.receive()
    except (Refused, TimedOut, Crashed):
        return
    is_plain(value, set())
    assert len(data) >= 5


@FUZZ
@given(st.recursive(st.integers() | st.text(), st.lists), cuts, st.binary(max_size=200))
def test_a_frame_in_any_pieces_is_whole(value: Any, cuts: list[int], said: bytes) -> None:
    """One byte at a time, or a length cut in two; and what it prints between is kept."""
    peer = new_peer()
    for piece in pieces(wire.frame(value), cuts):
        peer.prints(said)
        peer.says(piece)
    if len(said) * len(peer.acts) / 2 <= LIMIT:
        assert peer.receive() == value
        assert peer.child.output.startswith(said)


@FUZZ
@given(st.binary(max_size=40), st.integers(0, 100))
def test_half_a_frame_is_no_answer(data: bytes, lacks: int) -> None:
    """What hasn't come at the deadline doesn't come; where the line is closed it's told at once."""
    frame = wire.frame(data)
    half = frame[: len(frame) - 1 - lacks % len(frame)]
    for ends, expected in ((False, TimedOut), (True, Crashed)):
        peer = new_peer()
        peer.says(half) if half else None
        if ends:
            peer.hangs_up()
        with pytest.raises(expected):
            peer.receive()
        assert peer.now == (0 if ends else 5)


def test_a_byte_at_a_time_ends_with_the_deadline(peer: Peer) -> None:
    """Whoever sends always a little more doesn't get more time."""

    def drip() -> None:
        peer.now += 0.01
        peer.line.send(b"\0")
        peer.acts.append(drip)

    peer.says(wire.frame(bytes(9999))[:4])
    peer.acts.append(drip)
    with pytest.raises(TimedOut, match="no answer before the deadline"):
        peer.receive()


def test_a_frame_of_nothing_is_refused_at_once(peer: Peer) -> None:
    """Nothing would follow, and nothing is waited for."""
    peer.says(bytes(4))
    with pytest.raises(Refused, match="a frame of 0 bytes was announced"):
        peer.receive()
    assert peer.now == 0


def test_a_closed_output_is_looked_at_once(peer: Peer) -> None:
    """An end is always ready to be read: whoever keeps looking turns in circles till the end."""
    peer.closes_output()
    with pytest.raises(TimedOut):
        peer.receive()
    assert peer.looks < 60  # one for each look at its memory
    peer.says(wire.frame("late"))
    assert peer.receive() == "late"


def test_much_output_is_refused_before_its_answer_is_read(peer: Peer) -> None:
    """However it comes, before the answer or in the middle of it; the beginning is kept."""
    frame = wire.frame("value")
    peer.says(frame[:6])
    for _ in range(6):
        peer.prints(b"x" * 200)
    peer.says(frame[6:])
    with pytest.raises(Refused, match="it printed more than 0 KiB"):
        peer.receive()
    assert peer.child.printed() == "x" * 1200


@pytest.mark.parametrize(
    "answer",
    [
        *((6, "value", b"N"), (8, "value", b"N"), (True, "value", b"N"), (7.0, "value", b"N")),
        *((7, "value"), (7,), (), [7, "value", b"N"], 7, None, "answer", {7: "value"}),
        *(([7], "value", b"N"), (range(7), "value", b"N")),
    ],
    ids=repr,
)
def test_what_answers_no_question_is_refused(peer: Peer, answer: Any) -> None:
    """Another number, none, another shape."""
    peer.says(wire.frame(answer))
    with pytest.raises(Refused, match="its answer was not an answer to the question"):
        peer.ask(number=7)


def test_a_number_that_is_many_is_refused(peer: Peer) -> None:
    """Whether a tensor differs from a number isn't one answer: asked, it would raise."""
    import numpy
    import torch

    for number in (torch.ones(2), torch.ones(()), numpy.ones(2), numpy.ones(0)):
        peer.says(wire.frame((number, "value", b"N")))
        with pytest.raises(Refused, match="its answer was not an answer to the question"):
            peer.ask(number=1)


def test_who_speaks_unasked_is_refused(peer: Peer) -> None:
    """An answer before its question, or a second one to the last."""
    peer.says(wire.frame((1, "value", b"N")) * 2)
    assert peer.ask(number=1) == (1, "value", b"N")
    with pytest.raises(Refused, match="it answered before it was asked"):
        peer.ask(number=2)


def test_who_is_gone_has_crashed(peer: Peer) -> None:
    """Before the question, with it, or while the answer is awaited."""
    peer.hangs_up()
    with pytest.raises(Crashed, match="ended by SIGKILL"):
        peer.ask()
    peer = new_peer()
    peer.line.close()
    with pytest.raises(Crashed):
        peer.ask()
