"""The wire: plain values cross and come back; all else is refused, and nothing runs."""

from __future__ import annotations

import collections
import contextlib
import enum
import struct
import tracemalloc
import warnings
from pathlib import Path
from typing import Any

import fuzz
import numpy as np
import pytest
import torch
from fuzz import CORPUS, is_modest, is_plain, promise
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.sandbox import messages, wire
from autograder.sandbox.wire import FRAME_LIMIT, KEY_LIMIT, NODE_LIMIT, WireError, decode, encode

FUZZ = settings(max_examples=150, deadline=None, database=None, derandomize=True)
INF, NAN = float("inf"), float("nan")
SHARED = 2**61 - 1  # Python's hash of an int is its remainder by this


def back(value: Any) -> Any:
    """The value, encoded and decoded."""
    return decode(encode(value))


def alike(a: Any, b: Any) -> bool:
    """The same type and the same content, NaN included."""
    return type(a) is type(b) and repr(a) == repr(b)


def u32(number: int) -> bytes:
    return struct.pack("<I", number)


def array(tag: bytes, name: Any, shape: Any, data: Any, device: Any = "cpu") -> bytes:
    """A tensor (tag X) or array (tag A) as an attacker might write it."""
    return tag + b"".join(map(encode, (name, device, False, shape, data)))


def name_of(value: object) -> str:
    """A test's name, the same in every process: a set's text depends on the hash seed."""
    if isinstance(value, int):
        return f"int{value.bit_length()}"
    return "set" if isinstance(value, set) and value else repr(value)[:30]


# What crosses


@pytest.mark.parametrize(
    "value",
    [
        *(
            None,
            True,
            False,
            0,
            -1,
            2**63 - 1,
            -(2**63),
            2**63,
            -(2**63) - 1,
            10**9000,
            -(10**9000),
        ),
        *(0.0, -0.0, 0.1, INF, -INF, NAN, 1e-320, 1 + 2j, complex(NAN, -0.0)),
        *("", "text", "naïve 漢字 🙂", "nul \0", b"", b"\0\xff", [], (), {}, set(), range(3)),
        *(range(5, -5, -2), range(0, 10**30, 7), [1, [2, (3, {"a": [None]})]], {1: "a", "b": 2.5}),
        *({(1, ("x", b"y")): [], None: 0, True: 1, 2.5: 2, 1j: 3}, {1, "a", (2, 3)}),
        *(torch.float32, torch.bfloat16, torch.device("cpu"), torch.Size([2, 3]), torch.Size([])),
    ],
    ids=name_of,
)
def test_plain_values_come_back_as_they_were(value: Any) -> None:
    """Every plain type, at its edges: same type, same content."""
    got = back(value)
    if isinstance(value, int):  # too long for repr
        assert type(got) is type(value)
        assert got == value
    elif isinstance(value, set):
        assert got == value
    else:
        assert alike(got, value)


@pytest.mark.parametrize("name", wire.TENSOR_DTYPES)
def test_a_tensor_of_every_dtype_comes_back(name: str) -> None:
    """Filled, 0-d, and of no elements."""
    dtype = getattr(torch, name)
    for shape in ((2, 3), (), (0,), (4, 0, 2)):
        tensor = torch.arange(6)[: torch.Size(shape).numel()].reshape(shape).to(dtype)
        got = back(tensor)
        assert (got.dtype, got.shape, got.device.type) == (dtype, tensor.shape, "cpu")
        assert torch.equal(got, tensor)


@pytest.mark.parametrize("name", wire.ARRAY_DTYPES)
def test_an_array_of_every_dtype_comes_back(name: str) -> None:
    """Filled, 0-d, and of no elements; and it can be written to."""
    for shape in ((2, 3), (), (0, 3)):
        array = np.arange(6)[: int(np.prod(shape))].reshape(shape).astype(name)
        got = back(array)
        assert (type(got), got.dtype, got.shape) == (np.ndarray, array.dtype, shape)
        assert np.array_equal(got, array)
        assert got.flags.writeable


