"""Wrong solutions are made from the right one, and recognised by what they answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from autograder.course import Course, Lecture, load_course
from autograder.errors import CourseError
from autograder.mistake import (
    Trace,
    load_mistakes,
    load_wrong_answers,
    plain,
    recognise,
    reference_files,
    same,
    trace,
    wrong_answers_text,
    wrong_files,
)
from autograder.session import Answer
from autograder.verdict import MistakeFound
from autograder.wire import encode


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
    assert (first.found.id, first.found.says) == (first.id, first.says)
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
            'mistake "square": stands there twice for task "double"',
        ),
        (
            'task = "extra"\nid = "length"\nfind = "return sum(xs)"',
            'task = "double"\nid = "length"\nfind = "return 2 * x"',
            'task "extra" has no mistake; write one at least',
        ),
        ('says = "That is how many there are."', "", "mistake[4]: Object missing required field"),
    ],
    ids=lambda value: "",
)
def test_a_bad_catalogue_is_told_in_one_sentence(
    lecture: Lecture, old: str, new: str, said: str
) -> None:
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


# Answers as plain JSON


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (-(2**53) + 1, -(2**53) + 1),
        (2**53, {"int": "9007199254740992"}),
        (10**5000, {"int": ""}),
        (1.23456789, 1.23457),
        (1e-30, 1e-30),
        (float("nan"), {"float": "nan"}),
        (float("-inf"), {"float": "-inf"}),
        (1.23456789 - 2j, {"complex": [1.23457, -2.0]}),
        ("text", "text"),
        (b"\0\xff", {"bytes": "00ff"}),
        ([1, (2.0, "a")], [1, [2.0, "a"]]),
        ({"a": 1, (1, 2): [3]}, {"dict": [["a", 1], [[1, 2], [3]]]}),
        ({3, 1, 2}, {"set": [1, 2, 3]}),
        (torch.tensor([[1.0, 2.0]]), {"float32": [[1, 2], [[1.0, 2.0]]]}),
        (torch.tensor(True), {"bool": [[], True]}),
        (torch.zeros(0, 3), {"float32": [[0, 3], []]}),
        (torch.tensor([1j]), {"complex64": [[1], [{"complex": [0.0, 1.0]}]]}),
        (torch.ones(1, dtype=torch.bfloat16, requires_grad=True), {"bfloat16": [[1], [1.0]]}),
        (np.array([float("inf")]), {"float64": [[1], [{"float": "inf"}]]}),
        (torch.Size([2, 3]), [2, 3]),
        (torch.float16, "torch.float16"),
        (torch.device("cpu"), "cpu"),
    ],
    ids=lambda value: repr(value)[:30] if not isinstance(value, int) else "",
)
def test_every_plain_value_is_json(value: Any, expected: Any) -> None:
    """Six digits, shape and dtype; and JSON brings it back as it was."""
    got = plain(Answer(data=encode(value)))
    assert got == expected
    assert same(json.loads(json.dumps(got, allow_nan=False)), got)


@pytest.mark.parametrize(
    "value",
    [
        *(range(10**6), torch.zeros(2**20), torch.zeros(10**7, 0), torch.zeros(10**6, 2, 0, 3)),
        *(np.zeros((10**7, 0)), torch.zeros((9999,) + (1,) * 15, dtype=torch.uint8)),
    ],
    ids=lambda value: str(getattr(value, "shape", "")),
)
def test_a_huge_answer_stays_small(value: Any) -> None:
    """A wrong answer may be endless; what is kept of it isn't."""
    assert len(json.dumps(plain(Answer(data=encode(value))))) < 10**5


def test_an_exception_is_an_answer() -> None:
    """Its first line; and so are bytes that can't be read."""
    assert plain(Answer(raised="ValueError: odd\nsums.py, line 3")) == {"raised": "ValueError: odd"}
    assert len(plain(Answer(raised="x" * 10**6))["raised"]) == 200
    assert plain(Answer(data=b"?")) == {"raised": "no value begins with the byte 63"}
    assert trace(False, [Answer(data=encode(1)), Answer(raised="E")]) == Trace(
        False, [1, {"raised": "E"}]
    )


