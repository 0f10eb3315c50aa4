"""Solutions are cut out of a text, and nothing else is."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import pytest

from autograder.errors import CourseError, MarkerError
from autograder.suite.stub import BEGIN, END, cut, source_of, untouched

REFERENCE = f'''\
"""A module."""
import math


@staticmethod
def double(x):
    """Twice x."""
    {BEGIN}
    y = x
    return 2 * y
    {END}


class Box:
    def add(self, x):
        if x:
            {BEGIN}
            self.x = x
            {END}
        return self

    def outer(self):
        def inner():
            {BEGIN}
            return 1
            {END}
        return inner
'''
STUB = '''\
"""A module."""
import math


@staticmethod
def double(x):
    """Twice x."""
    raise NotImplementedError("double")


class Box:
    def add(self, x):
        if x:
            raise NotImplementedError("Box.add")
        return self

    def outer(self):
        def inner():
            raise NotImplementedError("Box.outer")
        return inner
'''


def test_a_solution_becomes_one_line() -> None:
    """At the markers' indentation, with the name of the outermost function around it."""
    assert cut(REFERENCE, "box.py") == STUB
    ast.parse(STUB)


def test_a_text_without_solutions_stays_as_it_is() -> None:
    """A file that's only helpers, and a stub that's cut again."""
    assert cut(STUB, "box.py") == STUB
    assert cut("x = 1\n", "x.py") == "x = 1\n"


@pytest.mark.parametrize("odd", ["\x0c", "\u2028", "\x85", "\x1c"])
def test_only_line_ends_of_python_end_a_line(odd: str) -> None:
    """A form feed or a separator inside of a string is part of it; lines are counted as usual."""
    text = f'SEPARATOR = "{odd}"\n\n{REFERENCE}'
    assert cut(text, "box.py") == f'SEPARATOR = "{odd}"\n\n{STUB}'


def test_the_names_of_the_stubs() -> None:
    """Of a reference, and of a submission that left some as they were."""
    assert untouched(cut(REFERENCE, "box.py")) == {"double", "Box.add", "Box.outer"}
    half = STUB.replace('raise NotImplementedError("double")', "return 2 * x")
    assert untouched(half) == {"Box.add", "Box.outer"}
    assert untouched("    raise NotImplementedError('a.b')  # theirs") == {"a.b"}
    assert untouched("# raise NotImplementedError('a')\nraise ValueError('a')") == frozenset()
    assert untouched("def broken(:\n    raise NotImplementedError('f')") == {"f"}


def test_the_source_of_one_function() -> None:
    """Without its markers, with its decorators."""
    double = '@staticmethod\ndef double(x):\n    """Twice x."""\n    y = x\n    return 2 * y'
    assert source_of(REFERENCE, "double", "box.py") == double
    assert source_of(REFERENCE, "Box.outer.inner", "box.py").strip().startswith("def inner")


def body(*lines: str) -> str:
    return "def f():\n" + "".join(f"    {line}\n" for line in lines)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (
            lambda: cut(body(BEGIN, "pass", BEGIN), "f.py"),
            f'f.py:4: a solution begins inside the one of line 2; write "{END}" before it',
        ),
        (lambda: cut(body("pass", END), "f.py"), f'f.py:3: "{END}" without a "{BEGIN}" before it'),
        (lambda: cut(body(BEGIN, "pass"), "f.py"), f'f.py:2: the solution has no "{END}"'),
        (
            lambda: cut(body("pass", "### BEGIN SOLUTIONS"), "f.py"),
            f'f.py:3: unknown marker "### BEGIN SOLUTIONS"; write "{BEGIN}"',
        ),
        (
            lambda: cut(body("pass", "### end solution"), "f.py"),
            f'f.py:3: unknown marker "### end solution"; write "{BEGIN}"',
        ),
        (
            lambda: cut(f"x = 1\n{BEGIN}\n{END}\n", "f.py"),
            "f.py:2: a solution must lie inside of a function",
        ),
        (
            lambda: cut(f"class A:\n    {BEGIN}\n    {END}\n    x = 1\n", "f.py"),
            "f.py:2: a solution must lie inside of a function",
        ),
        (lambda: cut("x = 1\ndef f(:\n", "f.py"), "f.py:2: not Python: invalid syntax"),
        (lambda: cut("(", "f.py"), "f.py:1: not Python: '(' was never closed"),
        (lambda: source_of("x = 1", "f", "f.py"), "f.py: there is no function f"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_markers_are_told_with_file_and_line(act: Callable[[], Any], said: str) -> None:
    """A fault of the course, at a place."""
    with pytest.raises(MarkerError) as caught:
        act()
    assert str(caught.value) == said
    assert isinstance(caught.value, CourseError)
