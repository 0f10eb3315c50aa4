"""Wrong solutions are made from the right one, and recognised by their answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from autograder.course import Course, Lecture, load_course
from autograder.diagnosis.diagnose import (
    KnownMistake,
    Trace,
    diagnose,
    known_mistake,
    load_wrong_answers,
    read_wrong_answers,
    wrong_answers,
)
from autograder.diagnosis.fingerprints import Fingerprint, fingerprint, same
from autograder.diagnosis.mistakes import load_mistakes, reference_files, wrong_files
from autograder.errors import CourseError
from autograder.sandbox.session import Answer
from autograder.sandbox.wire import encode
from autograder.verdict import Diagnosis


@pytest.fixture
def lecture(mini: Course) -> Lecture:
    return mini.lectures[0]


# Making


def test_every_mistake_is_the_reference_with_an_edit(lecture: Lecture) -> None:
    """The text that it finds is replaced; the rest of the files stay."""
    right = reference_files(lecture)
    for mistake in load_mistakes(lecture):
        wrong = wrong_files(lecture, mistake)
        assert wrong.keys() == right.keys() == {"sums.py"}
        assert wrong != right
    first = load_mistakes(lecture)[0]
    assert (first.diagnosis.id, first.diagnosis.explanation) == (first.id, first.explanation)
    square = wrong_files(lecture, first)
    assert square["sums.py"] == right["sums.py"].replace(b"return 2 * x", b"return x * x")


def test_edits_are_made_one_after_the_other(lecture: Lecture) -> None:
    """A later one may find what an earlier one wrote."""
    edits = '{ find = "return 2 * x", replace = "y = x" }, { find = "y = x", replace = "y = 1" }'
    file = lecture.home / "mistakes.toml"
    old = 'find = "return 2 * x"\nreplace = "return x * x"'
    file.write_text(file.read_text().replace(old, f"edits = [{edits}]"))
    mistake = load_mistakes(lecture)[0]
    assert b"    y = 1\n" in wrong_files(lecture, mistake)["sums.py"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'task = "double"',
            'task = "duoble"',
            'mistake "square": no task "duoble"; did you mean "double"?',
        ),
        (
            'id = "no_column"',
            'id = "columns"\nfinds = "x"',
            'mistake columns: unknown key "finds"; did you mean "find"?',
        ),
        (
            "  { find",
            "  { fnid",
            'mistake last: edits 1: unknown key "fnid"; did you mean "find"?',
        ),
        (
            'find = "return 2 * x"\nreplace',
            "replace",
            'mistake "square": give either find and replace, or edits',
        ),
        (
            'find = "return 2 * x"',
            'find = "return 2 * x"\nedits = [{find = "x", replace = "y"}]',
            'mistake "square": give either find and replace, or edits',
        ),
        (
            'find = "return 2 * x"',
            'find = "return 3 * x"',
            'mistake "square" of double: find occurs 0 times in sums.py, it must occur once:'
            " 'return 3 * x'",
        ),
        (
            'find = "return 2 * x"',
            'find = "return"',
            'mistake "square" of double: find occurs 5 times in sums.py, it must occur once:'
            " 'return'",
        ),
        ('{ find = "self.seen.append(x)"', '{ find = ""', 'mistake "last" of Counter: find occurs'),
        (
            'task = "row_sums"\nid = "columns"',
            'task = "double"\nid = "square"',
            'mistake "square": is there twice for task "double"',
        ),
        (
            'task = "extra"\nid = "length"\nfind = "return sum(xs)"',
            'task = "double"\nid = "length"\nfind = "return 2 * x"',
            'task "extra" has no mistake; write one at least',
        ),
        (
            'explanation = "That is how many there are."',
            "",
            "mistake[4]: Object missing required field",
        ),
    ],
    ids=lambda value: "",
)
def test_a_bad_catalogue_is_one_sentence(lecture: Lecture, old: str, new: str, said: str) -> None:
    """File, mistake, and what to do."""
    file = lecture.home / "mistakes.toml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(CourseError) as caught:
        load_mistakes(lecture)
    assert str(caught.value).startswith(f"{file}: {said}")
    assert "\n" not in str(caught.value)


def test_a_lecture_has_a_catalogue(lecture: Lecture) -> None:
    """Where the solutions are; a released course has none and needs none."""
    (lecture.home / "mistakes.toml").unlink()
    with pytest.raises(CourseError, match=r"mistakes\.toml: the file is missing"):
        load_mistakes(lecture)
    (lecture.home.parent).rename(lecture.home.parent.parent / "away")
    assert load_mistakes(load_course(lecture.home.parent.parent).lectures[0]) == ()


# Fingerprints


def of(value: Any) -> Fingerprint:
    return fingerprint(Answer(data=encode(value)))


SEVERAL = torch.randn(27, 10, generator=torch.Generator().manual_seed(1))
VALUES = [
    *(None, True, False, 7, -(2**53), 10**5000, 1.5, float("nan"), float("-inf"), 1 - 2j),
    *("text", b"text", [1, 2.0], [1, [2.0]], {"a": 1}, {1, 2, 3}, range(3)),
    *(torch.tensor([1.0, 2.0]), torch.tensor([[1.0, 2.0]]), torch.tensor([1, 2])),
    *(torch.tensor([True, False]), torch.zeros(0, 3), torch.tensor([1j]), torch.Size([2, 3])),
    *(torch.ones(2, dtype=torch.bfloat16), torch.float16, torch.device("cpu")),
    *(np.array([1.0, 2.0]), torch.tensor([float("nan"), 1.0]), torch.tensor([1.0, float("nan")])),
    *(SEVERAL, SEVERAL.T, SEVERAL * 2, -SEVERAL, SEVERAL.flip(0), SEVERAL.flip(1)),
    *(SEVERAL.to(torch.float64), torch.arange(270), torch.arange(270).flip(0)),
    *([0.5] * 100, [0.5] * 99 + [0.25], ["a"] * 100, ["a"] * 99 + ["b"]),
]


def test_every_answer_has_its_own_fingerprint() -> None:
    """Another type, length, shape, dtype, order or number is another fingerprint."""
    found = [of(value) for value in VALUES]
    for i, one in enumerate(found):
        assert same(one, one)
        for j, other in enumerate(found[:i]):
            assert not same(one, other), (VALUES[i], VALUES[j])


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (1.0, 1.00001, True),
        (1.0, 1.0001, False),
        (123456.0, 123457.0, True),
        (0.0, -0.0, True),
        (0.0, 1e-9, False),
        ([1, [2.0]], [1, [2.00001]], True),
        (torch.tensor([1.0]), torch.tensor([1.00001]), True),
        (SEVERAL, SEVERAL * (1 + 1e-6), True),
        (SEVERAL, SEVERAL * 1.0002, False),
        ({1, 2, 3}, {3, 2, 1}, True),
        ({1.5, 2.5}, {2.5, 1.5}, True),
    ],
)
def test_answers_are_the_same_up_to_the_fifth_digit(a: Any, b: Any, expected: bool) -> None:
    """Another processor's last bit is no difference."""
    assert same(of(a), of(b)) is expected
    assert same(of(b), of(a)) is expected


