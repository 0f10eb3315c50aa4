"""A wrong gradient is told what is wrong with it: a constant, a sum, a transposition, a use.

`python tests/planted.py` prints the table.
"""

from __future__ import annotations

import pytest
from conftest import ROOT
from planted import KINDS, judge, planted

from autograder.course import Task, load_course

TEXT = """
def dx(c, dy, dz):
    d = dy.sum(0)
    return d @ c.W.T + dz

def other(x):
    return x
"""


def test_what_is_planted() -> None:
    """Each kind wherever the solution has such a thing, and nothing in other functions."""
    lines = {(one.kind, one.line) for one in planted(TEXT, Task(id="dx", file="x.py", points=1))}
    assert {kind for kind, _ in lines} == set(KINDS)
    assert ("constant", "return (c.n - 1) * (d @ c.W.T + dz)") in lines
    assert ("constant", "return d @ c.W.T + -1 * dz") in lines
    assert ("transposition", "return c.W.T.T @ d.T + dz") in lines
    assert ("branch", "return d @ c.W.T") in lines
    assert list(planted(TEXT, Task(id="other", file="x.py", points=1))) == []


@pytest.mark.slow
def test_nine_of_ten_get_the_right_reason() -> None:
    """All of them fail, in each of the 26 gradients."""
    found = judge(load_course(ROOT).lecture("backprop"))
    assert len({one.planted.task for one in found}) == 26
    assert [one.planted for one in found if not one.failed] == []
    assert sum(one.right for one in found) >= 0.9 * len(found)