@pytest.mark.parametrize(
    "tensor",
    [
        torch.arange(6).reshape(2, 3).T,
        torch.arange(6)[::2],
        torch.zeros(1).expand(3),
        torch.tensor([1 + 2j]).conj(),
        torch.tensor([[1 + 2j, 3j]]).mH,
        torch.tensor([1 + 2j, 3 + 4j]).conj().imag,
        torch.tensor([NAN, INF, -0.0]),
        torch.arange(6.0)[::6],
        torch.ones(1, 7)[:, 0],
        torch.ones(3, 7, dtype=torch.bfloat16)[2:, 3],
        torch.tensor([1 + 2j]).conj().imag,
    ],
    ids=lambda value: f"{value.dtype} {tuple(value.shape)}",
)
def test_views_cross_as_what_they_show(tensor: torch.Tensor) -> None:
    """Strides and lazy conjugation are an arrangement of memory, not a value."""
    assert alike(back(tensor), tensor.clone(memory_format=torch.contiguous_format))


def test_requires_grad_crosses_without_graph_and_gradient() -> None:
    """requires_grad comes back on a leaf; the graph and .grad don't."""
    x = torch.ones(2, requires_grad=True)
    (x * 2).sum().backward()  # type: ignore[no-untyped-call]
    for value, wish in ((x, True), (x * 2, True), (x.detach(), False)):
        got = back(value)
        assert (got.requires_grad, got.grad_fn, got.grad) == (wish, None, None)


def test_numpy_scalars_cross_as_python_numbers() -> None:
    """np.float32(0.5) is the number 0.5."""
    pairs: list[tuple[Any, Any]] = [
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (np.bool_(True), True),
    ]
    pairs += [(np.complex64(1j), 1j), (np.str_("a"), "a"), (np.uint64(2**64 - 1), 2**64 - 1)]
    for scalar, number in pairs:
        assert alike(back(scalar), number)


def test_arrays_of_the_other_byte_order_cross() -> None:
    """Big-endian numbers are the same numbers."""
    assert back(np.arange(3, dtype=">i4")).tolist() == [0, 1, 2]


class Text(str):
    def __str__(self) -> str:
        return "a lie"

    encode = None  # type: ignore[assignment]


class Pretender(torch.Tensor):
    """A tensor class of which every operation raises."""

    @classmethod
    def __torch_function__(cls, *args: Any, **kwargs: Any) -> Any:
        raise AssertionError("an operation was called")


Point = collections.namedtuple("Point", "x y")
Colour = enum.IntEnum("Colour", "RED")


