"""Write exercises/ from solutions/, and tell where they differ."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from autograder import batch, jail
from autograder.course import HIDDEN, MISTAKES, WRONG_ANSWERS, Course, Lecture
from autograder.errors import CourseError, UsageError
from autograder.mistake import same
from autograder.pool import Plan, Warm
from autograder.stub import cut

MANIFEST = ".generated.json"
STAFF_ONLY = {HIDDEN, MISTAKES}


@dataclass
class Written:
    """What `write` did: paths below exercises/."""

    written: list[str] = field(default_factory=list)
    edited: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


def generated(course: Course, lecture: Lecture, warm: Warm) -> dict[str, bytes]:
    """Path below exercises/ -> contents, for one lecture."""
    if course.released:
        raise UsageError("a released course has no solutions to make stubs from")
    files = {}
    for path in _sources(lecture):
        data = path.read_bytes()
        if path.name in lecture.files:
            data = cut(data.decode("utf-8"), str(path)).encode()
        files[f"{lecture.id}/{path.relative_to(lecture.home).as_posix()}"] = data
    plan = Plan(course, lecture, layers=jail.available(), warm=warm)
    files[f"{lecture.id}/{WRONG_ANSWERS}"] = batch.wrong_answers(plan).encode()
    return files


def everything(course: Course) -> dict[str, bytes]:
    """Path below exercises/ -> contents, for the whole course."""
    files: dict[str, bytes] = {}
    with Warm(course) as warm:
        for lecture in course.lectures:
            files |= generated(course, lecture, warm)
    return files


def _sources(lecture: Lecture) -> Iterator[Path]:
    for path in sorted(lecture.home.rglob("*")):
        inside = path.relative_to(lecture.home).parts
        leftover = any(part == "__pycache__" or part.startswith(".") for part in inside)
        if path.is_file() and path.name not in STAFF_ONLY and not leftover:
            yield path


def write(course: Course, force: bool = False) -> Written:
    """Bring exercises/ up to date; what somebody edited is left alone unless `force`."""
    manifest = _manifest(course)
    result = Written()
    new: dict[str, str] = {}
    for name, data in everything(course).items():
        path = course.exercises / name
        there = path.read_bytes() if path.is_file() else None
        if there is not None and _same(name, there, data):
            data = there
        elif there is not None and _digest(there) != manifest.get(name):
            result.edited.append(name)
            if not force:
                new[name] = manifest.get(name, "")
                continue
            result.kept.append(_keep(path))
        if data != there:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            result.written.append(name)
        new[name] = _digest(data)
    for name, digest in manifest.items():
        path = course.exercises / name
        if name not in new and path.is_file() and _digest(path.read_bytes()) == digest:
            path.unlink()
            result.written.append(name)
    text = json.dumps(new, indent=1, sort_keys=True) + "\n"
    course.exercises.mkdir(exist_ok=True)
    (course.exercises / MANIFEST).write_text(text)
    return result


def differences(course: Course, lecture: Lecture, warm: Warm) -> list[str]:
    """The paths below exercises/ that aren't what solutions/ says."""
    wanted = generated(course, lecture, warm)
    wrong = []
    for name, data in wanted.items():
        path = course.exercises / name
        if not path.is_file() or not _same(name, path.read_bytes(), data):
            wrong.append(name)
    generated_before = {n for n in _manifest(course) if n.startswith(f"{lecture.id}/")}
    return sorted({*wrong, *(generated_before - wanted.keys())})


def _same(name: str, a: bytes, b: bytes) -> bool:
    if not name.endswith(WRONG_ANSWERS) or a == b:
        return a == b
    try:
        return same(json.loads(a), json.loads(b))
    except ValueError:
        return False


def _keep(path: Path) -> str:
    """Move an edited file beside itself; never over another that was kept."""
    number = 1
    while (kept := path.with_name(f"{path.name}.{number}.kept")).exists():
        number += 1
    path.rename(kept)
    return kept.name


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
