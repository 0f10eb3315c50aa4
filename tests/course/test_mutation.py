"""The suites are strong: of all small edits of a reference, only equivalent ones get through."""

from __future__ import annotations

import json

import pytest
from conftest import ROOT
from mutation import mutants, score

from autograder.course import Lecture, load_course

COURSE = load_course(ROOT)
TEXT = '''
def f(x):
    """Twice."""
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION

def g(x):
    return x + 1
'''


def test_a_mutant_is_one_edit_inside_of_a_solution() -> None:
    """Each says what it changed; what is given to the student is left alone."""
    assert [mutant.name for mutant in mutants(TEXT)] == [
        "f: return 2 * x -> return 2 / x",
        "f: return 2 * x -> return 3 * x",
        "f: return 2 * x -> return 1 * x",
    ]
    assert all("return x + 1" in mutant.text for mutant in mutants(TEXT))


@pytest.mark.slow
@pytest.mark.parametrize("lecture", COURSE.lectures, ids=lambda lecture: lecture.id)
def test_every_mutant_dies_or_is_explained(lecture: Lecture) -> None:
    """A survivor is equivalent, with the reason in tests/mutants/, or a suite is weak."""
    result = score(COURSE, lecture)
    assert result.count > 50
    assert result.weak == []
    assert result.stale == []
    measured = json.loads((ROOT / "bench" / "measured.json").read_text())
    assert measured[lecture.id]["mutants"] == result.count - len(result.survivors)