@pytest.mark.parametrize(
    ("value", "base"),
    [
        (Point(1, 2), (1, 2)),
        (collections.Counter("aab"), {"a": 2, "b": 1}),
        (collections.OrderedDict(a=1), {"a": 1}),
        (collections.defaultdict(list, a=[1]), {"a": [1]}),
        (Colour.RED, 1),
        (Text("truth"), "truth"),
        (bytearray(b"ab"), b"ab"),
        (frozenset({1}), {1}),
        (torch.nn.Parameter(torch.ones(2)), torch.ones(2, requires_grad=True)),
        (torch.ones(2).as_subclass(Pretender), torch.ones(2)),
        (np.ma.masked_array([1, 2], mask=[False, True]), np.array([1, 2])),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_subclass_crosses_as_its_base(value: Any, base: Any) -> None:
    """Its contents cross; its class's own methods aren't called."""
    assert alike(back(value), base)


def test_a_lone_surrogate_becomes_its_escape() -> None:
    """It can't be printed otherwise."""
    assert back("a\ud800b") == "a\\ud800b"
    assert back({"\udfff": 1}) == {"\\udfff": 1}


def test_sets_have_one_encoding() -> None:
    """The bytes of a set don't depend on the order of its items, so answers can be compared."""
    words = [f"w{i}" for i in range(100)]
    assert encode(set(words)) == encode({*words[::-1]}) == encode(frozenset(words))


def test_a_message_is_a_length_and_a_map() -> None:
    """A reader knows the length before it reads."""
    reply = messages.Value(7, encode([1, 2]))
    data = messages.packed(reply)
    assert messages.length_of(data[:4]) == len(data) - 4
    assert messages.unpacked(data[4:], messages.WorkerReply) == reply


# What does not cross


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


circle: list[Any] = []
circle.append(circle)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (object(), "a object is not plain data"),
        (lambda: 0, "a function is not plain data"),
        ((x for x in "ab"), "a generator is not plain data"),
        ([1, {"a": iter([])}], "a list_iterator is not plain data"),
        (np.datetime64("2020-01-01"), "a date is not plain data"),
        (int, "a type is not plain data"),
        (np.longdouble(1), "longdouble"),
        (nested(wire.DEPTH_LIMIT + 1), "nested deeper than 32 levels"),
        (circle, "nested deeper than 32 levels"),
        (1 << 8 * wire.INT_LIMIT, "an integer of more than 4096 bytes"),
        (torch.zeros(2).to_sparse(), "a torch.sparse_coo tensor may not cross; make it dense"),
        (torch.empty(2, device="meta"), "a float32 tensor on meta may not cross"),
        (torch.zeros(2).to(torch.float8_e4m3fn), "a float8_e4m3fn tensor on cpu may not cross"),
        (np.array([object()]), "an array of object may not cross"),
        (np.array(["text"]), "an array of str128 may not cross"),
        (torch.float8_e5m2, "a name that is not on the list of dtypes and devices"),
        (torch.device("meta"), "a name that is not on the list of dtypes and devices"),
        (torch.Size([-1]), "a shape that isn't a few counts"),
        (torch.ones((1,) * 17), "a shape that isn't a few counts"),
        (np.ones((1,) * 17), "a shape that isn't a few counts"),
        (torch.empty(2**39, 0), "a shape with more places than fit into a frame"),
        ({frozenset({1})}, "a frozenset can't be a key here"),
        ({(1, torch.int8): 2}, "a dtype can't be a key here"),
        (torch.zeros(1).expand(2**40), "a tensor of 4398046511104 bytes"),
        (np.broadcast_to(np.float64(1), (2**30,)), "a tensor of 8589934592 bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_plain_data_is_refused_by_name(value: Any, says: str) -> None:
    """The student reads which type of theirs it was."""
    with pytest.raises(WireError, match=says):
        encode(value)


@pytest.mark.filterwarnings("ignore")
def test_quantized_and_nested_tensors_are_refused() -> None:
    """They are more than numbers and a shape."""
    quantized = torch.quantize_per_tensor(torch.zeros(2), 1.0, 0, torch.quint8)
    nested = torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)])
    for tensor in (quantized, nested, torch._efficientzerotensor((2,))):
        with pytest.raises(WireError, match="may not cross"):
            encode(tensor)


def test_answers_have_a_size() -> None:
    """64 MiB, a million values, 65,536 keys: the same on both sides."""
    with pytest.raises(WireError, match="the value takes 67108869 bytes; 67108864 are allowed"):
        encode(bytes(FRAME_LIMIT))
    with pytest.raises(WireError, match="more than 1000000 values in one answer"):
        encode([None] * NODE_LIMIT)
    with pytest.raises(WireError, match="more than 65536 keys in one answer"):
        encode([dict.fromkeys(range(40000)), set(range(40_000))])
    with pytest.raises(WireError, match="a message of 4294967295 bytes was announced"):
        messages.length_of(b"\xff" * 4)
    with pytest.raises(WireError, match="a message of 0 bytes was announced"):
        messages.length_of(bytes(4))


