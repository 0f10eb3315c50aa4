"""`close` and `task`: what a suite says when an answer isn't the expected one."""

from __future__ import annotations

import collections
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from autograder.errors import CourseError
from autograder.suite import show, task
from autograder.suite.compare import (
    DEFAULT_TOLERANCES,
    Mismatch,
    Tolerance,
    close,
    close_to_one,
    use_tolerances,
    within,
)

T = torch.tensor
INF, NAN = float("inf"), float("nan")


@pytest.fixture(autouse=True)
def _default_tolerances() -> Iterator[None]:
    use_tolerances({})
    yield
    use_tolerances({})


def difference(actual: Any, expected: Any, tolerance: Tolerance | None = None) -> tuple[str, str]:
    """(summary, detail) of the difference that must be found."""
    with pytest.raises(Mismatch) as caught:
        close(actual, expected, tolerance)
    return caught.value.summary, str(caught.value)


# What is the same


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (3, 3),
        (3, 3.0),
        (3, T(3.0)),
        (3.0 + 1e-9, 3.0),
        (2, 2 + 0j),
        ("text", "text"),
        (b"", b""),
        (None, None),
        (True, True),
        ([1, [2.0]], (1, (2.0,))),
        ((1, 2), [1, 2]),
        (torch.Size([2, 3]), (2, 3)),
        ([2, 3], torch.Size([2, 3])),
        ({"b": 1, "a": [2]}, {"a": (2,), "b": 1}),
        ({"a": 2}, collections.Counter("aa")),
        ({1, 2}, {2, 1}),
        (range(3), range(3)),
        (torch.float16, torch.float16),
        (torch.device("cpu"), torch.device("cpu")),
        (NAN, NAN),
        (INF, INF),
        (T([NAN, -INF]), T([NAN, -INF])),
        (T([]), T([])),
        (T(1.0, requires_grad=True), T(1.0)),
        (10**400, 10**400),
    ],
    ids=lambda value: repr(value)[:25],
)
def test_these_are_the_same(actual: Any, expected: Any) -> None:
    """Lists stand for tuples, order is no part of a dict, NaN is NaN."""
    close(actual, expected)


@pytest.mark.parametrize(
    ("number", "tensor"), [(3, T(3)), (0.5, T(0.5)), (True, T(True)), (1j, T(1j))]
)
def test_a_number_and_a_tensor_of_no_dimensions_stand_for_each_other(
    number: Any, tensor: torch.Tensor
) -> None:
    """Whether .item() was called is no mistake."""
    close(tensor, number)
    close(number, tensor)
    close([number], [tensor])


def test_numpy_stands_for_itself() -> None:
    """Arrays are compared as tensors are; a scalar is a number."""
    close(np.arange(3), np.arange(3))
    close(np.float32(2).item(), np.float64(2))
    close(np.array(2.0), 2.0)
    close(torch.arange(3), np.arange(3))
    assert difference(np.arange(3), np.arange(4))[0] == "the shape differs"
    assert difference(np.zeros(1), np.zeros(1, "f4"))[0] == "the dtype differs"
    assert difference(np.arange(3), torch.arange(3))[0].startswith("the type differs")


@pytest.mark.parametrize("expected", [frozenset({1}), np.int64(1), np.float32(1), bytearray(b"a")])
def test_what_a_reference_may_return_can_be_met(expected: Any) -> None:
    """A set, a numpy scalar, a bytearray cross the wire as set, number, bytes: those must fit."""
    plain: dict[type, Any] = {frozenset: set, bytearray: bytes}
    crossed = plain.get(type(expected), lambda x: x.item())(expected)
    close(crossed, expected)


# What differs, layer by layer


