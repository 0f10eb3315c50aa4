"""What is wrong with a tensor as a whole: a sum, a constant, an order, a missing branch.

>>> right = torch.arange(6.0).reshape(2, 3)
>>> explain(right * 2, right)
'your result is 2 times the right one'
>>> explain(right, right.sum(0))
'the sum over dimension 0 is missing'
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

MOST_DIMENSIONS = 4  # sums and orders are tried up to here: 24 orders
MOST_NUMBERS = 100_000  # larger tensors are not examined
LOOSE = 100  # how many times the tolerance: an explanation is no verdict
EXACT = 1e-12  # the rtol for a dtype that is compared exactly


def explain(
    actual: Tensor,
    expected: Tensor,
    *,
    n: int | None = None,
    branches: Mapping[str, Tensor] | None = None,
    rtol: float = EXACT,
) -> str:
    """One clause that says what is wrong with `actual` as a whole; empty if nothing is found.

    actual, expected: numbers of one dtype, any shapes. n: the size in the formula's constants, such
    as the batch size. branches: name -> the summand through it, where `expected` is their sum.
    rtol: relative to the largest expected number. The clause holds no number of the two tensors,
    so a hidden test may show it.
    """
    for tensor in (actual, expected):
        if not 0 < tensor.numel() <= MOST_NUMBERS or not bool(torch.isfinite(tensor).all()):
            return ""
    both = _Comparison(actual, expected, LOOSE * max(rtol, EXACT))
    if both.close_to(actual, expected) or both.close_to(actual, torch.zeros_like(actual)):
        return ""
    finders = (
        both.sums(),
        both.constants(n),
        both.permutations(),
        both.missing_branches(n, branches or {}),
    )
    return next(itertools.chain.from_iterable(finders), "")


@dataclass
class _Comparison:
    actual: Tensor
    expected: Tensor
    rtol: float
    scale: float = field(init=False)

    def __post_init__(self) -> None:
        self.scale = float(self.expected.abs().max())

    def close_to(self, one: Tensor, other: Tensor) -> bool:
        """Whether two tensors are the same, up to a part of the largest expected number."""
        if one.shape != other.shape:
            return False
        return float((one - other).abs().max()) <= self.rtol * self.scale

    def sums(self) -> Iterator[str]:
        """Gradients of what was broadcast: summed where it was spread, and nowhere else."""
        if self.actual.shape == self.expected.shape:
            for over in _subsets(self.expected):
                total = self.expected.sum(over, keepdim=True).expand_as(self.actual)
                if self.close_to(self.actual, total) and not self.is_constant_along(over):
                    yield f"you summed over {_named(over)}, which should be kept"
            return
        for over in self.summed(self.actual, self.expected):
            yield f"the sum over {_named(over)} is missing"
        for over in self.summed(self.expected, self.actual):
            yield f"you summed over {_named(over)}, which should be kept"
        if self.close_to(self.actual.squeeze(), self.expected.squeeze()):
            more = self.actual.dim() > self.expected.dim()
            size_1 = "a dimension of size 1 is " + ("too much" if more else "lost")
            yield f"the numbers are right; {size_1} (keepdim)"

    def summed(self, whole: Tensor, part: Tensor) -> Iterator[tuple[int, ...]]:
        """Over which dimensions `whole` has to be summed to become `part`."""
        for over in _subsets(whole):
            if any(self.close_to(whole.sum(over, keepdim=keep), part) for keep in (True, False)):
                yield over

    def is_constant_along(self, over: tuple[int, ...]) -> bool:
        """Whether the right one is the same all along these dimensions: its sum is a multiple."""
        return self.close_to(
            self.expected, self.expected.mean(over, keepdim=True).expand_as(self.expected)
        )

    def constants(self, n: int | None) -> Iterator[str]:
        for name, constant in _constants(n):
            if self.close_to(self.actual, constant * self.expected):
                yield f"your result is {name} times the right one"

    def permutations(self) -> Iterator[str]:
        """The right numbers at the wrong places."""
        if 2 <= self.actual.dim() <= MOST_DIMENSIONS:
            for order in itertools.permutations(range(self.actual.dim())):
                if self.close_to(self.actual.permute(order), self.expected):
                    yield "your result is transposed" + (
                        f" (dimensions in the order {order})" if len(order) > 2 else ""
                    )
        flat = [tensor.flatten() for tensor in (self.actual, self.expected)]
        alike = self.actual.shape == self.expected.shape and not self.actual.is_complex()
        if alike and self.close_to(flat[0].sort().values, flat[1].sort().values):
            yield "the numbers are right, but in another order"

    def missing_branches(self, n: int | None, branches: Mapping[str, Tensor]) -> Iterator[str]:
        """A sum of branches of which one is missing, or has a wrong constant."""
        for name, branch in branches.items():
            others = [other for another, other in branches.items() if another != name]
            rest = self.expected - branch
            if self.close_to(self.actual, rest) or any(
                self.close_to(self.actual, other) for other in others
            ):
                yield f"the gradient through {name} is missing"
            if self.actual.shape == self.expected.shape:
                for constant_name, constant in _constants(n):
                    if self.close_to(self.actual, rest + constant * branch):
                        yield f"the gradient through {name} is {constant_name} times the right one"


def _subsets(tensor: Tensor) -> Iterator[tuple[int, ...]]:
    """One dimension, two, …, of those that have more than one place."""
    if tensor.dim() <= MOST_DIMENSIONS:
        wide = [i for i, size in enumerate(tensor.shape) if size > 1]
        for many in range(1, len(wide) + 1):
            yield from itertools.combinations(wide, many)


def _named(dimensions: tuple[int, ...]) -> str:
    return f"dimension{'s' if len(dimensions) > 1 else ''} {' and '.join(map(str, dimensions))}"


def _constants(n: int | None) -> Iterator[tuple[str, float]]:
    """Name and value of the constants that formulas get wrong."""
    plain = {"−1": -1.0, "2": 2.0, "½": 0.5, "−2": -2.0, "−½": -0.5}
    yield from plain.items()
    if n is None or n < 2:
        return
    by_n = {"n": n, "1/n": 1 / n, "(n−1)": n - 1, "1/(n−1)": 1 / (n - 1)}
    by_n |= {"(n−1)/n": (n - 1) / n, "n/(n−1)": n / (n - 1), "n²": n * n, "1/n²": 1 / n**2}
    for name, value in by_n.items():
        for sign, factor in (("", 1), ("−", -1)):
            yield f"{sign}{name}", factor * value