@pytest.mark.parametrize(
    "value",
    [
        *(range(10**6), torch.zeros(2**20), torch.zeros(10**7, 0), torch.zeros(10**6, 2, 0, 3)),
        *(np.zeros((10**7, 0)), torch.zeros((9999,) + (1,) * 15, dtype=torch.uint8)),
        *(["long" * 9] * 9999, [0.5] * 9999, "x" * 10**5),
    ],
    ids=lambda value: str(getattr(value, "shape", "")),
)
def test_a_fingerprint_is_small(value: Any) -> None:
    """A wrong answer may be endless; its fingerprint isn't."""
    assert len(wrong_answers({"t": [KnownMistake("m", "", {"a": (of(value),)})]})) < 400


def test_an_exception_is_an_answer() -> None:
    """Its first line; and so are bytes that can't be read."""
    raised = fingerprint(Answer(raised="ValueError: odd\nsums.py, line 3"))
    assert raised == Fingerprint("raised ValueError: odd")
    assert len(fingerprint(Answer(raised="x" * 10**6)).structure) < 300
    unreadable = fingerprint(Answer(data=b"?"))
    assert unreadable == Fingerprint("raised no value begins with the byte 63")


# Recognising


def answers(**given: Any) -> dict[str, tuple[Fingerprint, ...]]:
    return {id: tuple(of(value) for value in values) for id, values in given.items()}


