"""One hint more each time, and the reference for who asks for it."""

from __future__ import annotations

import json
from pathlib import Path

from autograder.course import Course, Lecture, Task
from autograder.errors import UsageError
from autograder.suite.stub import source_of

SEEN = ".hints.json"


def next_hint(lecture: Lecture, task: Task, work: Path) -> str:
    """The next hint of a task; after the last one, all of them again."""
    if not task.hints:
        raise UsageError(f"{lecture.id}.{task.id} has no hints")
    file = work / SEEN
    seen = _read(file)
    key = f"{lecture.id}.{task.id}"
    count = seen.get(key, 0) + 1
    if work.is_dir():
        file.write_text(json.dumps(seen | {key: min(count, len(task.hints))}, indent=1) + "\n")
    shown = task.hints[count - 1 : count] or task.hints
    first = count if count <= len(task.hints) else 1
    lines = [f"{first + i}/{len(task.hints)}  {hint}" for i, hint in enumerate(shown)]
    if task.see:
        lines.append(f"in the lecture: {task.see}")
    return "\n".join(lines)


def solution(course: Course, lecture: Lecture, task: Task) -> str:
    """The reference of a task: each function that it is about."""
    if course.released:
        raise UsageError("a released course has no solutions; `autograder hint` has hints")
    text = (lecture.home / task.file).read_text(encoding="utf-8")
    return "\n\n".join(source_of(text, name, task.file) for name in task.stubs)


def _read(file: Path) -> dict[str, int]:
    try:
        data = json.loads(file.read_text())
        return {str(key): int(count) for key, count in data.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}  # only how far somebody has read: not worth an error