def test_answers_at_their_limits_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader takes all that the writer does: levels, bytes, keys, parts."""
    assert back(nested(wire.DEPTH_LIMIT)) == nested(wire.DEPTH_LIMIT)
    for bound in (1 << 8 * wire.INT_LIMIT - 1, 2**64):
        assert back([bound - 1, -bound]) == [bound - 1, -bound]
    assert back(set(range(KEY_LIMIT))) == set(range(KEY_LIMIT))
    assert len(back({(i, i + 1): i for i in range(KEY_LIMIT)})) == KEY_LIMIT
    for limit in range(1, 12):  # a tensor counts as six, and one more for each dimension
        monkeypatch.setattr(wire, "NODE_LIMIT", limit)
        for value, nodes in (([torch.tensor(1)], 7), (torch.ones(2, 3), 8), ({1: 2, 3: 4}, 5)):
            with contextlib.suppress(WireError) if limit < nodes else contextlib.nullcontext():
                assert str(back(value)) == str(value)
                assert limit >= nodes


# No foreign code runs


class Tripwire:
    """Records each use of it in `acted`."""

    def __getattribute__(self, name: str) -> Any:
        acted.append(name)
        raise KeyError(name)

    def _act(self, *args: Any) -> Any:
        acted.append("called")
        raise KeyError

    __eq__ = __hash__ = __bool__ = __len__ = __iter__ = __reduce__ = __index__ = _act
    __reduce_ex__ = __array__ = __float__ = __getitem__ = __class_getitem__ = _act


acted: list[str] = []


@pytest.fixture(autouse=True)
def _calm() -> None:
    acted.clear()


def trapped(base: type) -> type:
    """A subclass of a plain type with every method overridden by a trap."""
    names = set(dir(base)) - set(dir(object)) | {"__eq__", "__hash__", "__class__", "__reduce__"}
    names -= {"__class_getitem__"}
    return type("Trapped", (base,), {**dict.fromkeys(names, property(Tripwire._act))})


@pytest.mark.parametrize(
    "plain",
    [5, 1.5, 2j, "text", b"bytes", bytearray(b"x"), [1], (1, 2), {"a": 1}, {1, 2}, frozenset({3})],
    ids=lambda value: type(value).__name__,
)
def test_a_trapped_subclass_crosses_and_no_trap_runs(plain: Any) -> None:
    """Every method and property of it is a trap; its contents cross nevertheless."""
    base: Any = type(plain)
    value = base.__new__(trapped(base), *([] if base in (list, dict, set, bytearray) else [plain]))
    if base in (list, dict, set, bytearray):
        base.__init__(value, plain)
    others: dict[type, type] = {bytearray: bytes, frozenset: set}
    expected = others.get(base, base)(plain)
    assert alike(back(value), expected)
    assert acted == []


@pytest.mark.parametrize("inside", [lambda x: x, lambda x: [x], lambda x: {"k": x}, lambda x: (x,)])
def test_a_trap_is_refused_and_does_not_run(inside: Any) -> None:
    """The encoder looks at its class and never at the value."""
    value = inside(Tripwire())
    with pytest.raises(WireError, match="a Tripwire is not plain data"):
        encode(value)
    assert acted == []


def test_a_class_of_a_trapped_metaclass_is_refused_and_no_trap_runs() -> None:
    """A metaclass may lie about name, hash, equality and ancestors: the encoder uses `type`'s."""

    class Meta(type):
        __name__ = __mro__ = property(Tripwire._act)
        __hash__ = __eq__ = Tripwire._act

    for value in (Meta("Odd", (), {})(), Meta("Odd", (object,), {})()):
        with pytest.raises(WireError, match="is not plain data"):
            encode(value)
    assert back(Meta("Odd", (set,), {})([1])) == {1}
    assert acted == []


