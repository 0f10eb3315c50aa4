"""Values to bytes and back: a closed list of plain types; nothing that can act.

A value is one tag byte and what the tag says. `encode` looks at exact types only. `decode` trusts
nothing: it compares each length with the bytes that are left before it takes memory, and builds
its result fresh from the types below.
"""

from __future__ import annotations

import math
import struct
import sys
import time
from collections.abc import Callable, Container
from typing import Any

# A course may set these two.
FRAME_LIMIT = 64 * 2**20  # bytes
DEPTH_LIMIT = 32
NODE_LIMIT = 1_000_000
# An attacker knows Python's hashes, those of text too, and can craft keys that collide: then each
# new key is compared with all before it. No rule on hashes tells such keys from others; the time to
# fill a dict or a set does. An honest answer's takes some hundredths of a second.
KEY_LIMIT = 2**16
KEY_SECONDS = 1.0  # of CPU, for all keys of one answer
KEYS_AT_ONCE = 64
INT_LIMIT = 4096  # bytes of one integer
DIM_LIMIT = 16

# Where decoded tensors may go: a sender's word must not wake a device that isn't in use.
_devices = {"cpu"}

_U32 = struct.Struct("<I")
_I64 = struct.Struct("<q")
_F64 = struct.Struct("<d")
_C128 = struct.Struct("<dd")

# name -> bytes of one element
TENSOR_DTYPES = {
    "bool": 1,
    "uint8": 1,
    "int8": 1,
    "int16": 2,
    "int32": 4,
    "int64": 8,
    "float16": 2,
    "bfloat16": 2,
    "float32": 4,
    "float64": 8,
    "complex64": 8,
    "complex128": 16,
}
ARRAY_DTYPES = {**TENSOR_DTYPES, "uint16": 2, "uint32": 4, "uint64": 8}
del ARRAY_DTYPES["bfloat16"]
DEVICES = ("cpu", "cuda", "mps")


class WireError(Exception):
    """A value that may not cross, or bytes that aren't a value."""


def use_device(name: str) -> None:
    """Tensors from this device may be decoded in this process, onto it."""
    _devices.add(name)


def use_limits(mib: int, depth: int) -> None:
    """What one value may take in this process: MiB as bytes, levels of lists in lists."""
    global FRAME_LIMIT, DEPTH_LIMIT
    FRAME_LIMIT, DEPTH_LIMIT = mib * 2**20, depth


def encode(value: Any) -> bytes:
    """The bytes of a value, without the frame's length. Raises `WireError`."""
    out: list[bytes] = []
    _Encoder(out.append).put(value, DEPTH_LIMIT)
    data = b"".join(out)
    if len(data) > FRAME_LIMIT:
        raise WireError(f"the value takes {len(data)} bytes; {FRAME_LIMIT} are allowed")
    return data


def decode(data: bytes | bytearray) -> Any:
    """The value of these bytes. Raises `WireError` and nothing else."""
    if len(data) > FRAME_LIMIT:
        raise WireError(f"the value takes {len(data)} bytes; {FRAME_LIMIT} are allowed")
    reader = _Decoder(data)
    try:
        value = reader.take(DEPTH_LIMIT)
    except WireError:
        raise
    except Exception as error:  # a fault of the decoder is the sender's, too: nothing escapes
        raise WireError(f"bytes that aren't a value ({type(error).__name__})") from None
    if reader.at != len(data):
        raise WireError(f"{len(data) - reader.at} bytes follow the value")
    return value


