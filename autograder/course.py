"""Read course.toml and lecture.toml into `Course`, `Lecture`, `Task`; refuse a bad one."""

from __future__ import annotations

import functools
import os
import re
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import msgspec

from autograder.errors import CourseError, UsageError, nearest
from autograder.limits import Limits
from autograder.toml import read_toml

COURSE_FILE, LECTURE_FILE = "course.toml", "lecture.toml"
VISIBLE, HIDDEN = "test_visible.py", "test_hidden.py"
PROBES = "probes.py"  # what runs beside a submission, asked by both suites
ORACLES = "oracles.py"  # what both suites expect; it never leaves the suite process
MISTAKES, WRONG_ANSWERS = "mistakes.toml", "wrong_answers.json"
SECRET_VARIABLE = "AUTOGRADER_SECRET"


class Task(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing to write, and what it is worth.

    functions: qualified names of the stubs that it is about (default: its id).
    bonus: its points come on top of the lecture's maximum.
    mutates: its functions may change the arguments that they are called with.
    """

    id: str
    file: str
    points: float
    after: tuple[str, ...] = ()
    forbid: tuple[str, ...] = ()
    see: str = ""
    hints: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    bonus: bool = False
    mutates: bool = False

    @property
    def stubs(self) -> tuple[str, ...]:
        return self.functions or (self.id,)


class LectureToml(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """lecture.toml. forbid: in every task, beside what it forbids itself."""

    title: str
    task: tuple[Task, ...]
    video: str = ""
    forbid: tuple[str, ...] = ()


class CourseToml(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """course.toml. `tolerances`: device -> dtype -> (rtol, atol).

    environment: variables that suites may read; a submission never sees them.
    """

    name: str
    title: str
    lectures: tuple[str, ...]
    imports: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    limits: Limits = Limits()
    tolerances: dict[str, dict[str, tuple[float, float]]] = {}


@dataclass(frozen=True)
class Lecture:
    """One lecture: its tasks, and the folder where its suites lie."""

    id: str
    title: str
    video: str
    tasks: tuple[Task, ...]
    home: Path
    released: bool

    @property
    def names(self) -> tuple[str, ...]:
        """What people call it: folder, number, name without the number."""
        match = re.fullmatch(r"[a-z]*0*(\d+)_(\w+)", self.id)
        return (self.id, *match.groups()) if match else (self.id,)

    @property
    def files(self) -> tuple[str, ...]:
        """The files that a submission consists of."""
        return tuple(dict.fromkeys(task.file for task in self.tasks))

    @property
    def suites(self) -> tuple[Path, ...]:
        return tuple(self.home / n for n in (VISIBLE, HIDDEN) if (self.home / n).is_file())

    def task(self, id: str) -> Task:
        """The task of that id, or of that last part of an id if only one has it."""
        found = [task for task in self.tasks if task.id == id]
        found = found or [task for task in self.tasks if task.id.split(".")[-1] == id]
        if len(found) > 1:
            both = " or ".join(f'"{task.id}"' for task in found)
            raise UsageError(f'{self.id}: "{id}" may be {both}; write one of them')
        if not found:
            hint = nearest(id, (task.id for task in self.tasks))
            raise UsageError(f'{self.id} has no task "{id}"{hint}')
        return found[0]

    @functools.cached_property
    def after(self) -> dict[str, tuple[str, ...]]:
        """Task id -> every task that it builds on, transitively."""
        direct = {task.id: task.after for task in self.tasks}
        return {id: tuple(sorted(_closure(id, direct) - {id})) for id in direct}


@dataclass(frozen=True)
class Course:
    """A course on disk."""

    root: Path
    name: str
    title: str
    lectures: tuple[Lecture, ...]
    imports: tuple[str, ...]
    environment: tuple[str, ...]
    limits: Limits
    tolerances: dict[str, dict[str, tuple[float, float]]]

    @property
    def released(self) -> bool:
        """A students' copy: there are no solutions in it."""
        return not (self.root / "solutions").is_dir()

    @property
    def exercises(self) -> Path:
        return self.root / "exercises"

    def lecture(self, name: str) -> Lecture:
        """The lecture of that folder, number or name."""
        for lecture in self.lectures:
            if name in lecture.names:
                return lecture
        known = [n for lecture in self.lectures for n in lecture.names]
        raise UsageError(
            f'there is no lecture "{name}"{nearest(name, known)}'
            f" (there are: {', '.join(lecture.id for lecture in self.lectures)})"
        )

    def find(self, text: str) -> tuple[Lecture, Task | None]:
        """What `LECTURE`, `LECTURE.TASK` or `TASK` means."""
        first, _, rest = text.partition(".")
        for lecture in self.lectures:
            if first in lecture.names:
                return lecture, lecture.task(rest) if rest else None
        for lecture in self.lectures:
            if any(text in (task.id, task.id.split(".")[-1]) for task in lecture.tasks):
                return lecture, lecture.task(text)
        known = [n for lecture in self.lectures for n in lecture.names]
        known += [task.id for lecture in self.lectures for task in lecture.tasks]
        raise UsageError(f'there is no lecture or task "{text}"{nearest(text, known)}')

    def find_task(self, text: str) -> tuple[Lecture, Task]:
        """What `LECTURE.TASK` or `TASK` means; a whole lecture is an error."""
        lecture, task = self.find(text)
        if task is None:
            example = f"{lecture.names[-1]}.{lecture.tasks[0].id}"
            raise UsageError(f"{text} is a lecture; name a task: {example}")
        return lecture, task

    @property
    def secret(self) -> str:
        """What seeds the hidden inputs; empty where none was set."""
        file = self.root / "solutions" / ".secret"
        if value := os.environ.get(SECRET_VARIABLE):
            return value
        return file.read_text().strip() if file.is_file() else ""


def find_course(start: Path) -> Course:
    """The course that `start` lies in."""
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / COURSE_FILE).is_file():
            return load_course(folder)
    raise UsageError(
        f"no {COURSE_FILE} in {start} or above: go to the course's folder and call again"
    )


