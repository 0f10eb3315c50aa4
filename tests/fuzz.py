"""Feed millions of inputs to the wire, the messages, and the code that uses an answer.

python tests/fuzz.py [SECONDS [SEED]]     as `make fuzz` calls it

Coverage guides the fuzzer: it keeps an input that makes a new step from a line of wire.py to
another, and makes others from it. The other half of the inputs are real values and real replies,
damaged at one place, as an attacker would write them. The fuzzer is our own: its guide is the
lines of one module, its inputs have one format, and it runs wherever the engine does. At the first
broken promise it stops, makes the input small and writes it to corpus/wire.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import math
import random
import struct
import sys
import time
import traceback
import tracemalloc
import types
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch

from autograder.diagnosis.fingerprints import fingerprint, same
from autograder.errors import AnswerError
from autograder.sandbox import messages, session, wire
from autograder.sandbox.session import Answer
from autograder.sandbox.text import sanitize
from autograder.sandbox.wire import WireError
from autograder.suite.compare import Mismatch, close
from autograder.verdict import Outcome, TaskResult, TestResult

CORPUS = Path(__file__).parent / "corpus" / "wire"
MOST = 4096  # bytes of an input
# The most memory that one byte may cost: an empty set of five bytes takes 216, and a list's place.
MEMORY_PER_BYTE, MEMORY_AT_ALL = 64, 100_000
CPU_SECONDS = 2.0
PLAIN: tuple[type, ...] = (
    *(type(None), bool, int, float, complex, str, bytes, range),
    *(torch.Tensor, np.ndarray, torch.Size, torch.dtype, torch.device),
)
# Values that a suite may expect, whatever the answer is.
EXPECTED: tuple[Any, ...] = (
    *(None, True, 0, 1.5, 2j, "text", b"bytes", [1, 2.0], (), {"a": 1}, {1: [2]}, {1}, range(3)),
    *(torch.zeros(2, 3), torch.tensor(1.5), torch.tensor(3), torch.tensor([True]), np.ones(2)),
    *(torch.arange(6), torch.ones(2, dtype=torch.complex64), torch.float32, torch.device("cpu")),
)


# What holds for any bytes


def promise(data: bytes, expected: tuple[Any, ...] = EXPECTED) -> None:
    """As a message and as a value: the bytes are one or a `WireError`, and the code that uses them
    works.
    """
    is_a_header(data)
    promise_of_a_value(is_a_reply(data), expected)
    promise_of_a_value(data, expected)


def promise_of_a_value(data: bytes, expected: tuple[Any, ...] = EXPECTED) -> None:
    """The bytes are a plain value or a `WireError`, and the code that uses the value works."""
    try:
        value = wire.decode(data)
    except WireError as error:
        assert "aren't a value" not in str(error), f"the decoder itself failed: {error}"
        assert len(str(error)) < 200
        return
    is_plain(value, set())
    again = wire.encode(value)
    assert wire.encode(wire.decode(again)) == again, "the second encoding differs"
    is_recorded(again)
    for other in (wire.decode(again), *expected):
        is_compared(value, other)


def is_a_header(data: bytes) -> None:
    """The first four bytes announce a possible length, or raise `WireError`."""
    with contextlib.suppress(WireError):
        length = messages.length_of(data[:4]) if len(data) >= 4 else 1
        assert 0 < length <= wire.FRAME_LIMIT + messages.HEADROOM


def is_a_reply(data: bytes) -> bytes:
    """The value's bytes in a worker's reply; none where the bytes are another reply or no reply.

    The reply is bytes of a value or an `AnswerError`.
    """
    try:
        reply = messages.unpacked(data, messages.WorkerReply)
    except WireError as error:
        assert len(str(error)) < 200
        return b""
    kinds = (messages.Found, messages.Value, messages.Raised, messages.Missing)
    assert type(reply) in (*kinds, messages.Refused, messages.Changed)
    assert type(reply.number) is int
    assert messages.unpacked(messages.packed(reply)[4:], messages.WorkerReply) == reply
    try:
        value = session._data(reply)
    except AnswerError as error:
        is_calm(sanitize(str(error), 4000))
        assert len(str(error)) < 4 * messages.TEXT_LIMIT
        return b""
    assert type(value) is bytes
    return value


def is_plain(value: Any, met: set[int]) -> None:
    """Exact types only, and no two places share what can be changed. met: ids of those."""
    kind = type(value)
    assert kind in (list, tuple, dict, set) or kind in PLAIN, f"a {kind}"
    if kind in (list, dict, set, torch.Tensor, np.ndarray):
        assert id(value) not in met
        met.add(id(value))
    if kind in (list, tuple, set, dict):
        for item in value:
            is_plain(item, met)
    if kind is dict:
        for item in value.values():
            is_plain(item, met)


def is_recorded(data: bytes) -> None:
    """The fingerprint of an answer is JSON, comes back from it, and is the same as itself."""
    recorded = fingerprint(Answer(data=data))
    text = msgspec.json.encode(recorded)
    json.dumps(json.loads(text), allow_nan=False)
    assert msgspec.json.decode(text, type=type(recorded)) == recorded
    assert same(recorded, recorded)


def is_compared(value: Any, expected: Any) -> None:
    """A comparison finds a difference or none, and has words for it."""
    try:
        close(value, expected)
    except Mismatch as error:
        is_calm(sanitize(str(error), 4000))
        assert len(error.summary) < 200


def is_calm(text: str) -> None:
    """Sanitizing again changes nothing, and a report keeps the text as it is."""
    assert sanitize(text, len(text)) == text
    test = TestResult(id="a", visible=True, outcome=Outcome.FAILED, title="So.", detail=text)
    task = TaskResult(id="a", outcome=Outcome.FAILED, score=0, points=1, tests=[test])
    data = msgspec.json.encode(task)
    assert json.loads(data)["tests"][0]["detail"] == text


def is_modest(data: bytes) -> None:
    """Reading the bytes takes at most so many times their own memory."""
    readers: tuple[Callable[[bytes], object], ...] = (
        wire.decode,
        lambda data: messages.unpacked(data, messages.WorkerReply),
    )
    for read in readers:
        tracemalloc.start()
        with contextlib.suppress(WireError):
            read(data)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        most = MEMORY_PER_BYTE * len(data) + MEMORY_AT_ALL
        assert peak <= most, f"{len(data)} bytes took {peak}"


# Values, replies, and their damage


def u32(number: int) -> bytes:
    return struct.pack("<I", number % 2**32)


COUNTS = (0, 1, 2, 4, 5, 8, 16, 17, 2**16, 2**26, 2**31, 2**32 - 1)
TAGS = b"NTFiIfcsbltedrzDVXA"
INTEGERS = (0, 1, -1, 2**31, 2**53, 2**61 - 1, 2**63 - 1, -(2**63), 2**63, -(2**64), 10**400)
NUMBERS = (0.0, -0.0, 0.1, 1e308, 5e-324, float("inf"), float("-inf"), float("nan"))
TEXTS = ("", "a", "float32", "cpu", "Value", "Raised", "\x1b[31m", "\u202e", "\0", "漢", "🙂", "=1")


class Values:
    """Random plain values, and random replies of a worker."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def any(self, depth: int = 2) -> Any:
        makers = [self.leaf, self.leaf, self.tensor, self.array]
        if depth:
            makers += [self.list, self.tuple, self.dict, self.set]
        return self.chance.choice(makers)(depth)

    def leaf(self, depth: int) -> Any:
        pick = self.chance.choice
        maker: Callable[[], Any] = pick(
            (
                lambda: pick((None, True, False)),
                lambda: pick((*INTEGERS, self.chance.getrandbits(70))),
                lambda: pick(NUMBERS),
                lambda: complex(pick(NUMBERS), pick(NUMBERS)),
                lambda: pick(TEXTS),
                lambda: pick(TEXTS).encode(),
                lambda: range(pick((-5, 0, 3)), pick((5, 10**30)), pick((1, 7))),
                lambda: pick((torch.Size([2, 3]), torch.float16, torch.device("cpu"))),
            )
        )
        return maker()

    def tensor(self, depth: int) -> torch.Tensor:
        dtype = getattr(torch, self.chance.choice(list(wire.TENSOR_DTYPES)))
        made = torch.arange(self.chance.choice((0, 1, 6)))
        tensor = made.to(dtype).reshape(self.chance.choice([(-1,), (-1, 1), (1, 1, -1)]))
        return tensor.sum() if dtype == torch.float32 and self.chance.random() < 0.3 else tensor

    def array(self, depth: int) -> np.ndarray[Any, Any]:
        name = self.chance.choice(list(wire.ARRAY_DTYPES))
        return np.arange(self.chance.choice((0, 1, 6))).astype(name).reshape(1, -1)

    def key(self) -> Any:
        value = self.leaf(0)
        while not wire._plain_key(value):
            value = self.leaf(0)
        return (value, self.key()) if self.chance.random() < 0.2 else value

    def many(self) -> range:
        return range(self.chance.choice((0, 1, 1, 2, 2, 3, 3, 20)))

    def list(self, depth: int) -> list[Any]:
        return [self.any(depth - 1) for _ in self.many()]

    def tuple(self, depth: int) -> tuple[Any, ...]:
        return tuple(self.list(depth))

    def dict(self, depth: int) -> dict[Any, Any]:
        return {self.key(): self.any(depth - 1) for _ in self.many()}

    def set(self, depth: int) -> set[Any]:
        return {self.key() for _ in self.many()}

    def reply(self) -> bytes:
        """The bytes of a reply, its length left out; the types of its parts may be wrong."""
        number, texts = self.chance.choice((1, 1, 2**62, True, 1.0)), [*TEXTS, 5, None, b"x"]
        word = functools.partial(self.chance.choice, texts)
        kind = self.chance.choice(("Found", "Value", "Value", "Raised", "Missing", "Refused", "?"))
        parts: dict[str, Any] = {"type": kind, "number": number}
        if kind == "Value":
            parts["data"] = wire.encode(self.any(1))
        elif kind == "Found":
            parts["forbidden"] = {self.chance.choice(TEXTS): word() for _ in self.many()}
        else:
            names = ("text",) if kind == "Refused" else ("kind", "text", "where")
            parts |= {name: word() for name in names}
        return msgspec.msgpack.encode(parts)


