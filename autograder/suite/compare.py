"""Compare an answer with what is expected, layer by layer; the first difference is the message."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy
import torch

from autograder.errors import CourseError
from autograder.suite.explain import explain
from autograder.suite.show import kind, show

# (rtol, atol) by dtype where course.toml says nothing; other dtypes are compared exactly
DEFAULT_TOLERANCES: dict[str, tuple[float, float]] = {
    "float64": (1e-7, 1e-7),
    "complex128": (1e-7, 1e-7),
    "float32": (1.3e-6, 1e-5),
    "complex64": (1.3e-6, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float16": (1e-3, 1e-5),
}
_tolerances: dict[str, tuple[float, float]] = dict(DEFAULT_TOLERANCES)


def use_tolerances(by_dtype: Mapping[str, tuple[float, float]]) -> None:
    """Make these the defaults of `close`: course.toml's row for the device in use."""
    _tolerances.clear()
    _tolerances.update(DEFAULT_TOLERANCES, **by_dtype)


@dataclass(frozen=True)
class Tolerance:
    """How far an answer may be off, and why."""

    rtol: float
    atol: float
    reason: str


def within(rtol: float, atol: float, reason: str) -> Tolerance:
    """A tolerance of `close` other than course.toml's: relative, absolute, and its reason.

    >>> EXACT = within(0.0, 0.0, "the same operations on the same numbers")
    """
    if not reason:
        raise CourseError("within: give the reason, so that a reader knows why")
    return Tolerance(rtol, atol, reason)


class Mismatch(AssertionError):
    """An answer isn't the expected one. `summary` says how, without a number of either.

    explained: it says what is wrong with the whole.
    """

    def __init__(self, summary: str, detail: str, explained: bool = False) -> None:
        super().__init__(detail)
        self.summary = summary
        self.explained = explained


def close(
    actual: Any,
    expected: Any,
    tolerance: Tolerance | None = None,
    *,
    n: int | None = None,
    branches: Mapping[str, torch.Tensor] | None = None,
) -> None:
    """Raise `Mismatch` unless `actual` is `expected`, compared in layers.

    Type and tree, shape, dtype, device, NaN and infinity, values; the first layer that
    differs is the message. Lists and tuples stand for each other, and so do Python numbers and
    0-d tensors. Tolerances come from the course's table by dtype; a test that wants
    others gives its reason (`within`). Where a tensor is wrong as a whole, `explain` says how: n is
    the batch size, so that a wrong factor such as 1/n is recognised; branches name the summands of
    `expected`.
    """
    comparison = _Comparison(tolerance, n, branches)
    comparison.tree(actual, expected, "")
    comparison.finish()


def close_to_one(actual: Any, *expected: Any, tolerance: Tolerance | None = None) -> None:
    """Raise `Mismatch` unless `actual` is close to one of several right answers.

    The message is about the first of them, or the first whose difference has an explanation.
    """
    differences = []
    for right in expected:
        try:
            return close(actual, right, tolerance)
        except Mismatch as different:
            differences.append(different)
    raise next((one for one in differences if one.explained), differences[0])


@dataclass
class _Numbers:
    """The plain numbers of a tree, compared together once the tree is known to be right."""

    paths: list[str] = field(default_factory=list)
    actual: list[complex] = field(default_factory=list)
    expected: list[complex] = field(default_factory=list)