def load_course(root: Path) -> Course:
    """Read and check a whole course; the first fault is a `CourseError`."""
    toml = read_toml(root / COURSE_FILE, CourseToml)
    for key, value in msgspec.structs.asdict(toml.limits).items():
        if not value > 0:
            raise CourseError(f"{root / COURSE_FILE}: limits.{key} must be greater than 0")
    _unique(root / COURSE_FILE, "lectures", toml.lectures)
    return Course(
        root=root,
        name=toml.name,
        title=toml.title,
        lectures=tuple(_load_lecture(root, id) for id in toml.lectures),
        imports=toml.imports,
        environment=toml.environment,
        limits=toml.limits,
        tolerances=toml.tolerances,
    )


def _load_lecture(root: Path, id: str) -> Lecture:
    released = not (root / "solutions").is_dir()
    home = root / ("exercises" if released else "solutions") / id
    if not home.is_dir():
        known = [path.name for path in home.parent.glob("*/")]
        raise CourseError(
            f'{root / COURSE_FILE}: lectures: there is no folder {home} for "{id}"'
            + nearest(id, known)
        )
    toml = read_toml(home / LECTURE_FILE, LectureToml)
    tasks = tuple(
        msgspec.structs.replace(task, forbid=(*toml.forbid, *task.forbid)) for task in toml.task
    )
    lecture = Lecture(id, toml.title, toml.video, tasks, home, released)
    _check(lecture, home / LECTURE_FILE)
    return lecture


def _check(lecture: Lecture, file: Path) -> None:
    ids = [task.id for task in lecture.tasks]
    if not ids:
        raise CourseError(f"{file}: task: there is none; write a [[task]] for each thing to do")
    _unique(file, "task.id", ids)
    for task in lecture.tasks:
        _check_task(task, ids, lecture.home, file)
    try:
        TopologicalSorter({task.id: task.after for task in lecture.tasks}).prepare()
    except CycleError as error:
        circle = " after ".join(f'"{id}"' for id in reversed(error.args[1]))
        raise CourseError(f"{file}: after: a circle of tasks: {circle}") from None
    for name in (VISIBLE, HIDDEN)[: 1 if lecture.released else 2]:
        if not (lecture.home / name).is_file():
            raise CourseError(f"{lecture.home / name}: the file is missing; it holds tests")


def _check_task(task: Task, ids: list[str], home: Path, file: Path) -> None:
    where = f'{file}: task "{task.id}"'
    if not 0 <= task.points < float("inf"):
        what = "is negative" if task.points < 0 else "can't be added up"
        raise CourseError(f"{where}: points: {task.points:g} {what}; write 0 or more")
    for id in task.after:
        if id not in ids:
            raise CourseError(f'{where}: after: there is no task "{id}"{nearest(id, ids)}')
    if Path(task.file).name != task.file or not task.file.endswith(".py"):
        raise CourseError(f'{where}: file: "{task.file}" is not the name of a Python file')
    if not (home / task.file).is_file():
        known = [path.name for path in home.glob("*.py")]
        raise CourseError(
            f"{where}: file: there is no {home / task.file}{nearest(task.file, known)}"
        )


def _unique(file: Path, key: str, values: Any) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise CourseError(f'{file}: {key}: "{value}" is there twice')
        seen.add(value)


def _closure(id: str, direct: dict[str, tuple[str, ...]]) -> set[str]:
    found: set[str] = set()
    todo = [id]
    while todo:
        current = todo.pop()
        if current not in found:
            found.add(current)
            todo += direct[current]
    return found