def test_a_tensor_with_trapped_properties_crosses_and_no_trap_runs() -> None:
    """The encoder reads layout, device, requires_grad and dtype by torch's own class."""
    names = ("layout", "device", "requires_grad", "dtype", "shape", "as_subclass", "detach")
    odd = type("Odd", (torch.Tensor,), dict.fromkeys(names, property(Tripwire._act)))
    value: torch.Tensor = torch.Tensor.as_subclass(torch.ones(2), odd)
    assert torch.equal(back(value), torch.ones(2))
    assert acted == []


# Bytes of an attacker

ONE_TENSOR = encode(torch.ones(2, 3))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "1 bytes were announced and 0 came"),
        (b"i123", "8 bytes were announced and 3 came"),
        (b"s" + u32(2**32 - 1) + b"text", "4294967295 bytes were announced and 4 came"),
        (b"N" + b"NN", "2 bytes follow the value"),
        (b"?", "no value begins with the byte 63"),
        (b"l" + u32(2**32 - 1) + b"N" * 9, "4294967295 values were announced, more than can"),
        (b"d" + u32(5) + b"N" * 9, "5 values were announced, more than can"),
        (b"l" + u32(NODE_LIMIT + 9) + b"N" * (NODE_LIMIT + 9), "values were announced, more than"),
        ((b"l" + u32(1)) * 40 + b"N", "a value with too many parts or levels"),
        (b"I" + u32(4097) + bytes(4097), "an integer of 4097 bytes; 4096 are allowed"),
        (b"s" + u32(2) + b"\xff\xfe", "text that isn't UTF-8"),
        (b"d" + u32(1) + encode([]) + b"N", "a list can't be a key here"),
        (b"d" + u32(1) + encode((1, (2, {}))) + b"N", "a tuple can't be a key here"),
        (b"e" + u32(1) + ONE_TENSOR, "a Tensor can't be a key here"),
        (
            b"l" + u32(2) + 2 * (b"e" + u32(40_000) + b"".join(encode(i) for i in range(40_000))),
            "more than 65536 keys in one answer",
        ),
        (b"r" + encode(1) * 2 + encode(0), "a range that isn't three integers"),
        (b"r" + encode(1) * 2 + encode("1"), "a range that isn't three integers"),
        (b"D" + u32(4) + b"load", "a name that is not on the list of dtypes and devices"),
        (b"V" + u32(4) + b"meta", "a name that is not on the list of dtypes and devices"),
        (b"z" + u32(1) + encode(-1), "a shape that isn't a few counts"),
        (b"z" + u32(1) + encode(True), "a shape that isn't a few counts"),
        (b"z" + u32(17) + encode(1) * 17, "a shape that isn't a few counts"),
        (array(b"X", "float32", (2**40,), b""), "a shape with more places than fit into a frame"),
        (array(b"X", "float32", [2], bytes(8)), "a tensor whose parts are of other types"),
        (array(b"X", 7, (2,), bytes(8)), "a tensor whose parts are of other types"),
        (array(b"X", "load", (2,), bytes(8)), "a tensor with a dtype or device that isn't on the"),
        (array(b"A", "object", (1,), bytes(8)), "a tensor with a dtype or device that isn't on"),
        (array(b"X", "uint8", (2,), b"xx", "mps"), "a tensor with a dtype or device that isn't"),
        (array(b"X", "uint8", (2,), "xx"), "a tensor whose parts are of other types"),
        (b"X" * 999, "a tensor whose parts are of other types"),
        (b"Xs\3\0\0\0ints\3\0\0\0cpuFt" + u32(1) + b"X", "parts are of other types"),
        (array(b"X", "float32", (3,), bytes(8)), "a tensor of 12 bytes came with 8"),
        (array(b"X", "float32", (0, *(2**39,) * 9), b""), "a shape with more places than fit"),
        (array(b"A", "float32", (0, *(2**39,) * 9), b""), "a shape with more places than fit"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_bytes_are_refused_in_words(data: bytes, says: str) -> None:
    """Each way in which bytes can fail to be a value."""
    with pytest.raises(WireError, match=says):
        decode(data)


def test_an_error_of_the_decoder_is_a_wire_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tensor for a device that this machine lacks: torch's own exception stays inside."""
    absent = "mps" if torch.cuda.is_available() else "cuda"
    monkeypatch.setattr(wire, "_devices", {"cpu"})
    wire.use_device(absent)
    with pytest.raises(WireError, match=r"bytes that aren't a value \(\w+\)"):
        decode(array(b"X", "uint8", (2,), b"xx", absent))


def test_a_vocabulary_crosses() -> None:
    """Fifty thousand keys that are numbers or pairs are no attack."""
    assert len(back(dict.fromkeys(range(50257), b"token"))) == 50_257
    assert len(back({(i, i + 1): i for i in range(50_000)})) == 50_000


@pytest.mark.parametrize(
    "key",
    [lambda i: i * SHARED, lambda i: (i * SHARED, 0), lambda i: ((10**30,) * 40, i * SHARED)],
    ids=["numbers", "pairs", "long tuples"],
)
@pytest.mark.parametrize("tag", [b"e", b"d"], ids=["set", "dict"])
def test_keys_that_collide_are_given_up(
    key: Any, tag: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each new key of the same hash is compared with all before it: their reader would stall.

    These would take a second and more, a hundred times what is allowed here.
    """
    monkeypatch.setattr(wire, "KEY_SECONDS", 0.01)
    keys = [encode(key(i)) for i in range(20_000)]
    after = b"N" if tag == b"d" else b""
    with pytest.raises(WireError, match="keys that take too long to be told from each other"):
        decode(tag + u32(len(keys)) + b"".join(k + after for k in keys))


@pytest.mark.parametrize("tag", [b"s", b"b", b"l", b"t", b"d", b"e", b"z", b"I", b"D", b"V"])
def test_announcing_much_takes_no_memory(tag: bytes) -> None:
    """The decoder compares an announced length with the bytes that came, then takes memory."""
    data = tag + u32(2**31) + b"N" * 1000
    tracemalloc.start()
    with pytest.raises(WireError, match="announced"):
        decode(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200_000


def test_tensors_of_bytes_that_are_no_bools_are_bools() -> None:
    """A bool is 0 or 1, whatever its byte was."""
    tensor = decode(array(b"X", "bool", (3,), b"\0\2\xff"))
    assert tensor.view(torch.uint8).tolist() == [0, 1, 1]
    numbers = decode(array(b"A", "bool", (3,), b"\0\2\xff"))
    assert numbers.view(np.uint8).tolist() == [0, 1, 1]


@pytest.mark.parametrize("path", sorted(CORPUS.iterdir()), ids=lambda path: path.name)
def test_all_that_was_ever_found_is_harmless(path: Path) -> None:
    """Every tag, edge and lie, and what the fuzzer has found: `fuzz.promise` says what holds."""
    data = path.read_bytes()
    promise(data)
    is_modest(data)


def test_the_fuzzer_finds_what_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few thousand inputs find a wrong reader; the input that finds it is small."""

    def of_any_type(reader: Any, depth: int) -> range:
        return range(*[reader.take(depth) for _ in range(3)])

    monkeypatch.setitem(wire._READERS, b"r", of_any_type)
    monkeypatch.setattr(fuzz, "CORPUS", CORPUS.parent)  # a folder without files
    found = fuzz.Fuzzer(seed=1).run(inputs=5000)
    assert found is not None
    assert len(found) < 40


@FUZZ
@given(st.binary(max_size=200))
def test_any_bytes_are_a_plain_value_or_a_wire_error(data: bytes) -> None:
    """As a value and as a message."""
    promise(data)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers()
hashable: st.SearchStrategy[Any] = scalars | st.text(max_size=9) | st.binary(max_size=9)
hashable |= st.tuples(hashable, hashable)
tensors = st.sampled_from(
    [torch.ones(2, 3), torch.zeros(0), torch.tensor(1.5), torch.tensor([True])]
)
arrays = st.sampled_from([np.ones((2, 3)), np.zeros(0), np.array(7), torch.Size([2]), torch.int8])
values = st.recursive(
    hashable | tensors | arrays | st.builds(range, st.integers(), st.integers()),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(hashable, inner, max_size=4)
        | st.sets(hashable, max_size=4)
    ),
    max_leaves=12,
)


@FUZZ
@given(values)
def test_whatever_is_plain_comes_back(value: Any) -> None:
    """A tree of plain values has the same bytes when it is encoded again."""
    data = encode(value)
    is_plain(decode(data), set())
    assert encode(decode(data)) == data


@FUZZ
@given(values, st.data())
def test_damaged_values_are_plain_values_or_wire_errors(value: Any, data: st.DataObject) -> None:
    """A byte changed, cut out or put in, anywhere in a real value."""
    damaged = bytearray(encode(value))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(damaged)))
        new = data.draw(st.binary(max_size=5))
        damaged[at : at + data.draw(st.integers(0, 2))] = new
    promise(bytes(damaged), (0, torch.ones(2)))


