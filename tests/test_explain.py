"""`clue`: what is wrong with a tensor as a whole, in words without a number of either."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from autograder.suite.compare import Mismatch, close
from autograder.suite.explain import explain

RIGHT = torch.randn(5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
CUBE = torch.randn(2, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
BRANCH = RIGHT.roll(1, 0) * 3
N = 5


@pytest.mark.parametrize(
    ("actual", "expected", "said"),
    [
        (RIGHT, RIGHT.sum(0), "the sum over dimension 0 is missing"),
        (RIGHT, RIGHT.sum(0, keepdim=True), "the sum over dimension 0 is missing"),
        (RIGHT, RIGHT.sum(1, keepdim=True), "the sum over dimension 1 is missing"),
        (CUBE, CUBE.sum((0, 2)), "the sum over dimensions 0 and 2 is missing"),
        (RIGHT, RIGHT.sum(), "the sum over dimensions 0 and 1 is missing"),
        (RIGHT.sum(1), RIGHT, "you summed over dimension 1, which should be kept"),
        (RIGHT.sum(0, keepdim=True), RIGHT, "you summed over dimension 0, which should be kept"),
        (RIGHT.sum(0).expand(5, 7), RIGHT, "you summed over dimension 0, which should be kept"),
        (
            RIGHT[:1],
            RIGHT[0],
            "the numbers are right; a dimension of size 1 is too much (keepdim)",
        ),
        (RIGHT[0], RIGHT[:1], "the numbers are right; a dimension of size 1 is lost (keepdim)"),
        (-RIGHT, RIGHT, "your result is −1 times the right one"),
        (RIGHT / 2, RIGHT, "your result is ½ times the right one"),
        (RIGHT * N, RIGHT, "your result is n times the right one"),
        (RIGHT / N, RIGHT, "your result is 1/n times the right one"),
        (
            RIGHT[:1].expand(5, 7) * N,
            RIGHT[:1].expand(5, 7),
            "your result is n times the right one",
        ),
        (-RIGHT * (N - 1), RIGHT, "your result is −(n−1) times the right one"),
        (RIGHT * (N - 1) / N, RIGHT, "your result is (n−1)/n times the right one"),
        (RIGHT.T, RIGHT, "your result is transposed"),
        (
            CUBE.permute(1, 2, 0),
            CUBE,
            "your result is transposed (dimensions in the order (2, 0, 1))",
        ),
        (RIGHT.flip(0), RIGHT, "the numbers are right, but in another order"),
        (RIGHT * 1j, RIGHT * 2j, "your result is ½ times the right one"),
    ],
)
def test_what_would_make_it_right(actual: Tensor, expected: Tensor, said: str) -> None:
    """A sum, a dimension, a constant, an order: each in one clause."""
    assert explain(actual, expected, n=N) == said


@pytest.mark.parametrize(
    ("actual", "said"),
    [
        (RIGHT, "the gradient through counts is missing"),
        (BRANCH, "the gradient through sums is missing"),
        (RIGHT - BRANCH, "the gradient through counts is −1 times the right one"),
        (RIGHT + BRANCH / 4, "the gradient through counts is 1/(n−1) times the right one"),
        (RIGHT + BRANCH * 3, ""),
    ],
)
def test_a_sum_of_two_branches(actual: Tensor, said: str) -> None:
    """Where a value is used twice its gradient has two branches; one of them is often lost."""
    branches: Mapping[str, Tensor] = {"sums": RIGHT, "counts": BRANCH}
    assert explain(actual, RIGHT + BRANCH, n=N, branches=branches) == said


def test_a_branch_that_was_never_spread() -> None:
    """The branch alone, in the shape that it had before it was broadcast."""
    row = RIGHT[:1]
    said = explain(row, RIGHT + row, branches={"sums": RIGHT, "counts": row})
    assert said == "the gradient through sums is missing"


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (RIGHT + 0.5, RIGHT),
        (torch.zeros(5, 7), RIGHT),
        (RIGHT.clone().fill_(float("nan")), RIGHT),
        (torch.zeros(0), RIGHT),
        (RIGHT, torch.zeros(0)),
        (RIGHT, torch.zeros(5, 7)),
        (torch.zeros(3), torch.zeros(4)),
        (RIGHT * (1 + 1e-13), RIGHT),
        (torch.full((100_001,), 2.0), torch.ones(100_001)),
        (-torch.ones(2), torch.tensor([1.0, float("inf")])),
        (torch.randn(2, 2, 2, 2, 2), torch.randn(2, 2, 2, 2, 3)),
    ],
    ids=[
        "other",
        "zeros",
        "nan",
        "empty",
        "of nothing",
        "of zeros",
        "none",
        "near",
        "large",
        "infinite",
        "deep",
    ],
)
def test_no_explanation_where_none_is_found(actual: Tensor, expected: Tensor) -> None:
    """An answer without a relation to the right one gets no guess."""
    assert explain(actual, expected, n=N) == ""


@given(st.lists(st.integers(1, 4), max_size=4), st.lists(st.integers(1, 4), max_size=4))
def test_any_two_shapes_can_be_compared(one: list[int], other: list[int]) -> None:
    """Whatever a submission answers, the search for an explanation raises nothing."""
    explain(torch.randn(one), torch.randn(other), n=3, branches={"a": torch.randn(other)})


def test_close_gives_the_explanation_before_the_place() -> None:
    """The summary has the clause alone, which a hidden test shows; the detail has the numbers."""
    with pytest.raises(Mismatch) as caught:
        close(RIGHT / N, RIGHT, n=N)
    assert caught.value.summary == "the values differ: your result is 1/n times the right one"
    assert str(caught.value).startswith(
        "your result is 1/n times the right one\n35 of 35 values differ;"
    )
    with pytest.raises(Mismatch) as caught:
        close(RIGHT, RIGHT.sum(1))
    assert caught.value.summary == "the shape differs: the sum over dimension 1 is missing"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_float32_has_the_same_explanations(dtype: torch.dtype) -> None:
    """An explanation is no verdict: it may be further off than the tolerance."""
    right = RIGHT.to(dtype)
    wrong = (right.double() * 2 * (1 + 1e-6)).to(dtype)
    with pytest.raises(Mismatch) as caught:
        close(wrong, right)
    assert caught.value.summary == "the values differ: your result is 2 times the right one"


def test_two_numbers_agree_by_chance() -> None:
    """One whole number that is twice another, or a truth value, says nothing."""
    for wrong, right in ((4, 2), (True, False)):
        with pytest.raises(Mismatch) as caught:
            close(torch.tensor([wrong]), torch.tensor([right]))
        assert caught.value.summary == "the values differ"