@pytest.mark.parametrize(
    ("actual", "expected", "summary", "detail"),
    [
        ("1", 1, "the type differs: a int is expected", "got a str ('1'), expected a int"),
        (None, T([1]), "the type differs: a tensor is expected", "got a None (None)"),
        ([1], T([1]), "the type differs: a tensor is expected", "got a list ([1])"),
        (T([1]), [1], "the type differs: a list is expected", "tensor of shape (1,), int64"),
        (T([1]), 1, "the type differs: a int is expected", "got a tensor"),
        (1, "1", "the type differs: a str is expected", "got a int (1)"),
        (1, {}, "the type differs: a dict is expected", "got a int"),
        (1, True, "the type differs: a bool is expected", "got a int (1)"),
        (True, 1, "the type differs: a int is expected", "got a bool (True)"),
        (True, 1.0, "the type differs: a float is expected", "got a bool (True)"),
        (1.0, 1, "the type differs: a int is expected", "got a float (1)"),
        (1j, 1.0, "the type differs: a float is expected", "got a complex (1j)"),
        (T(1.0), 1, "the type differs: a int is expected", "got a 0-d tensor"),
        (2.0, T(2), "the type differs: a int is expected", "got a float"),
        ([1, 2], [1], "the number of items differs", "got 2 items ([1, 2]), expected 1"),
        ({"a": 1}, {"b": 1}, "the keys differ", "missing keys ['b'], unexpected keys ['a']"),
        (2, 3, "the value differs", "got 2, expected 3"),
        ("a", "b", "the value differs", "got 'a', expected 'b'"),
        (False, True, "the value differs", "got False, expected True"),
        ({1}, {2}, "the value differs", "got a set of 1, expected a set of 1"),
        (torch.int8, torch.int16, "the value differs", "got torch.int8, expected torch.int16"),
        (T([1, 3]), T([[1, 2]]), "the shape differs", "got (2,), expected (1, 2)"),
        (T([1]), T([1.0]), "the dtype differs", "got torch.int64, expected torch.float32"),
        (
            torch.empty(1, device="meta"),
            T([1.0]),
            "the device differs",
            "the device differs: got meta, expected cpu",
        ),
        (
            T([1.0, NAN, NAN]),
            T([1.0, 2.0, NAN]),
            "NaN in different places than expected",
            "1 of 3 values differ in NaN; the first at index (1): got nan, expected 2",
        ),
        (
            T([INF, INF]),
            T([INF, -INF]),
            "infinity in different places than expected",
            "1 of 2 values differ in infinity; the first at index (1): got inf, expected -inf",
        ),
        (
            T([[1.0, 2.0], [3.0, 5.0]]),
            T([[1.0, 2.5], [3.0, 4.0]]),
            "the values differ",
            "2 of 4 values differ; the largest difference is 1 at index (1, 1):"
            " got 5, expected 4 (allowed: rtol 1.3e-06, atol 1e-05)",
        ),
        (
            T([1, 2]),
            T([1, 5]),
            "the values differ",
            "1 of 2 values differ; the largest difference is 3 at index (1):"
            " got 2, expected 5 (allowed: none)",
        ),
        (
            [0.5, 1.5],
            [0.5, 1.0],
            "the values differ",
            "1 of 2 values differ; the largest difference is 0.5 at [1]:"
            " got 1.5, expected 1 (allowed: rtol 1e-07, atol 1e-07)",
        ),
        (NAN, 1.0, "NaN in different places than expected", "at the result: got nan"),
        (INF, 1.0, "infinity in different places than expected", "got inf"),
        (T([True]), T([False]), "the values differ", "got True, expected False (allowed: none)"),
        (T([0], dtype=torch.uint8), T([255], dtype=torch.uint8), "the values differ", "is 255 at"),
        (T([1 + 1j]), T([1 - 1j]), "the values differ", "the largest difference is 2 at"),
        (
            *([1e308], [-1e308]),
            *(
                "the values differ: your result is −1 times the right one",
                "difference is inf at [0]",
            ),
        ),
    ],
    ids=lambda value: "" if isinstance(value, str) else repr(value)[:25],
)
def test_each_layer_says_how_it_differs(
    actual: Any, expected: Any, summary: str, detail: str
) -> None:
    """The summary is for students and holds no number of the answer; the detail has them."""
    said, why = difference(actual, expected)
    assert said == summary
    assert detail in why


def test_the_first_layer_that_differs_is_told() -> None:
    """Type before shape before dtype before NaN before values."""
    expected = torch.tensor([[1.0, 2.0]])
    steps = [
        ([1, 2], "the type differs: a tensor is expected"),
        (T([1, 3]), "the shape differs"),
        (T([[1, NAN]]).double(), "the dtype differs"),
        (T([[INF, NAN]]), "NaN in different places than expected"),
        (T([[9.0, INF]]), "infinity in different places than expected"),
        (T([[9.0, 2.0]]), "the values differ"),
    ]
    assert [difference(actual, expected)[0] for actual, _ in steps] == [r for _, r in steps]


def test_the_tree_comes_before_the_values() -> None:
    """A wrong type at the end is told before a wrong value at the beginning."""
    assert difference([9.0, "x"], [1.0, 2.0])[0].startswith("the type differs")
    assert difference([T([9.0]), [1]], [T([1.0]), [1, 2]])[0] == "the number of items differs"
    assert difference([9, "x"], [1, 2])[0].startswith("the type differs")


def test_the_place_in_a_tree_is_named() -> None:
    """Keys and indices lead to what differs."""
    assert difference({"a": [1, {"b": "x"}]}, {"a": [1, {"b": "y"}]})[1].startswith(
        "['a'][1]['b']: "
    )
    assert "at ['w'] index (0, 1):" in difference({"w": T([[1.0, 2.0]])}, {"w": T([[1.0, 3.0]])})[1]
    assert "at ['w']:" in difference({"w": T(1.0)}, {"w": T(2.0)})[1]


