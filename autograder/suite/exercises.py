"""What students get of a lecture: its files, with the solutions cut out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from autograder.course import HIDDEN, MISTAKES, Lecture
from autograder.suite.stub import cut

STAFF_ONLY = {HIDDEN, MISTAKES}


def exercise_files(lecture: Lecture) -> dict[str, bytes]:
    """Path below the lecture's folder -> contents. Raises `MarkerError`."""
    files = {}
    for path in _sources(lecture):
        data = path.read_bytes()
        if path.name in lecture.files:
            data = cut(data.decode("utf-8"), str(path)).encode()
        files[path.relative_to(lecture.home).as_posix()] = data
    return files


def _sources(lecture: Lecture) -> Iterator[Path]:
    for path in sorted(lecture.home.rglob("*")):
        inside = path.relative_to(lecture.home).parts
        leftover = any(part == "__pycache__" or part.startswith(".") for part in inside)
        if path.is_file() and path.name not in STAFF_ONLY and not leftover:
            yield path
