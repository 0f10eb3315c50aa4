"""The words that mark a test: `task`, and `each` for a family of tests from a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import pytest

F = TypeVar("F", bound=Callable[..., Any])


def task(id: str) -> Callable[[F], F]:
    """Mark a test of a task; its docstring is the title that the student reads."""

    def mark(function: F) -> F:
        marked: F = pytest.mark.task(id)(function)
        return marked

    return mark


def each(**columns: Iterable[Any]) -> Callable[[F], F]:
    """A family of tests: one for each row of a table, whose columns are arguments of the test.

    `{column}` in the docstring, and in the name of the task, stands for the row's value.

    >>> @task("{name}")                                      # doctest: +SKIP
    ... @each(name=("dlogits", "dh"), factor=(2.0, 1.0))
    ... def test_factor(student, name, factor):
    ...     \"\"\"{name} is {factor} times what flows in.\"\"\"
    """
    rows = list(zip(*columns.values(), strict=True))
    names = ",".join(columns)
    values = [row[0] for row in rows] if len(columns) == 1 else rows

    def mark(function: F) -> F:
        marked: F = pytest.mark.parametrize(names, values)(function)
        return marked

    return mark
