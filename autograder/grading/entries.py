"""The entries of a class's folder: one for each student, each with a name of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from autograder.course import Lecture
from autograder.errors import UsageError
from autograder.grading.intake import ARCHIVES, IGNORED, read_submission
from autograder.grading.submission import Submission


def find_submissions(folder: Path) -> list[Path]:
    """One entry per student, in the order of their names."""
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder of submissions")
    entries = [
        path
        for path in sorted(folder.iterdir())
        if path.name not in IGNORED and not path.name.startswith(".") and _may_be_one(path)
    ]
    if not entries:
        raise UsageError(
            f"{folder}: no submissions in it: expected a folder, .zip, .tar.gz or .py per student"
        )
    return entries


def student_name(entry: Path) -> str:
    """alice.tar.gz -> alice. Only what is safe in a file's name stays."""
    name = entry.name
    for ending in (*ARCHIVES, ".py"):
        if not entry.is_dir() and name.endswith(ending):
            name = name[: -len(ending)]
            break
    return safe_name(name)


def safe_name(name: str) -> str:
    """A name that is safe as a file's: at most 100 characters, 200 bytes."""
    unseen = "\u115f\u1160\u3164\uffa0"  # invisible letters
    clean = re.sub(rf"[^\w.@+ -]|[{unseen}]", "_", name).strip(" .")
    return clean[:100].encode()[:200].decode(errors="ignore").strip(" .") or "_"


def read_class(lecture: Lecture, entries: Iterable[Path]) -> Iterator[Submission]:
    """Each submission, under a name of its own."""
    names = Names()
    for entry in entries:
        yield read_submission(names.distinct(entry), entry, lecture.id, lecture.files)


class Names:
    """Two submissions of one name (alice/ and alice.zip) keep a report each."""

    def __init__(self) -> None:
        self.taken: set[str] = set()

    def distinct(self, entry: Path) -> str:
        first = name = student_name(entry)
        number = 1
        while name in self.taken:
            name = safe_name(entry.name) if number == 1 else f"{first}-{number}"
            number += 1
        self.taken.add(name)
        return name


def _may_be_one(path: Path) -> bool:
    return path.is_dir() or path.name.endswith((*ARCHIVES, ".py")) or path.is_symlink()