# Whatever a submission may return


class Liar:
    """Its `__class__` is str."""

    __class__ = str  # type: ignore[assignment]


class Named(str):
    """Equal to any other key."""

    def __eq__(self, other: object) -> bool:
        acted.append("compared")
        return True

    def __hash__(self) -> int:
        acted.append("hashed")
        return 7


def odd_tensors() -> list[torch.Tensor]:
    """Tensors of a few numbers: plain ones and all other kinds."""
    x, z = torch.arange(6.0).reshape(2, 3), torch.tensor([1 + 2j, 3j])
    quantized = torch.quantize_per_tensor(x, 1.0, 0, torch.quint8)
    views = [x.T, x[:, 1], x[::2], x.expand(4, 2, 3), x[:0], x[1, 2], x.flip(0), x[..., None]]
    lazy = [z.conj(), z.conj().imag, x._neg_view(), z.conj().real, torch._efficientzerotensor((2,))]
    other = [x.to_sparse(), x.to_sparse_csr(), x.to("meta"), quantized, x.to(torch.float8_e4m3fn)]
    other += [x.to(torch.complex32), x.to(torch.uint16), x.to_mkldnn(), torch.empty(2**39, 0)]
    grown = x.clone().requires_grad_()
    kinds = [torch.nn.Parameter(x), x.as_subclass(Pretender), grown, grown * 2, torch.nn.Buffer(z)]
    return [*views, *lazy, *other, *kinds, torch.ones((1,) * 17), torch.zeros(1).expand(2**40)]


