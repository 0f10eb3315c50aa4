"""The students' copy of a course: all files but the solutions, hidden tests and mistakes."""

from __future__ import annotations

import shutil
from pathlib import Path

import autograder
from autograder.course import COURSE_FILE, WRONG_ANSWERS, Course, Lecture
from autograder.errors import UsageError
from autograder.grading.options import GradeOptions
from autograder.grading.pool import wrong_answers
from autograder.sandbox import machine
from autograder.sandbox.forkserver import ForkServer
from autograder.suite.exercises import exercise_files

# What is copied of the course's folder, beside exercises/.
RELEASED_FILES = ("LICENSE", "pyproject.toml", "data")
NOT_COPIED = shutil.ignore_patterns("sample_class", "__pycache__", ".*")

README = """# {title}

Each folder below exercises/ is one lecture. Read its README.md, fill the stubs, check:

    python3 -m venv .venv
    .venv/bin/pip install torch==2.13.0   # any torch from 2.6 on will do
    .venv/bin/pip install ".[pictures,text]"
    .venv/bin/autograder check {first}

`autograder hint TASK` gives one hint more each time; `autograder run {first}` runs the
lecture's own program with what you wrote; `autograder --help` lists the rest.
"""


def release(course: Course, out: Path) -> list[str]:
    """Write the copy into `out`, which must be new or empty. Returns the paths written."""
    if course.released:
        raise UsageError(f"{course.root} is a released course already; release from the original")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is there already and not empty; name a new folder")
    if out.resolve().is_relative_to(course.exercises.resolve()):
        raise UsageError(f"{out} lies in exercises/; name a folder outside of it")
    with ForkServer(course.imports) as server:
        for lecture in course.lectures:
            for name, data in _files(course, lecture, server).items():
                path = out / "exercises" / lecture.id / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
    shutil.copy(course.root / COURSE_FILE, out / COURSE_FILE)
    for name in RELEASED_FILES:
        source = course.root / name
        if source.is_dir():
            shutil.copytree(source, out / name, ignore=NOT_COPIED)
        elif source.is_file():
            shutil.copy(source, out / name)
    if (out / "pyproject.toml").is_file():
        engine = Path(autograder.__file__).parent
        shutil.copytree(engine, out / "autograder", ignore=NOT_COPIED)
    readme = README.format(title=course.title, first=course.lectures[0].names[-1])
    (out / "README.md").write_text(readme, encoding="utf-8")
    return sorted(str(p.relative_to(out)) for p in out.rglob("*") if p.is_file())


def _files(course: Course, lecture: Lecture, server: ForkServer) -> dict[str, bytes]:
    """A lecture's exercises, and the fingerprints of the wrong answers to its visible tests."""
    options = GradeOptions(course, lecture, layers=machine.available(), fork_server=server)
    return {**exercise_files(lecture), WRONG_ANSWERS: wrong_answers(options)}