class _Comparison:
    def __init__(
        self,
        tolerance: Tolerance | None,
        n: int | None,
        branches: Mapping[str, torch.Tensor] | None,
    ) -> None:
        self.given = tolerance
        self.n, self.branches = n, branches
        self.numbers = _Numbers()
        self.exacts: list[tuple[str, Any, Any]] = []
        self.tensors: list[tuple[str, torch.Tensor, torch.Tensor]] = []

    def tree(self, actual: Any, expected: Any, path: str) -> None:
        if isinstance(expected, numpy.generic):
            expected = expected.item()
        if isinstance(expected, bytearray):
            expected = bytes(expected)
        if isinstance(expected, frozenset):
            expected = set(expected)
        if isinstance(expected, numpy.ndarray):
            expected = torch.as_tensor(expected)
            actual = torch.as_tensor(actual) if isinstance(actual, numpy.ndarray) else actual
        if isinstance(expected, torch.Tensor):
            self.tensor(actual, expected, path)
        elif isinstance(expected, (bool, str, bytes, type(None), torch.dtype, torch.device)):
            self.exact(_bare(actual), expected, path)
        elif isinstance(expected, (int, float, complex)):
            self.number(actual, expected, path)
        elif isinstance(expected, (list, tuple)):
            self.sequence(actual, expected, path)
        elif isinstance(expected, Mapping):
            self.mapping(actual, expected, path)
        elif isinstance(expected, (set, range)):
            self.exact(actual, expected, path)
        else:
            raise CourseError(f"close: can't expect a {type(expected).__name__}")

    def exact(self, actual: Any, expected: Any, path: str) -> None:
        if type(actual) is not type(expected):
            self.wrong_kind(actual, expected, path)
        self.exacts.append((path, actual, expected))

    def wrong_kind(self, actual: Any, expected: Any, path: str) -> None:
        raise Mismatch(
            f"the type differs: a {kind(expected)} is expected",
            f"{_at(path)}got a {kind(actual)} ({show(actual)}), expected a {kind(expected)}",
        )

    def number(self, actual: Any, expected: complex, path: str) -> None:
        bare = _bare(actual)
        whole = isinstance(expected, int)
        fits = (int,) if whole else (int, float) if isinstance(expected, float) else (complex,)
        if type(bare) not in (*fits, *((float, int) if fits == (complex,) else ())):
            self.wrong_kind(actual, expected, path)
        if whole:
            self.exact(bare, int(expected.real), path)
            return
        if isinstance(bare, int):
            bare = _float(bare)
        self.numbers.paths.append(path)
        self.numbers.actual.append(bare)
        self.numbers.expected.append(expected)

    def sequence(self, actual: Any, expected: Any, path: str) -> None:
        if type(actual) not in (list, tuple, torch.Size):
            self.wrong_kind(actual, expected, path)
        if len(actual) != len(expected):
            raise Mismatch(
                "the number of items differs",
                f"{_at(path)}got {len(actual)} items ({show(actual)}), expected {len(expected)}",
            )
        for i, (a, e) in enumerate(zip(actual, expected, strict=True)):
            self.tree(a, e, f"{path}[{i}]")

    def mapping(self, actual: Any, expected: Mapping[Any, Any], path: str) -> None:
        if type(actual) is not dict:
            self.wrong_kind(actual, dict(expected), path)
        if actual.keys() != expected.keys():
            lacking = [key for key in expected if key not in actual]
            extra = [key for key in actual if key not in expected]
            raise Mismatch(
                "the keys differ",
                f"{_at(path)}missing keys {show(lacking)}, unexpected keys {show(extra)}",
            )
        for key, value in expected.items():
            self.tree(actual[key], value, f"{path}[{key!r}]")

    def tensor(self, actual: Any, expected: torch.Tensor, path: str) -> None:
        if expected.dim() == 0 and type(actual) in (int, float, bool, complex):
            if type(actual) not in (int, float) or not expected.dtype.is_floating_point:
                self.tree(actual, expected.item(), path)
                return
            number = _float(actual)
            actual = torch.tensor(number, dtype=expected.dtype, device=expected.device)
        if not isinstance(actual, torch.Tensor):
            self.wrong_kind(actual, expected, path)
        got, wanted = tuple(actual.shape), tuple(expected.shape)
        if got != wanted:
            said = f"{_at(path)}the shape differs: got {got}, expected {wanted}"
            raise self.different("the shape differs", said, actual, expected)
        for what, of, should in (
            ("dtype", str(actual.dtype), str(expected.dtype)),
            ("device", actual.device.type, expected.device.type),
        ):
            if of != should:
                said = f"{_at(path)}the {what} differs: got {of}, expected {should}"
                raise Mismatch(f"the {what} differs", said)
        self.tensors.append((path, actual.detach(), expected.detach()))

    def finish(self) -> None:
        """The last two layers: what is exact, the plain numbers together, each tensor."""
        for path, actual, expected in self.exacts:
            if actual != expected:
                said = f"{_at(path)}got {show(actual)}, expected {show(expected)}"
                raise Mismatch("the value differs", said)
        if self.numbers.paths:
            self.values(
                torch.tensor(self.numbers.actual, dtype=_dtype_of(self.numbers)),
                torch.tensor(self.numbers.expected, dtype=_dtype_of(self.numbers)),
                lambda i: self.numbers.paths[i],
            )
        for path, actual, expected in self.tensors:
            self.values(actual, expected, functools.partial(_index, path, expected))

    def values(
        self, actual: torch.Tensor, expected: torch.Tensor, name: Callable[[int], str]
    ) -> None:
        rtol, atol = self.tolerance(expected.dtype)
        if torch.equal(actual, expected):
            return
        got, wanted = _wide(actual).reshape(-1), _wide(expected).reshape(-1)
        for what, test in (("NaN", torch.isnan), ("infinity", torch.isinf)):
            apart = test(got) != test(wanted)
            if what == "infinity":
                apart |= torch.isinf(got) & (got != wanted)
            if apart.any():
                at = int(apart.nonzero()[0])
                raise Mismatch(
                    f"{what} in different places than expected",
                    f"{int(apart.sum())} of {apart.numel()} values differ in {what}; the first"
                    f" at {name(at) or 'the result'}: got {show(got[at].item())},"
                    f" expected {show(wanted[at].item())}",
                )
        finite = torch.isfinite(wanted)
        distance = torch.where(finite, (got - wanted).abs(), 0.0)
        off = distance > atol + rtol * torch.where(finite, wanted.abs(), 0.0)
        if not (expected.is_floating_point() or expected.is_complex()):
            off = (actual != expected).reshape(-1).cpu()
        if not off.any():
            return
        at = int(torch.where(off, distance, -1.0).argmax())
        a, e = actual.reshape(-1)[at].item(), expected.reshape(-1)[at].item()
        allowed = f"rtol {rtol:g}, atol {atol:g}" if rtol or atol else "none"
        said = (
            f"{int(off.sum())} of {off.numel()} values differ; the largest difference is"
            f" {abs(a - e):.6g} at {name(at) or 'the result'}:"
            f" got {show(a)}, expected {show(e)} (allowed: {allowed})"
        )
        raise self.different("the values differ", said, actual, expected)

    def different(
        self, reason: str, said: str, actual: torch.Tensor, expected: torch.Tensor
    ) -> Mismatch:
        """The difference, with what is wrong with the whole where that can be seen."""
        real = expected.is_floating_point() or expected.is_complex()
        few = expected.numel() < 2 and not real  # so few agree by chance
        if few or expected.dtype == torch.bool:
            return Mismatch(reason, said)
        whole = explain(
            _wide(actual.detach()),
            _wide(expected.detach()),
            n=self.n,
            branches={name: _wide(part.detach()) for name, part in (self.branches or {}).items()},
            rtol=self.tolerance(expected.dtype)[0],
        )
        if not whole:
            return Mismatch(reason, said)
        return Mismatch(f"{reason}: {whole}", f"{whole}\n{said}", explained=True)

    def tolerance(self, dtype: torch.dtype) -> tuple[float, float]:
        """(rtol, atol) for a dtype."""
        if self.given is not None:
            return self.given.rtol, self.given.atol
        return _tolerances.get(str(dtype).removeprefix("torch."), (0.0, 0.0))


def _float(value: float) -> float:
    """A number as a float; an integer beyond all floats is infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _bare(value: Any) -> Any:
    """A 0-d tensor or array as the Python number that it holds."""
    if isinstance(value, (torch.Tensor, numpy.ndarray)) and value.ndim == 0:
        return value.item()
    return value


def _dtype_of(numbers: _Numbers) -> torch.dtype:
    both = (*numbers.actual, *numbers.expected)
    return torch.complex128 if any(isinstance(n, complex) for n in both) else torch.float64


def _wide(tensor: torch.Tensor) -> torch.Tensor:
    """The same numbers where differences of any dtype can be taken (float64, complex128)."""
    cpu = tensor.cpu()
    return cpu.to(torch.complex128) if cpu.is_complex() else cpu.to(torch.float64)


def _index(path: str, tensor: torch.Tensor, flat: int) -> str:
    if tensor.dim() == 0:
        return path
    at = torch.unravel_index(torch.tensor(flat), tensor.shape)
    index = ", ".join(str(int(i)) for i in at)
    return f"{path} index ({index})".strip()


def _at(path: str) -> str:
    return f"{path}: " if path else ""