def odd_arrays() -> list[Any]:
    """Arrays and scalars of numpy: plain ones and all other kinds."""
    x = np.arange(6.0).reshape(2, 3)
    views = [
        x.T,
        x[::-1, ::2],
        x[:0],
        x[1:, 2],
        np.asfortranarray(x),
        np.broadcast_to(x, (9, 2, 3)),
    ]
    views += [np.lib.stride_tricks.as_strided(np.ones(1), (2, 2), (0, 0)), np.matrix(x)]
    views += [np.ma.masked_array([1, 2], mask=[False, True]), np.frombuffer(b"abcd", dtype="u1")]
    orders = [x.astype(name) for name in (">f2", ">f8", ">c16", ">i4", "?", "f2", "O", "S3", "U3")]
    odd = [np.zeros(2, "M8[s]"), np.zeros(2, [("a", "O")]), np.zeros(2, "g"), np.ones((1,) * 17)]
    scalars = [np.datetime64(5, "ns"), np.timedelta64(1, "s"), np.void(b"ab"), np.clongdouble(1)]
    scalars += [np.float16(1), np.bytes_(b"a"), np.str_("a"), np.zeros(1, [("a", int)])[0]]
    return [*views, *orders, *odd, *scalars, np.empty((2**39, 0))]


def wild(kind: type, *arguments: Any) -> Any:
    """A value of a subclass with a trap for every method."""
    value = kind.__new__(trapped(kind), *arguments)
    kind.__init__(value, *arguments) if kind in (list, dict, set) else None
    return value