class _Encoder:
    """Writes one value. Runs beside foreign code, so it asks `type(x)` and never `x`."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self.write = write
        self.nodes = NODE_LIMIT
        self.keys = KEY_LIMIT
        self.in_key = False

    def put(self, value: Any, depth: int) -> None:
        self.spend(1)
        if depth < 0:
            raise WireError(f"a value nested deeper than {DEPTH_LIMIT} levels")
        writer = _writer_of(type(value))
        if writer is None:
            raise WireError(f"a {_NAME(type(value))} is not plain data")
        if self.in_key and writer not in _KEY_WRITERS:
            raise WireError(f"a {_NAME(type(value))} can't be a key here")
        writer(self, value, depth - 1)

    def spend(self, nodes: int) -> None:
        self.nodes -= nodes
        if self.nodes < 0:
            raise WireError(f"more than {NODE_LIMIT} values in one answer")

    def put_key(self, value: Any, depth: int) -> None:
        self.keys -= 1
        if self.keys < 0:
            raise WireError(f"more than {KEY_LIMIT} keys in one answer")
        self.in_key = True
        self.put(value, depth)
        self.in_key = False

    def blob(self, tag: bytes, data: bytes) -> None:
        self.write(tag + _U32.pack(len(data)))
        self.write(data)

    def put_none(self, value: None, depth: int) -> None:
        self.write(b"N")

    def put_bool(self, value: bool, depth: int) -> None:
        self.write(b"T" if value else b"F")

    def put_int(self, value: int, depth: int) -> None:
        value = int.__index__(value)
        try:
            self.write(b"i" + _I64.pack(value))
        except struct.error:
            length = int.bit_length(value if value > 0 else ~value) // 8 + 1
            if length > INT_LIMIT:
                raise WireError(f"an integer of more than {INT_LIMIT} bytes") from None
            self.blob(b"I", int.to_bytes(value, length, "little", signed=True))

    def put_float(self, value: float, depth: int) -> None:
        self.write(b"f" + _F64.pack(float.__float__(value)))

    def put_complex(self, value: complex, depth: int) -> None:
        value = complex.__complex__(value)
        self.write(b"c" + _C128.pack(value.real, value.imag))

    def put_str(self, value: str, depth: int) -> None:
        # A lone surrogate isn't text: it is written out, so that nobody's printing fails later.
        self.blob(b"s", str.encode(value, "utf-8", "backslashreplace"))

    def put_bytes(self, value: bytes, depth: int) -> None:
        self.blob(b"b", bytes.__getitem__(value, slice(None)))

    def put_bytearray(self, value: bytearray, depth: int) -> None:
        self.blob(b"b", bytes(memoryview(value)))

    def put_list(self, value: list[Any], depth: int) -> None:
        self.put_many(b"l", list.__iter__(value), list.__len__(value), depth)

    def put_tuple(self, value: tuple[Any, ...], depth: int) -> None:
        self.put_many(b"t", tuple.__iter__(value), tuple.__len__(value), depth)

    def put_many(self, tag: bytes, items: Any, length: int, depth: int) -> None:
        self.write(tag + _U32.pack(length))
        for item in items:
            self.put(item, depth)

    def put_set(self, value: set[Any], depth: int) -> None:
        kind: Any = set if any(base is set for base in _MRO(type(value))) else frozenset
        encoded = sorted(self.apart(item, depth) for item in kind.__iter__(value))
        self.write(b"e" + _U32.pack(len(encoded)) + b"".join(encoded))

    def apart(self, value: Any, depth: int) -> bytes:
        out: list[bytes] = []
        inner = _Encoder(out.append)
        inner.nodes, inner.keys = self.nodes, self.keys
        inner.put_key(value, depth)
        self.nodes, self.keys = inner.nodes, inner.keys
        return b"".join(out)

    def put_dict(self, value: dict[Any, Any], depth: int) -> None:
        self.write(b"d" + _U32.pack(dict.__len__(value)))
        for key, item in dict.items(value):
            self.put_key(key, depth)
            self.put(item, depth)

    def put_range(self, value: range, depth: int) -> None:
        self.write(b"r")
        for number in (value.start, value.stop, value.step):
            self.put(number, depth)

    def put_size(self, value: Any, depth: int) -> None:
        shape = _shape(tuple(tuple.__iter__(value)))
        self.put_many(b"z", iter(shape), len(shape), depth)

    def put_dtype(self, value: Any, depth: int) -> None:
        self.blob(b"D", _named(repr(value).removeprefix("torch."), TENSOR_DTYPES).encode())

    def put_device(self, value: Any, depth: int) -> None:
        self.blob(b"V", _named(value.type, DEVICES).encode())

    def put_tensor(self, value: Any, depth: int) -> None:
        torch = sys.modules["torch"]
        base = torch.Tensor  # a subclass's own properties aren't asked
        with torch._C.DisableTorchFunctionSubclass(), torch.no_grad():
            layout = base.layout.__get__(value)
            if layout != torch.strided or base.is_nested.__get__(value):
                raise WireError(f"a {layout} tensor may not cross; make it dense")
            grad = base.requires_grad.__get__(value)
            plain = base.as_subclass(base.detach(value), base)
            name = str(plain.dtype).removeprefix("torch.")
            odd = plain.is_quantized or plain._is_zerotensor()
            if name not in TENSOR_DTYPES or plain.device.type not in DEVICES or odd:
                raise WireError(f"a {name} tensor on {plain.device.type} may not cross")
            self.room(plain.numel() * TENSOR_DTYPES[name])
            # A fresh copy: a view of one element counts as contiguous whatever its stride.
            flat = torch.empty(plain.numel(), dtype=plain.dtype)
            flat.copy_(plain.reshape(-1))
            data = flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
        self.put_array(b"X", name, tuple(plain.shape), data, (plain.device.type, grad))

    def put_ndarray(self, value: Any, depth: int) -> None:
        numpy = sys.modules["numpy"]
        plain = numpy.ndarray.view(value, numpy.ndarray)
        name = plain.dtype.name
        if name not in ARRAY_DTYPES:
            raise WireError(f"an array of {name} may not cross")
        self.room(plain.size * ARRAY_DTYPES[name])
        little = plain.astype(plain.dtype.newbyteorder("<"), copy=False)
        self.put_array(b"A", name, plain.shape, little.tobytes(), ("cpu", False))

    def put_scalar(self, value: Any, depth: int) -> None:
        """A numpy scalar crosses as the Python number that it stands for."""
        number = sys.modules["numpy"].generic.item(value)
        if type(number) is type(value):  # longdouble: Python has no number for it
            raise WireError(f"a {_NAME(type(value))} is not plain data")
        self.put(number, depth)

    def put_array(
        self, tag: bytes, name: str, shape: tuple[int, ...], data: bytes, extra: tuple[str, bool]
    ) -> None:
        self.spend(5)  # as many as its reader takes
        _shape(shape)
        self.write(tag)
        self.put_str(name, 0)
        self.put_str(extra[0], 0)
        self.put_bool(extra[1], 0)
        self.put_many(b"t", iter(shape), len(shape), DEPTH_LIMIT)
        self.blob(b"b", data)

    def room(self, size: int) -> None:
        if size > FRAME_LIMIT:
            raise WireError(f"a tensor of {size} bytes; {FRAME_LIMIT} are allowed")


_WRITERS: dict[type, Callable[[_Encoder, Any, int], None]] = {
    type(None): _Encoder.put_none,
    bool: _Encoder.put_bool,
    int: _Encoder.put_int,
    float: _Encoder.put_float,
    complex: _Encoder.put_complex,
    str: _Encoder.put_str,
    bytes: _Encoder.put_bytes,
    bytearray: _Encoder.put_bytearray,
    list: _Encoder.put_list,
    tuple: _Encoder.put_tuple,
    dict: _Encoder.put_dict,
    set: _Encoder.put_set,
    frozenset: _Encoder.put_set,
    range: _Encoder.put_range,
}


_KEY_WRITERS = {
    *(_Encoder.put_none, _Encoder.put_bool, _Encoder.put_int, _Encoder.put_float),
    *(_Encoder.put_complex, _Encoder.put_str, _Encoder.put_bytes, _Encoder.put_bytearray),
    *(_Encoder.put_tuple, _Encoder.put_scalar),
}


def _writer_of(kind: type) -> Callable[[_Encoder, Any, int], None] | None:
    """How a type is written: as itself, or as the nearest plain type that it derives from."""
    if type(kind) is type and kind in _WRITERS:
        return _WRITERS[kind]
    _learn_arrays()
    for base in _MRO(kind):  # by identity: a metaclass may lie about equality and hash
        for known, writer in _WRITERS.items():
            if base is known:
                return writer
    return None


_MRO = type.__dict__["__mro__"].__get__
_NAME = type.__dict__["__name__"].__get__


def _learn_arrays() -> None:
    """Add torch's and numpy's types once they have been imported; never import them."""
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
    if torch is not None and hasattr(torch, "Tensor"):
        _WRITERS[torch.Tensor] = _Encoder.put_tensor
        _WRITERS[torch.Size] = _Encoder.put_size
        _WRITERS[torch.dtype] = _Encoder.put_dtype
        _WRITERS[torch.device] = _Encoder.put_device
    if numpy is not None and hasattr(numpy, "ndarray"):
        _WRITERS[numpy.ndarray] = _Encoder.put_ndarray
        _WRITERS[numpy.generic] = _Encoder.put_scalar


class _Decoder:
    """Reads one value from bytes that may be an attacker's."""

    def __init__(self, data: bytes | bytearray) -> None:
        self.data = memoryview(data)
        self.at = 0
        self.nodes = NODE_LIMIT
        self.keys = KEY_LIMIT
        self.filling = 0.0  # seconds of CPU

    def raw(self, length: int) -> memoryview:
        if length > len(self.data) - self.at:
            raise WireError(f"{length} bytes were announced and {len(self.data) - self.at} came")
        self.at += length
        return self.data[self.at - length : self.at]

    def u32(self) -> int:
        length: int = _U32.unpack(self.raw(4))[0]
        return length

    def blob(self) -> bytes:
        return bytes(self.raw(self.u32()))

    def count(self, width: int = 1) -> int:
        """How many values follow: no more than bytes are left, nor than one answer may have."""
        count = self.u32()
        if count * width > min(len(self.data) - self.at, self.nodes):
            raise WireError(f"{count} values were announced, more than can follow")
        return count

    def take(self, depth: int) -> Any:
        self.nodes -= 1
        if self.nodes < 0 or depth < 0:
            raise WireError("a value with too many parts or levels")
        tag = bytes(self.raw(1))
        reader = _READERS.get(tag)
        if reader is None:
            raise WireError(f"no value begins with the byte {tag[0]}")
        return reader(self, depth - 1)

    def i64(self, depth: int) -> int:
        number: int = _I64.unpack(self.raw(8))[0]
        return number

    def big(self, depth: int) -> int:
        data = self.blob()
        if len(data) > INT_LIMIT:
            raise WireError(f"an integer of {len(data)} bytes; {INT_LIMIT} are allowed")
        return int.from_bytes(data, "little", signed=True)

    def f64(self, depth: int) -> float:
        number: float = _F64.unpack(self.raw(8))[0]
        return number

    def c128(self, depth: int) -> complex:
        return complex(*_C128.unpack(self.raw(16)))

    def get_text(self, depth: int = 0) -> str:
        try:
            return str(self.raw(self.u32()), "utf-8")
        except UnicodeDecodeError:
            raise WireError("text that isn't UTF-8") from None

    def get_list(self, depth: int) -> list[Any]:
        return [self.take(depth) for _ in range(self.count())]

    def get_tuple(self, depth: int) -> tuple[Any, ...]:
        return tuple(self.get_list(depth))

    def key(self, depth: int) -> Any:
        value = self.take(depth)
        if not _plain_key(value):
            raise WireError(f"a {type(value).__name__} can't be a key here")
        self.keys -= 1
        if self.keys < 0:
            raise WireError(f"more than {KEY_LIMIT} keys in one answer")
        return value

    def fill(self, found: Any, items: list[Any]) -> Any:
        """Put keys (of a set) or pairs (of a dict) into `found`, a few at a time."""
        for at in range(0, len(items), KEYS_AT_ONCE):
            began = time.thread_time()
            found.update(items[at : at + KEYS_AT_ONCE])
            self.filling += time.thread_time() - began
            if self.filling > KEY_SECONDS:
                raise WireError("keys that take too long to be told from each other")
        return found

    def get_dict(self, depth: int) -> dict[Any, Any]:
        pairs = [(self.key(depth), self.take(depth)) for _ in range(self.count(2))]
        found: dict[Any, Any] = self.fill({}, pairs)
        return found

    def get_set(self, depth: int) -> set[Any]:
        found: set[Any] = self.fill(set(), [self.key(depth) for _ in range(self.count())])
        return found

    def get_range(self, depth: int) -> range:
        numbers = [self.take(depth) for _ in range(3)]
        if not all(type(n) is int for n in numbers) or numbers[2] == 0:
            raise WireError("a range that isn't three integers")
        return range(*numbers)

    def get_size(self, depth: int) -> Any:
        import torch

        return torch.Size(_shape(self.get_tuple(depth)))

    def get_dtype(self, depth: int) -> Any:
        import torch

        return getattr(torch, _named(self.get_text(), TENSOR_DTYPES))

    def get_device(self, depth: int) -> Any:
        import torch

        return torch.device(_named(self.get_text(), DEVICES))

    def parts(self, dtypes: dict[str, int]) -> tuple[str, str, bool, tuple[int, ...], bytearray]:
        """(dtype, device, requires_grad, shape, data), the data as long as shape and dtype say."""
        name, device, grad = self.part(b"s"), self.part(b"s"), self.part(b"TF")
        shape, data = self.part(b"t"), self.part(b"b")
        if name not in dtypes or device not in _devices:
            raise WireError("a tensor with a dtype or device that isn't on the list")
        size = dtypes[name]
        for n in _shape(shape):
            size *= n
        if size != len(data):
            raise WireError(f"a tensor of {size} bytes came with {len(data)}")
        return name, device, grad, shape, bytearray(data)

    def part(self, tags: bytes) -> Any:
        """One part of a tensor: of these kinds, so that none holds a tensor in turn."""
        if self.at == len(self.data) or self.data[self.at] not in tags:
            raise WireError("a tensor whose parts are of other types")
        if tags != b"t":
            return self.take(0)
        self.at += 1
        self.nodes -= 1
        return tuple(self.part(b"iI") for _ in range(self.count()))

    def get_tensor(self, depth: int) -> Any:
        """A tensor on the device that the sender named, where this process has it."""
        import torch

        name, device, grad, shape, data = self.parts(TENSOR_DTYPES)
        dtype = getattr(torch, name)
        if data:
            flat = torch.frombuffer(data, dtype=torch.uint8).view(dtype)
            if name == "bool":
                flat = torch.frombuffer(data, dtype=torch.uint8).ne(0)
            tensor = flat.view(shape)
        else:
            tensor = torch.empty(shape, dtype=dtype)
        tensor = tensor.to(device)
        return tensor.requires_grad_(grad and (dtype.is_floating_point or dtype.is_complex))

    def get_array(self, depth: int) -> Any:
        import numpy

        name, _, _, shape, data = self.parts(ARRAY_DTYPES)
        if name == "bool":
            return (numpy.frombuffer(data, dtype="uint8") != 0).reshape(shape)
        return numpy.frombuffer(data, dtype=numpy.dtype(name).newbyteorder("<")).reshape(shape)


