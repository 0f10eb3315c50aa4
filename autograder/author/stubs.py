"""Write exercises/ from solutions/, and find where they differ."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from autograder.course import Course, Lecture
from autograder.errors import CourseError, UsageError
from autograder.suite.exercises import exercise_files

MANIFEST = ".generated.json"


@dataclass
class Written:
    """What `write` did: paths below exercises/."""

    written: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    edited: list[str] = field(default_factory=list)


def generated(lecture: Lecture) -> dict[str, bytes]:
    """Path below exercises/ -> contents, for one lecture."""
    if lecture.released:
        raise UsageError("a released course has no solutions to make stubs from")
    return {f"{lecture.id}/{path}": data for path, data in exercise_files(lecture).items()}


def write(course: Course, force: bool = False) -> Written:
    """Bring exercises/ up to date; edited files stay as they are unless `force`."""
    manifest = _manifest(course)
    result = Written()
    new: dict[str, str] = {}
    files = {path: data for lecture in course.lectures for path, data in generated(lecture).items()}
    for name, data in files.items():
        path = course.exercises / name
        there = path.read_bytes() if path.is_file() else None
        if there not in (None, data) and _digest(there or b"") != manifest.get(name):
            result.edited.append(name)
            if not force:
                new[name] = manifest.get(name, "")
                continue
            _keep(path)
        if data != there:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            result.written.append(name)
        new[name] = _digest(data)
    for name, digest in manifest.items():
        path = course.exercises / name
        if name not in new and path.is_file() and _digest(path.read_bytes()) == digest:
            path.unlink()
            result.removed.append(name)
    text = json.dumps(new, indent=1, sort_keys=True) + "\n"
    course.exercises.mkdir(exist_ok=True)
    (course.exercises / MANIFEST).write_text(text)
    return result


def differences(course: Course, lecture: Lecture) -> list[str]:
    """The paths below exercises/ that differ from solutions/."""
    wanted = generated(lecture)
    wrong = set()
    for name, data in wanted.items():
        path = course.exercises / name
        if not path.is_file() or path.read_bytes() != data:
            wrong.add(name)
    generated_before = {n for n in _manifest(course) if n.startswith(f"{lecture.id}/")}
    return sorted(wrong | (generated_before - wanted.keys()))


def _keep(path: Path) -> None:
    """Rename an edited file, never to a name that is taken."""
    number = 1
    while (kept := path.with_name(f"{path.name}.{number}.kept")).exists():
        number += 1
    path.rename(kept)


def _manifest(course: Course) -> dict[str, str]:
    file = course.exercises / MANIFEST
    if not file.is_file():
        return {}
    try:
        data = json.loads(file.read_text())
        return {str(name): str(digest) for name, digest in data.items()}
    except (ValueError, AttributeError):
        raise CourseError(f"{file}: not what `autograder stubs` writes; delete it") from None


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