def loops() -> list[Any]:
    """Containers in themselves, of a million items, or nested a thousand deep."""
    mapping: dict[Any, Any] = {}
    mapping["me"] = [mapping]
    twice: Any = []
    for _ in range(40):
        twice = [twice, twice]  # 2**40 places in 40 lists
    return [circle, mapping, (circle,), nested(999), twice, [[]] * 10**6, 1 << 99_999]


with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # torch and numpy warn about unusual kinds
    ODD = [*odd_tensors(), *odd_arrays()]
    LOOPS = loops()
odd = st.integers(0, len(ODD) - 1).map(lambda number: ODD[number])
odd |= st.integers(0, len(LOOPS) - 1).map(lambda number: LOOPS[number])
odd |= st.builds(
    lambda make: make(),
    st.sampled_from(
        [
            *(Tripwire, Liar, object, lambda: Tripwire, lambda: iter([1]), lambda: {}.keys()),
            *(lambda: wild(int, 2**70), lambda: wild(str, "a\ud800"), lambda: wild(list, [1])),
            *(lambda: wild(dict, {1: [2]}), lambda: wild(set, {1}), lambda: wild(tuple, (1,))),
            *(lambda: wild(float, 0.5), lambda: wild(complex, 1j), lambda: wild(bytes, b"x")),
            *(lambda: bytearray(b"x"), lambda: memoryview(b"x"), lambda: frozenset({(1,)})),
            *(lambda: torch.float8_e5m2, lambda: torch.device("cuda:3"), lambda: torch.Size([-1])),
            *(lambda: type("x" * 9999, (), {})(), lambda: type("a\x1b\n\u202e", (), {})()),
        ]
    ),
)
keys = hashable | st.sampled_from([frozenset({1}), torch.int8, range(3), (1, (frozenset(),)), int])
keys |= st.builds(Named, st.text(max_size=2))
graphs = st.recursive(
    odd | values,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(lambda items: wild(tuple, items))
        | st.dictionaries(keys, inner, max_size=3)
        | st.frozensets(keys, max_size=3)
        | inner.map(lambda item: [item, item])
    ),
    max_leaves=4,
)


@FUZZ
@given(graphs)
@pytest.mark.filterwarnings("ignore")
def test_whatever_is_returned_crosses_or_is_refused(value: Any) -> None:
    """Nothing else: none of its code runs, and what is written can be read."""
    acted.clear()  # making a dict hashes its keys
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wire, "NODE_LIMIT", 1000)  # for values in themselves
        try:
            data = encode(value)
        except WireError:
            data = b"N"
    assert acted == []
    is_plain(decode(data), set())


@pytest.mark.filterwarnings("ignore")
def test_what_torch_and_numpy_can_make_crosses_or_is_refused() -> None:
    """Each odd value once, alone."""
    crossed = 0
    for value in ODD:
        with contextlib.suppress(WireError):
            crossed += encode(decode(encode(value))) == encode(value)
    assert crossed >= 30


def test_a_tensor_with_a_dispatcher_of_its_own_crosses_or_raises_there() -> None:
    """torch calls __torch_dispatch__: there alone a submission's code runs, in its own process."""

    class Dispatched(torch.Tensor):
        @classmethod
        def __torch_dispatch__(cls, *args: Any, **kwargs: Any) -> Any:
            raise LookupError("dispatched")

    with pytest.raises(LookupError, match="dispatched"):
        encode(torch.ones(2).as_subclass(Dispatched))