_READERS: dict[bytes, Callable[[_Decoder, int], Any]] = {
    b"N": lambda reader, depth: None,
    b"T": lambda reader, depth: True,
    b"F": lambda reader, depth: False,
    b"i": _Decoder.i64,
    b"I": _Decoder.big,
    b"f": _Decoder.f64,
    b"c": _Decoder.c128,
    b"s": _Decoder.get_text,
    b"b": lambda reader, depth: reader.blob(),
    b"l": _Decoder.get_list,
    b"t": _Decoder.get_tuple,
    b"e": _Decoder.get_set,
    b"d": _Decoder.get_dict,
    b"r": _Decoder.get_range,
    b"z": _Decoder.get_size,
    b"D": _Decoder.get_dtype,
    b"V": _Decoder.get_device,
    b"X": _Decoder.get_tensor,
    b"A": _Decoder.get_array,
}


def _named(name: str, known: Container[str]) -> str:
    if name not in known:
        raise WireError("a name that is not on the list of dtypes and devices")
    return name


def _shape(value: tuple[Any, ...]) -> tuple[int, ...]:
    if len(value) > DIM_LIMIT or not all(type(n) is int and n >= 0 for n in value):
        raise WireError("a shape that isn't a few counts")
    # A zero makes a tensor empty, not its sums: (2**39, 0) would give 2**39 of them.
    if math.prod(max(n, 1) for n in value) > FRAME_LIMIT:
        raise WireError("a shape with more places than fit into a frame")
    return value


def _plain_key(value: Any) -> bool:
    kind = type(value)
    if kind is tuple:
        return all(_plain_key(item) for item in value)
    return kind in (type(None), bool, int, float, complex, str, bytes)
