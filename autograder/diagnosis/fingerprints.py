"""An answer reduced to its structure and a few numbers, to compare answers and to store them.

The structure is text: types, lengths, shapes, dtypes, strings and integers, or a digest of it where
it is long. Numbers are kept in groups: up to `WHOLE` numbers as they are; more of them as four
sums (of sizes, of values, and of values with two fixed patterns of signs).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from typing import Any

import msgspec
import torch

from autograder.sandbox import wire
from autograder.sandbox.session import Answer

LARGE = 2**20  # bytes: an answer of that size is compared by its digest
LONG = 120  # characters of a structure
WHOLE = 8  # numbers of a group
SAME = 2e-5  # relative to a group's largest number; another processor differs in the last bits
TINY = 1e-12
DIGITS = 7  # significant


class Fingerprint(msgspec.Struct, frozen=True, array_like=True):
    """One answer: its structure, and its numbers group by group."""

    structure: str
    numbers: tuple[tuple[float, ...], ...] = ()


def fingerprint(answer: Answer) -> Fingerprint:
    """The fingerprint of a recorded answer."""
    if answer.raised:
        return Fingerprint("raised " + answer.raised.split("\n", 1)[0][:200])
    if len(answer.data) > LARGE:
        return Fingerprint(f"sha256 {_digest(answer.data)}")
    try:
        value = wire.decode(answer.data)
    except wire.WireError as error:
        return Fingerprint(f"raised {error}")
    groups: list[list[float]] = []
    structure = "".join(_structure(value, groups))
    if len(structure) > LONG:
        digest = _digest(structure.encode("utf-8", "replace"))
        structure = f"{structure[: LONG // 2]}… {digest}"
    if sum(map(len, groups)) > WHOLE * WHOLE:  # many loose numbers: one group for them all
        groups = [[number for group in groups for number in group]]
    return Fingerprint(structure, tuple(_reduced(group) for group in groups))


def same(a: Fingerprint, b: Fingerprint) -> bool:
    """Whether two answers are one, up to the fifth digit of their numbers."""
    if a.structure != b.structure or len(a.numbers) != len(b.numbers):
        return False
    return all(map(_close, a.numbers, b.numbers))


def _close(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    if len(a) != len(b):
        return False
    largest = max(map(abs, (*a, *b)), default=0.0)
    return all(abs(x - y) <= SAME * largest + TINY for x, y in zip(a, b, strict=True))


def _structure(value: Any, groups: list[list[float]]) -> Iterator[str]:
    """The text of a value without its inexact numbers, which go to `groups`."""
    if isinstance(value, float):
        yield _float(value, groups)
    elif isinstance(value, complex):
        yield "complex"
        yield _float(value.real, groups)
        yield _float(value.imag, groups)
    elif isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 256:
        yield f"int {_digest(hex(value).encode())}"
    elif isinstance(value, (list, tuple)):
        yield from _items("[", value, "]", groups)
    elif isinstance(value, dict):
        yield from _items("{", [part for pair in value.items() for part in pair], "}", groups)
    elif isinstance(value, (set, frozenset)):
        texts = sorted(
            f"{''.join(_structure(item, groups))} {_digest(wire.encode(item))}" for item in value
        )
        yield from _items("set(", texts, ")", groups)
    elif isinstance(value, range):
        yield from _items("range(", (value.start, value.stop, value.step), ")", groups)
    elif hasattr(value, "tolist"):
        yield from _tensor(
            torch.as_tensor(value.copy() if hasattr(value, "copy") else value), groups
        )
    else:
        yield repr(value)


def _items(before: str, items: Any, after: str, groups: list[list[float]]) -> Iterator[str]:
    yield before
    for item in items:
        yield from _structure(item, groups)
        yield ","
    yield after


def _float(value: float, groups: list[list[float]]) -> str:
    if not math.isfinite(value):
        return repr(value)
    groups.append([value])
    return "#"


def _tensor(tensor: torch.Tensor, groups: list[list[float]]) -> Iterator[str]:
    dtype = str(tensor.dtype).removeprefix("torch.")
    yield f"{dtype}{list(tensor.shape)}"
    flat = tensor.detach().cpu().reshape(-1)
    if not (flat.is_floating_point() or flat.is_complex()):
        numbers = flat.to(torch.int64) if flat.dtype != torch.bool else flat.to(torch.uint8)
        few = len(flat) <= WHOLE
        yield f"{flat.tolist()}" if few else _digest(numbers.numpy().tobytes())
        return
    wide = torch.view_as_real(flat).reshape(-1) if flat.is_complex() else flat
    wide = wide.to(torch.float64)
    finite = torch.isfinite(wide)
    if not bool(finite.all()):
        odd = [(i, repr(wide[i].item())) for i in (~finite).nonzero().reshape(-1).tolist()]
        yield f"odd {len(odd)} {_digest(repr(odd).encode())}"
    groups.append(wide[finite].tolist())


def _reduced(group: list[float]) -> tuple[float, ...]:
    if len(group) > WHOLE:
        numbers = torch.tensor(group, dtype=torch.float64) / len(group)  # so that no sum overflows
        at = torch.arange(len(group))
        # two patterns without a short period, so that no order of rows or columns looks the same
        signs = [1 - 2 * (at * factor >> 15 & 1) for factor in (2654435761, 40503 * 65537)]
        sums = [numbers.abs().sum(), numbers.sum(), *((numbers * sign).sum() for sign in signs)]
        group = [float(number) for number in sums]
    return tuple(float(f"{number:.{DIGITS}g}") for number in group)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
