"""Make the wrong solutions, and recognise one by its answers."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from autograder import wire
from autograder.course import MISTAKES, WRONG_ANSWERS, Lecture, read_toml
from autograder.errors import CourseError, nearest
from autograder.session import Answer
from autograder.verdict import MistakeFound

DIGITS = 6  # significant, in wrong_answers.json and when answers are compared
LARGE = 2**20  # bytes: an answer of that size is compared by its digest
MANY_LISTS = 100_000
SAME = 2e-5  # relative; six digits, and another processor's last bits


class Edit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One replacement in the reference's text."""

    find: str
    replace: str


class Mistake(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The reference with one edit (or with several that belong together), and what it tells."""

    task: str
    id: str
    says: str
    find: str = ""
    replace: str = ""
    edits: tuple[Edit, ...] = ()

    @property
    def all_edits(self) -> tuple[Edit, ...]:
        return self.edits or (Edit(find=self.find, replace=self.replace),)

    @property
    def found(self) -> MistakeFound:
        return MistakeFound(id=self.id, says=self.says)


class MistakesToml(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """mistakes.toml."""

    mistake: tuple[Mistake, ...]


# What a test makes of a submission, as far as a mistake is recognised by it.
@dataclass(frozen=True)
class Trace:
    """One test's outcome and the answers that it got, as plain JSON."""

    right: bool
    answers: Any


Traces = Mapping[str, Trace]  # test id -> trace


def load_mistakes(lecture: Lecture) -> tuple[Mistake, ...]:
    """The lecture's mistakes.toml, checked against its tasks; none in a released course."""
    file = lecture.home / MISTAKES
    if lecture.released:
        return ()
    mistakes = read_toml(file, MistakesToml).mistake
    ids = [task.id for task in lecture.tasks]
    reference = reference_files(lecture)
    seen = set()
    for mistake in mistakes:
        where = f'{file}: mistake "{mistake.id}"'
        if mistake.task not in ids:
            raise CourseError(f'{where}: no task "{mistake.task}"{nearest(mistake.task, ids)}')
        if (mistake.task, mistake.id) in seen:
            raise CourseError(f'{where}: stands there twice for task "{mistake.task}"')
        if bool(mistake.find) == bool(mistake.edits) or (mistake.replace and mistake.edits):
            raise CourseError(f"{where}: give either find and replace, or edits")
        seen.add((mistake.task, mistake.id))
        _edited(lecture, mistake, reference)
    if lacking := [id for id in ids if id not in {mistake.task for mistake in mistakes}]:
        raise CourseError(f'{file}: task "{lacking[0]}" has no mistake; write one at least')
    return mistakes


def wrong_files(lecture: Lecture, mistake: Mistake) -> dict[str, bytes]:
    """The reference's files with the mistake in them. Each `find` must occur exactly once."""
    return _edited(lecture, mistake, reference_files(lecture))


def _edited(lecture: Lecture, mistake: Mistake, files: dict[str, bytes]) -> dict[str, bytes]:
    name = lecture.task(mistake.task).file
    text = files[name].decode()
    for edit in mistake.all_edits:
        count = text.count(edit.find)
        if count != 1 or not edit.find:
            raise CourseError(
                f'{lecture.home / MISTAKES}: mistake "{mistake.id}" of {mistake.task}: find'
                f" occurs {count} times in {name}, it must occur once: {edit.find[:60]!r}"
            )
        text = text.replace(edit.find, edit.replace)
    return {**files, name: text.encode()}


def reference_files(lecture: Lecture) -> dict[str, bytes]:
    """The reference, as a submission has it."""
    return {name: (lecture.home / name).read_bytes() for name in lecture.files}


def trace(right: bool, answers: Sequence[Answer]) -> Trace:
    """A test's answers, ready to be compared."""
    return Trace(right, [plain(answer) for answer in answers])


def plain(answer: Answer) -> Any:
    """An answer as JSON: numbers to six digits, tensors with shape and dtype."""
    if answer.raised:
        return {"raised": answer.raised.split("\n", 1)[0][:200]}
    if len(answer.data) > LARGE:
        return {"sha256": hashlib.sha256(answer.data).hexdigest()}
    try:
        return _plain(wire.decode(answer.data))
    except wire.WireError as error:
        return {"raised": str(error)}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else {"int": str(value) if abs(value) < 10**100 else ""}
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else {"float": repr(value)}
    if isinstance(value, complex):
        return {"complex": [_plain(value.real), _plain(value.imag)]}
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {"dict": [[_plain(key), _plain(item)] for key, item in value.items()]}
    if isinstance(value, range):
        return {"range": [_plain(n) for n in (value.start, value.stop, value.step)]}
    if isinstance(value, set):
        return {"set": sorted((_plain(item) for item in value), key=repr)}
    if hasattr(value, "tolist"):
        dtype = str(value.dtype).removeprefix("torch.")
        return {dtype: [list(value.shape), _plain(_items(value))]}
    return str(value)


def _items(value: Any) -> Any:
    """A tensor's numbers, nested as its shape says, unless that takes more lists than is good.

    A few bytes can tell of ten million lists of nothing.
    """
    shape = value.shape
    lists = sum(math.prod(shape[:dimension]) for dimension in range(len(shape)))
    return value.tolist() if lists <= MANY_LISTS else value.reshape(-1).tolist()


def same(a: Any, b: Any) -> bool:
    """Whether two plain answers are one, numbers up to the sixth digit."""
    if isinstance(a, bool) or isinstance(b, bool) or a is None or b is None:
        return a is b
    if isinstance(a, int) and isinstance(b, int):
        return a == b
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return math.isclose(a, b, rel_tol=SAME, abs_tol=1e-12)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return isinstance(a, str) and isinstance(b, str) and a == b


def recognise(
    theirs: Traces, mistakes: Sequence[tuple[MistakeFound, Traces]]
) -> MistakeFound | None:
    """The mistake that gives the same answers: of those, the one that explains most failures.

    Each test that the mistake fails must fail in the same way; one that it passes says
    nothing, since there may be more wrong than this.
    """
    best, most = None, 0
    for found, traces in mistakes:
        failing = {id: t for id, t in traces.items() if not t.right}
        if len(failing) > most and all(
            id in theirs and not theirs[id].right and same(theirs[id].answers, t.answers)
            for id, t in failing.items()
        ):
            best, most = found, len(failing)
    return best


# task id -> mistakes with the answers that each gives to the task's tests
Known = dict[str, list[tuple[MistakeFound, Traces]]]


def load_wrong_answers(lecture: Lecture) -> Known:
    """What a released course knows: the wrong answers to its visible tests."""
    file = lecture.home / WRONG_ANSWERS
    if not file.is_file():
        return {}
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        return {
            task: [
                (
                    MistakeFound(id=entry["id"], says=entry["says"]),
                    {id: Trace(False, answers) for id, answers in entry["answers"].items()},
                )
                for entry in entries
            ]
            for task, entries in data.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CourseError(
            f"{file}: not what `autograder stubs` writes ({type(error).__name__}); write it anew"
        ) from None


def wrong_answers_text(known: Known) -> str:
    """wrong_answers.json: the failing tests of each mistake, and the answers they got."""
    data = {
        task: [
            {
                "id": found.id,
                "says": found.says,
                "answers": {id: t.answers for id, t in traces.items() if not t.right},
            }
            for found, traces in entries
            if any(not t.right for t in traces.values())
        ]
        for task, entries in known.items()
    }
    return json.dumps(data, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
