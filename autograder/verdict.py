"""The records of a result, and the arithmetic of points."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

Outcome = Literal[
    "passed",
    "failed",
    "error",
    "timeout",
    "crashed",
    "refused",
    "missing",
    "blocked",
    "skipped",
    "broken",
]

# A task is what the worst of its tests is; the first of these that occurs.
WORST_FIRST: tuple[Outcome, ...] = (
    "broken",
    "missing",
    "refused",
    "crashed",
    "timeout",
    "error",
    "failed",
    "blocked",
    "skipped",
    "passed",
)
# Our fault, or the machine's, takes no points.
COUNTS: frozenset[str] = frozenset({"passed", "broken", "skipped"})


class MistakeFound(msgspec.Struct, frozen=True, kw_only=True):
    """A known mistake that gives the same answers as the submission."""

    id: str
    says: str


class TestResult(msgspec.Struct, kw_only=True):
    """One test's verdict.

    `why` and `told` may hold inputs and expected values: staff's, when hidden.
    """

    __test__ = False  # not a test class, whatever pytest thinks of its name

    id: str
    visible: bool
    outcome: Outcome
    says: str
    reason: str = ""
    why: str = ""
    told: str = ""
    output: str = ""
    seconds: float = 0.0


class TaskResult(msgspec.Struct, kw_only=True):
    """One task's verdict."""

    id: str
    outcome: Outcome
    score: float
    points: float
    bonus: bool = False
    mistake: MistakeFound | None = None
    tests: list[TestResult] = []


class Report(msgspec.Struct, kw_only=True):
    """All that is known of one submission to one lecture (docs/report.md)."""

    format: int = 1
    course: str
    lecture: str
    submission: str
    digest: str
    suite: str
    device: str
    versions: dict[str, str]
    isolation: list[str]
    problem: str = ""
    score: float
    points: float
    seconds: float
    tasks: list[TaskResult]
    output: str = ""


# What a terminal, a browser or a parser would act on, and what nobody sees: control characters,
# directions of writing, lines that end where no line ends, halves of characters, what isn't a
# character, what has no width or no picture of its own (Unicode's default ignorable, its tags and
# its private areas).
_ACTIVE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufdd0-\ufdef\ufff9-\ufffb"
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\ufffe\uffff\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\ue000-\uf8ff\U000e0000-\U0010ffff"
    + "".join(f"{chr(plane)}-{chr(plane + 1)}" for plane in range(0x1FFFE, 0xE0000, 0x10000))
    + "]"
)


def harmless(text: str, most: int = 10_000) -> str:
    """A submission's text as it may stand in a report: capped, nothing in it that acts.

    >>> harmless("red: \\x1b[31m")
    'red: \\\\x1b[31m'
    """
    text = text.replace("\r\n", "\n")
    if len(text) > most:
        text = text[:most] + "\n… (cut)"
    return _ACTIVE.sub(lambda match: ascii(match.group())[1:-1], text)


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome that stands for them all.

    >>> worst(["passed", "failed", "passed"])
    'failed'
    """
    seen = set(outcomes)
    return next((outcome for outcome in WORST_FIRST if outcome in seen), "passed")


def task_score(points: float, tests: Sequence[TestResult], partial: bool) -> float:
    """Points times the share of tests that passed; all or nothing unless `partial`."""
    if not tests:
        return 0.0
    good = sum(test.outcome in COUNTS for test in tests)
    if not partial and good < len(tests):
        return 0.0
    return round(points * good / len(tests), 4)


def total(tasks: Iterable[TaskResult]) -> tuple[float, float]:
    """(score, points) of a report: a bonus adds to the score and not to the points."""
    tasks = list(tasks)
    score = sum(task.score for task in tasks)
    return round(score, 4), round(sum(task.points for task in tasks if not task.bonus), 4)


def block(outcomes: Mapping[str, Sequence[TestResult]], after: Mapping[str, Sequence[str]]) -> None:
    """Turn failures into `blocked` where a task that they build on isn't right yet.

    outcomes: task id -> its tests; after: task id -> all tasks it builds on, transitively.
    A stub that wasn't touched stays `missing`; what passes all the same counts.
    """
    wrong = {id for id, tests in outcomes.items() if any(t.outcome not in COUNTS for t in tests)}
    for id, tests in outcomes.items():
        if wrong.intersection(after.get(id, ())):
            for test in tests:
                if test.outcome not in COUNTS and test.outcome != "missing":
                    test.outcome = "blocked"


def for_student(report: Report) -> Report:
    """The report without what a hidden test would give away: its values and its output."""
    copy = msgspec.json.decode(msgspec.json.encode(report), type=Report)
    for task in copy.tasks:
        for test in task.tests:
            if not test.visible:
                test.why = test.told = test.output = ""
    return copy