def test_whole_numbers_are_exact() -> None:
    """Also beyond 2**53, where a float can't tell neighbours apart."""
    assert difference(2**53 + 1, 2**53)[0] == "the value differs"
    said, why = difference(T([1, 2**53 + 1]), T([1, 2**53]))
    assert said == "the values differ"
    assert "got 9007199254740993, expected 9007199254740992" in why
    assert "the largest difference is 1 " in why
    assert difference(T([5]), T([6]), within(0.0, 9.0, "ignored"))[0] == "the values differ"


@pytest.mark.parametrize("expected", [6, 1.5, 1j, T(1.0), T(1), [1], "x", {"a": 1}, T([1.0]), True])
@pytest.mark.parametrize(
    "odd",
    [10**400, -(10**400), range(10**5000), [10**5000], {10**5000: 1}, "x" * 10**6, 1e300],
    ids=["int", "negative", "range", "list", "dict", "text", "float"],
)
def test_no_plain_answer_makes_close_stumble(odd: Any, expected: Any) -> None:
    """Numbers too long to print or to be a float, and texts without end, are just different."""
    said, why = difference(odd, expected)
    assert len(said) + len(why) < 1000


def test_long_values_are_shown_short() -> None:
    """A detail stays a sentence."""
    assert difference(10**400, 3)[1] == "got an integer of 1329 bits, expected 3"
    assert len(difference("x" * 10**6, 3)[1]) < 200
    assert len(difference([[[1.23456789012] * 99] * 99], 3)[1]) < 200
    assert "0.123456789)" in difference(0.1234567890123, "x")[1]
    assert difference({"a": 1}, 3)[1] == "got a dict (a dict of 1), expected a int"


def test_what_isn_t_shown_isn_t_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tree of a million lists is an answer, and took seconds to become those few words."""
    made = 0
    pieces = show.pieces

    def counted(value: Any, room: int) -> Iterator[str]:
        nonlocal made
        made += 1
        return pieces(value, room)

    monkeypatch.setattr(show, "pieces", counted)
    bush: Any = []
    for _ in range(30):
        bush = [bush] * 40
    assert len(difference(bush, 3)[1]) < 200
    assert made < 3000


# How far apart is still the same


@pytest.mark.parametrize("name", DEFAULT_TOLERANCES)
def test_each_dtype_has_its_tolerance(name: str) -> None:
    """Half of what is allowed passes, ten times as much doesn't."""
    rtol, atol = DEFAULT_TOLERANCES[name]
    expected = torch.ones(1, dtype=torch.complex128)
    expected = expected.to(getattr(torch, name)) if "complex" in name else expected.real
    expected = expected.to(getattr(torch, name))
    step = max(rtol + atol, torch.finfo(expected.dtype).eps)
    close(expected + step / 2, expected)
    assert difference(expected + 10 * step, expected)[0] == "the values differ"


def test_the_course_has_its_own_table() -> None:
    """course.toml's row replaces a default; another row forgets the first."""
    use_tolerances({"float32": (0.0, 0.5)})
    close(T([1.4]), T([1.0]))
    assert difference(T([1.4]).double(), T([1.0]).double())[0] == "the values differ"
    use_tolerances({"float64": (0.5, 0.0)})
    close(1.4, 1.0)
    assert "rtol 1.3e-06, atol 1e-05" in difference(T([1.4]), T([1.0]))[1]


def test_a_test_may_widen_a_tolerance_with_a_reason() -> None:
    """Without the reason it is the course that is wrong, not the answer."""
    sampled = within(0.2, 0.0, "sampled")
    close(1.1, 1.0, sampled)
    close(T([1.1]), T([1.0]), sampled)
    assert "rtol 0, atol 1e-07" in difference(1.1, 1.0, within(0.0, 1e-7, "exact"))[1]
    with pytest.raises(CourseError, match="within: give the reason"):
        within(1.0, 1.0, "")


def test_one_of_several_answers_may_be_right() -> None:
    """The message is about the first of them."""
    close_to_one(2, 1, 2)
    close_to_one(1.1, 5.0, 1.0, tolerance=within(0.2, 0.0, "sampled"))
    with pytest.raises(Mismatch, match="got 3, expected 1"):
        close_to_one(3, 1, 2)
    rows = torch.arange(6.0).reshape(2, 3)
    with pytest.raises(Mismatch, match="your result is 2 times the right one"):
        close_to_one(2 * rows, torch.zeros(2, 3) + 9, rows)


def test_a_suite_can_only_expect_plain_data() -> None:
    """What no answer can ever be is the course's fault."""
    with pytest.raises(CourseError, match="can't expect a object"):
        close(1, object())


def test_a_task_marks_a_test(pytestconfig: pytest.Config) -> None:
    """The function stays what it was, and pytest finds the id on it."""
    pytestconfig.addinivalue_line("markers", "task(id): the task that a test belongs to")

    @task("normalize_rows")
    def test_it() -> int:
        """A sentence."""
        return 7

    assert test_it() == 7
    marks = getattr(test_it, "pytestmark")  # noqa: B009
    assert [(m.name, m.args) for m in marks] == [("task", ("normalize_rows",))]