class Damage:
    """Make other bytes from some."""

    def __init__(self, chance: random.Random, values: Values) -> None:
        self.chance, self.values = chance, values
        self.ways: tuple[Callable[[bytearray, int], None], ...] = (
            *(self.flip, self.count, self.tag, self.cut, self.put, self.copy, self.noise),
        )

    def once(self, data: bytes) -> bytes:
        damaged = bytearray(data)
        self.chance.choice(self.ways)(damaged, self.chance.randrange(len(data) + 1))
        return bytes(damaged[:MOST])

    def flip(self, data: bytearray, at: int) -> None:
        data[at : at + 1] = bytes([self.chance.randrange(256)])

    def count(self, data: bytearray, at: int) -> None:
        data[at : at + 4] = u32(self.chance.choice(COUNTS) + self.chance.choice((-1, 0, 0, 1)))

    def tag(self, data: bytearray, at: int) -> None:
        data[at : at + 1] = bytes([self.chance.choice(TAGS)])

    def cut(self, data: bytearray, at: int) -> None:
        del data[at : at + self.chance.choice((1, 1, 4, 9, 50))]

    def put(self, data: bytearray, at: int) -> None:
        data[at:at] = wire.encode(self.values.any(1))[:MOST]

    def copy(self, data: bytearray, at: int) -> None:
        begin = self.chance.randrange(len(data) + 1)
        part = data[begin : begin + self.chance.choice((1, 5, 20))]
        data[at:at] = part * self.chance.choice((1, 1, 2, 40))

    def noise(self, data: bytearray, at: int) -> None:
        data[at : at + 2] = self.chance.randbytes(self.chance.randrange(6))