@pytest.mark.parametrize(
    ("a", "b", "yes"),
    [
        (1.0, 1.00001, True),
        (1.0, 1.0001, False),
        (123456.0, 123457.0, True),
        (0.0, -0.0, True),
        (0.0, 1e-9, False),
        (1, 1.0, True),
        (50256, 50257, False),
        (True, 1, False),
        (None, 0, False),
        (None, None, True),
        ("a", "a", True),
        ("1", 1, False),
        ([1, [2.0]], [1, [2.00001]], True),
        ([1], [1, 1], False),
        ([1], {"set": [1]}, False),
        ({"float32": [[1], [1.0]]}, {"float32": [[1], [1.00001]]}, True),
        ({"float32": [[1], [1.0]]}, {"float64": [[1], [1.0]]}, False),
        ({"float": "nan"}, {"float": "nan"}, True),
        ({"raised": "E: a"}, {"raised": "E: b"}, False),
    ],
)
def test_answers_are_the_same_up_to_the_sixth_digit(a: Any, b: Any, yes: bool) -> None:
    """Another processor's last bit is no difference; a whole number's is."""
    assert same(a, b) is yes
    assert same(b, a) is yes


# Recognising

ONE, TWO = (MistakeFound(id=id, says=f"It is {id}.") for id in ("one", "two"))


def wrong(**answers: Any) -> dict[str, Trace]:
    return {id: Trace(False, answer) for id, answer in answers.items()}


def right(**answers: Any) -> dict[str, Trace]:
    return {id: Trace(True, answer) for id, answer in answers.items()}


def test_the_mistake_that_answers_the_same_is_named() -> None:
    """Every test that it fails must fail in the same way."""
    known = [(ONE, wrong(a=[1], b=[2])), (TWO, wrong(a=[1], b=[3]))]
    assert recognise(wrong(a=[1], b=[3]), known) == TWO
    assert recognise(wrong(a=[1], b=[4]), known) is None
    assert recognise(wrong(a=[1]), known) is None
    assert recognise(wrong(a=[1]) | right(b=[3]), known) is None
    assert recognise(wrong(a=[1], b=[3]), []) is None


def test_the_one_that_explains_most_is_named() -> None:
    """Whatever their order; the first of two that explain as much."""
    known = [(ONE, wrong(a=[1])), (TWO, wrong(a=[1], b=[2]))]
    theirs = wrong(a=[1], b=[2], c=[9])
    assert recognise(theirs, known) == recognise(theirs, known[::-1]) == TWO
    assert recognise(theirs, [(ONE, wrong(a=[1])), (TWO, wrong(b=[2]))]) == ONE


def test_a_test_that_the_mistake_passes_says_nothing() -> None:
    """There may be more wrong than this; and a mistake that fails nothing is never named."""
    known = [(ONE, wrong(a=[1]) | right(b=[2])), (TWO, right(a=[1], b=[2]))]
    assert recognise(wrong(a=[1], b=[7]), known) == ONE
    assert recognise(wrong(b=[7]), known) is None


# wrong_answers.json


def test_a_released_course_reads_what_was_written(mini: Course, lecture: Lecture) -> None:
    """Only what fails is written; what is read recognises as before."""
    known = {
        "double": [(ONE, wrong(a=[1, {"float": "nan"}]) | right(b=[2])), (TWO, right(a=[3]))],
        "share": [],
    }
    text = wrong_answers_text(known)
    assert text == wrong_answers_text(dict(reversed(known.items())))
    (lecture.home / "wrong_answers.json").write_text(text)
    read = load_wrong_answers(lecture)
    assert read == {"double": [(ONE, wrong(a=[1, {"float": "nan"}]))], "share": []}
    assert recognise(wrong(a=[1, {"float": "nan"}], b=[5]), read["double"]) == ONE


def test_there_may_be_no_wrong_answers(lecture: Lecture) -> None:
    """Then no mistake is named."""
    assert load_wrong_answers(lecture) == {}


@pytest.mark.parametrize(
    ("write", "kind"),
    [
        (lambda file: file.write_text("{"), "JSONDecodeError"),
        (lambda file: file.write_bytes(b"\xff"), "UnicodeDecodeError"),
        (lambda file: file.write_text("[]"), "AttributeError"),
        (lambda file: file.write_text('{"a": [{"id": "x"}]}'), "KeyError"),
        (lambda file: file.write_text('{"a": 3}'), "TypeError"),
    ],
    ids=["cut", "bytes", "list", "key", "number"],
)
def test_a_broken_file_is_written_anew(
    lecture: Lecture, write: Callable[[Any], Any], kind: str
) -> None:
    """One sentence, with the command that mends it."""
    file = lecture.home / "wrong_answers.json"
    write(file)
    with pytest.raises(CourseError) as caught:
        load_wrong_answers(lecture)
    said = f"{file}: not what `autograder stubs` writes ({kind}); write it anew"
    assert str(caught.value) == said