def mistake(id: str, **given: Any) -> KnownMistake:
    return KnownMistake(id, f"It is {id}.", answers(**given))


def wrong(**given: Any) -> dict[str, Trace]:
    return {id: Trace(False, found) for id, found in answers(**given).items()}


def right(**given: Any) -> dict[str, Trace]:
    return {id: Trace(True, found) for id, found in answers(**given).items()}


ONE, TWO = (Diagnosis(id=id, explanation=f"It is {id}.") for id in ("one", "two"))


def test_the_mistake_with_the_same_answers_is_the_diagnosis() -> None:
    """Every test that it fails must fail in the same way."""
    known = [mistake("one", a=[1], b=[2]), mistake("two", a=[1], b=[3])]
    assert diagnose(wrong(a=[1], b=[3]), known) == TWO
    assert diagnose(wrong(a=[1], b=[4]), known) is None
    assert diagnose(wrong(a=[1]), known) is None
    assert diagnose(wrong(a=[1]) | right(b=[3]), known) is None
    assert diagnose(wrong(a=[1, 1], b=[3]), known) is None
    assert diagnose(wrong(a=[1], b=[3]), []) is None


def test_the_mistake_that_explains_most_is_the_diagnosis() -> None:
    """Whatever their order; the first of two that explain as much."""
    known = [mistake("one", a=[1]), mistake("two", a=[1], b=[2])]
    found = wrong(a=[1], b=[2], c=[9])
    assert diagnose(found, known) == diagnose(found, known[::-1]) == TWO
    assert diagnose(found, [mistake("one", a=[1]), mistake("two", b=[2])]) == ONE


def test_a_test_that_the_mistake_passes_counts_for_nothing() -> None:
    """A submission may have other faults; a mistake that fails nothing is no diagnosis."""
    known = [
        known_mistake(ONE, wrong(a=[1]) | right(b=[2])),
        known_mistake(TWO, right(a=[1], b=[2])),
    ]
    assert diagnose(wrong(a=[1], b=[7]), known) == ONE
    assert diagnose(wrong(b=[7]), known) is None


# wrong_answers.json


def test_a_released_course_reads_the_fingerprints(lecture: Lecture) -> None:
    """Only mistakes that fail are written, in one order; what is read recognises as before."""
    known = {
        "share": [mistake("two")],
        "double": [mistake("one", a=[1, float("nan"), SEVERAL, "text"])],
    }
    data = wrong_answers(known)
    assert data == wrong_answers(dict(reversed(known.items())))
    (lecture.home / "wrong_answers.json").write_bytes(data)
    read = load_wrong_answers(lecture)
    assert read == {"double": known["double"], "share": []}
    assert diagnose(wrong(a=[1, float("nan"), SEVERAL, "text"]), read["double"]) == ONE


def test_there_may_be_no_wrong_answers(lecture: Lecture) -> None:
    """Then there is no diagnosis."""
    assert load_wrong_answers(lecture) == {}


@pytest.mark.parametrize(
    "write",
    [
        lambda file: file.write_text("{"),
        lambda file: file.write_bytes(b"\xff"),
        lambda file: file.write_text("[]"),
        lambda file: file.write_text('{"a": [{"id": "x"}]}'),
        lambda file: file.write_text('{"a": 3}'),
    ],
    ids=["cut", "bytes", "list", "key", "number"],
)
def test_a_broken_file_is_one_sentence(lecture: Lecture, write: Callable[[Any], Any]) -> None:
    """With the command that fixes it."""
    file = lecture.home / "wrong_answers.json"
    write(file)
    with pytest.raises(CourseError) as caught:
        load_wrong_answers(lecture)
    assert str(caught.value).startswith(f"{file}: not a file of `autograder release`: ")
    assert str(caught.value).endswith("; release again")
    assert read_wrong_answers(b"{}", "") == {}
