"""The arithmetic of points, and what a report may hold."""

from __future__ import annotations

import re
import sys
import unicodedata
from typing import Any

import pytest

from autograder.learn.check import for_student
from autograder.sandbox.text import sanitize
from autograder.verdict import (
    Outcome,
    Report,
    TaskResult,
    TestResult,
    block,
    task_score,
    total,
    worst,
)


def made(*outcomes: Any, **more: Any) -> list[TestResult]:
    return [
        TestResult(id=f"t{i}", visible=False, outcome=Outcome(outcome), title="A sentence.", **more)
        for i, outcome in enumerate(outcomes)
    ]


def result(id: str, score: float, points: float, bonus: bool = False) -> TaskResult:
    return TaskResult(id=id, outcome=Outcome.PASSED, score=score, points=points, bonus=bonus)


def test_a_task_is_what_the_worst_of_its_tests_is() -> None:
    """Our own fault before all; nothing at all is well."""
    assert worst(map(Outcome, ("passed", "failed", "error", "passed"))) == "error"
    assert worst([Outcome.SKIPPED, Outcome.PASSED]) == "skipped"
    assert worst(reversed(Outcome)) == "broken"
    assert worst([]) == "passed"


def test_a_task_s_score_is_its_share() -> None:
    """Of the tests that passed; what is our fault or the machine's counts as passed."""
    assert task_score(3, made("passed", "passed", "failed")) == 2
    assert task_score(1, made("passed", "failed", "failed")) == 0.3333
    assert task_score(2, made("broken", "skipped")) == 2
    assert task_score(2, made("missing", "blocked", "timeout")) == 0
    assert task_score(2, []) == 0


def test_a_bonus_comes_on_top() -> None:
    """It adds to the score and not to what can be had."""
    tasks = [result("a", 0.1, 1), result("b", 0.2, 2), result("c", 5, 5, bonus=True)]
    assert total(tasks) == (5.3, 3)
    assert total(iter(tasks[:2])) == (0.3, 3)
    assert total([]) == (0, 0)


def test_one_cause_is_one_red_line() -> None:
    """What fails after something wrong is blocked; what passes counts; a stub stays missing."""
    outcomes = {
        "base": made("failed"),
        "next": made("failed", "passed", "missing", "broken", "timeout"),
        "far": made("error"),
        "other": made("failed"),
    }
    block(outcomes, {"next": ("base",), "far": ("base", "next")})
    found = {id: [test.outcome for test in ts] for id, ts in outcomes.items()}
    assert found["base"] == ["failed"]
    assert found["next"] == ["blocked", "passed", "missing", "broken", "blocked"]
    assert found["far"] == ["blocked"]
    assert found["other"] == ["failed"]


@pytest.mark.parametrize("good", [one for one in Outcome if one.earns_points])
def test_nothing_is_blocked_by_what_earns_points(good: Outcome) -> None:
    """A base that passed, or that we broke, blocks nobody."""
    outcomes = {"base": made(good), "next": made("failed")}
    block(outcomes, {"next": ("base",)})
    assert outcomes["next"][0].outcome == "failed"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain naïve 漢字 🙂\n\ttabbed", "plain naïve 漢字 🙂\n\ttabbed"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("line\r\nnext\rover", "line\nnext\\rover"),
        ("nul\0 \x9b \x7f", "nul\\x00 \\x9b \\x7f"),
        ("\u202egnp.exe\u2066\u200f\u061c", "\\u202egnp.exe\\u2066\\u200f\\u061c"),
        ("\ud800\udfff", "\\ud800\\udfff"),
        ("\ufeff\ufffe\uffff\u2028\u2029", "\\ufeff\\ufffe\\uffff\\u2028\\u2029"),
        ("a\u200b\u200d\u2060\xadb", "a\\u200b\\u200d\\u2060\\xadb"),
        ("tag \U000e0001\U000e0041", "tag \\U000e0001\\U000e0041"),
        ("filler \u3164\u115f\uffa0 \ufe0f", "filler \\u3164\\u115f\\uffa0 \\ufe0f"),
        ("own \ue000\U000f0000\U0010ffff", "own \\ue000\\U000f0000\\U0010ffff"),
        ("none \ufdd0\U0001ffff", "none \\ufdd0\\U0001ffff"),
    ],
)
def test_nothing_in_a_text_acts(text: str, shown: str) -> None:
    """Escape codes, directions of writing, halves of characters stand there written out."""
    assert sanitize(text) == shown
    sanitize(text).encode()


def test_no_sign_that_nobody_sees_stays() -> None:
    """Of all that Unicode calls control, format, half, private or a separator of lines.

    But line and tab, and the format signs of a few scripts, which have a picture.
    """
    unseen = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    signs = [chr(n) for n in range(sys.maxunicode + 1) if unicodedata.category(chr(n)) in unseen]
    left = {sign for sign in signs if sanitize(sign) == sign}
    pictures = re.compile("[\u0600-\u08ff\U00011000-\U000110ff\U00013000-\U000134ff]")
    assert {sign for sign in left if not pictures.match(sign)} == {"\n", "\t"}


def test_a_text_is_capped() -> None:
    """With a word that it was."""
    assert sanitize("x" * 20, 10) == "x" * 10 + "\n… (cut)"
    assert sanitize("x" * 10, 10) == "x" * 10
    assert len(sanitize("\x1b" * 10**6)) < 50_000


def test_a_student_doesn_t_see_what_a_hidden_test_holds() -> None:
    """Neither values nor output; the title, the summary and the visible tests stay."""
    secret = {"detail": "expected 42", "output": "input 41", "summary": "the values differ"}
    task = TaskResult(id="a", outcome=Outcome.FAILED, score=0, points=1)
    task.tests = made("failed", **secret) + made("failed", **secret)
    task.tests[1].visible = True
    report = Report(
        course="c", lecture="l", submission="s", digest="", suite="", device="cpu", versions={},
        isolation=[], score=0, points=1, seconds=0, tasks=[task], output="printed",
    )  # fmt: skip
    hidden, visible = for_student(report).tasks[0].tests
    assert (hidden.detail, hidden.output) == ("", "")
    assert (hidden.title, hidden.summary) == ("A sentence.", "the values differ")
    assert (visible.detail, visible.output) == ("expected 42", "input 41")
    assert for_student(report).output == "printed"
    assert task.tests[0].detail == "expected 42"  # staff's own is as it was