# Coverage


Edge = tuple[int, int]


class Coverage:
    """The steps from line to line in one module, and about how often one input takes each."""

    def __init__(self, module: types.ModuleType) -> None:
        self.file = module.__file__
        self.code = compile(Path(str(module.__file__)).read_text(), str(module.__file__), "exec")
        self.steps: Counter[Edge] = Counter()
        self.seen: set[tuple[Edge, int]] = set()
        self.new = False

    @contextlib.contextmanager
    def watch(self) -> Iterator[None]:
        self.steps.clear()
        sys.settrace(self._call)
        try:
            yield
        finally:
            sys.settrace(None)
            found = {(edge, min(count, 64).bit_length()) for edge, count in self.steps.items()}
            self.new = not found <= self.seen
            self.seen |= found

    def _call(self, frame: types.FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename != self.file:
            return None
        last = 0

        def line(frame: types.FrameType, event: str, _: Any) -> Any:
            nonlocal last
            if event == "line":
                self.steps[last, frame.f_lineno] += 1
                last = frame.f_lineno
            return line

        return line

    @functools.cached_property
    def lines(self) -> set[int]:
        """The lines within the module's functions, which a call can reach."""
        return {line for code in _functions(self.code) for line in _lines(code)}

    @property
    def missed(self) -> list[int]:
        return sorted(self.lines - {line for (_, line), _ in self.seen})


def _functions(code: types.CodeType) -> Iterator[types.CodeType]:
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            if inner.co_flags & 0x2:  # CO_NEWLOCALS: a function, not a class's body
                yield inner
            yield from _functions(inner)


def _lines(code: types.CodeType) -> set[int]:
    return {line for _, _, line in code.co_lines() if line and line > code.co_firstlineno} or {
        code.co_firstlineno
    }


# The fuzzer


class Fuzzer:
    """Try inputs until the time is over or a promise is broken."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.values = Values(self.chance)
        self.damage = Damage(self.chance, self.values)
        self.coverage = Coverage(wire)
        self.kept = [b"N"]
        self.tried = 0
        self.longest = 0.0

    def run(self, seconds: float = math.inf, inputs: float = math.inf) -> bytes | None:
        """The input that broke a promise, if one did; prints its exception."""
        ends = time.monotonic() + seconds
        for path in sorted(path for path in CORPUS.iterdir() if path.is_file()):
            self.kept.append(path.read_bytes())
            if not self.keeps(self.kept[-1]):
                return self.kept[-1]
        while time.monotonic() < ends and self.tried < inputs:
            data = self.next()
            if not self.keeps(data):
                return self.smallest(data)
            if self.coverage.new:
                self.kept.append(data)
        return None

    def next(self) -> bytes:
        kind = self.chance.random()
        if kind < 0.4:
            return self.damage.once(wire.encode(self.values.any())[:MOST])
        if kind < 0.5:
            reply = self.values.reply()[:MOST]
            return self.damage.once(reply) if kind < 0.47 else reply
        data = self.chance.choice(self.kept)
        for _ in range(self.chance.choice((1, 1, 2, 4))):
            data = self.damage.once(data)
        return data

    def keeps(self, data: bytes, aloud: bool = True) -> bool:
        """Whether all promises hold for an input."""
        self.tried += 1
        began = time.process_time()
        try:
            with self.coverage.watch(), contextlib.suppress(WireError):
                value = wire.decode(data)
                if self.tried % 20 == 0:
                    wire.encode(value)
            promise(data, (EXPECTED[zlib.crc32(data) % len(EXPECTED)],))
            if self.coverage.new or self.tried % 100 == 0:
                is_modest(data)
            took = time.process_time() - began
            self.longest = max(self.longest, took)
            assert took < CPU_SECONDS, f"it took {took:.1f} seconds"
        except Exception:
            if aloud:
                traceback.print_exc(file=sys.stdout)
            return False
        return True

    def smallest(self, data: bytes) -> bytes:
        """The input without the bytes that it doesn't need to break a promise."""
        tails = (data[at:] for at in range(len(data) - 1, 0, -1))  # a value within the value
        data = next((tail for tail in tails if not self.keeps(tail, aloud=False)), data)
        step = len(data)
        while step:
            for at in range(0, len(data), step):
                shorter = data[:at] + data[at + step :]
                if not self.keeps(shorter, aloud=False):
                    data = shorter
                    break
            else:
                step //= 2
        return data


def main(seconds: float, seed: int) -> int:
    torch.set_num_threads(1)
    warnings.simplefilter("error")  # an answer's numbers may cause none in the suite process
    print(f"seed {seed}, {seconds:g} seconds", flush=True)
    fuzzer = Fuzzer(seed)
    found = fuzzer.run(seconds)
    coverage = fuzzer.coverage
    missed = ", ".join(map(str, coverage.missed)) or "none"
    print(
        f"{fuzzer.tried:,} inputs, {len(fuzzer.kept)} kept, the slowest {fuzzer.longest:.3f} s;"
        f" wire.py: {len(coverage.lines) - len(coverage.missed)} of {len(coverage.lines)} lines,"
        f" {len(coverage.seen)} steps from line to line; not reached: {missed}"
    )
    if found is None:
        return 0
    path = CORPUS / f"found_{hashlib.sha256(found).hexdigest()[:8]}"
    path.write_bytes(found)
    print(f"a promise is broken: {path} {found[:100]!r}")
    return 1


if __name__ == "__main__":
    seconds, seed = [*map(float, sys.argv[1:]), *(60.0, time.time())[len(sys.argv) - 1 :]]
    sys.exit(main(seconds, int(seed)))
