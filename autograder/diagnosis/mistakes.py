"""The catalogue of a lecture's mistakes (mistakes.toml), and the wrong solutions that it makes."""

from __future__ import annotations

import msgspec

from autograder.course import MISTAKES, Lecture
from autograder.errors import CourseError, nearest
from autograder.toml import read_toml
from autograder.verdict import Diagnosis


class Edit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One replacement in the reference's text."""

    find: str
    replace: str


class Mistake(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The reference with one edit (or with several that belong together), and its explanation."""

    task: str
    id: str
    explanation: str
    find: str = ""
    replace: str = ""
    edits: tuple[Edit, ...] = ()

    @property
    def all_edits(self) -> tuple[Edit, ...]:
        return self.edits or (Edit(find=self.find, replace=self.replace),)

    @property
    def diagnosis(self) -> Diagnosis:
        return Diagnosis(id=self.id, explanation=self.explanation)


class MistakesToml(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """mistakes.toml."""

    mistake: tuple[Mistake, ...]


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
            raise CourseError(f'{where}: is there twice for task "{mistake.task}"')
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
