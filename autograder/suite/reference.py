"""The reference solution and the helpers of a lecture, imported in the suite process."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import io
import operator
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from autograder.course import VISIBLE, Lecture, Task
from autograder.errors import CourseError
from autograder.sandbox import wire
from autograder.sandbox.session import Question
from autograder.suite.student import PROBES


class Reference:
    """The modules of a lecture's solution, each imported once."""

    def __init__(self, lecture: Lecture) -> None:
        self.lecture = lecture
        self.modules: dict[str, ModuleType] = {}

    def module(self, task: Task) -> ModuleType:
        """The module of the task's file. Raises `CourseError` in a released course."""
        if self.lecture.released:
            raise CourseError(
                f"{self.lecture.id}/{VISIBLE}: a visible suite can't ask the reference: a released"
                " course has none; let torch, arithmetic or a literal say what is right"
            )
        if task.file not in self.modules:
            path = self.lecture.home / task.file
            self.modules[task.file] = import_file(f"reference.{path.stem}", path)
        return self.modules[task.file]

    def answer(self, task: Task, question: Question) -> Any:
        """Answer a test's question in this process, in the place of a submission.

        As in a worker, the arguments are copies, and only plain data comes back.
        """
        args, kwargs = wire.decode(wire.encode([question.args, dict(question.kwargs)]))
        with contextlib.redirect_stdout(io.StringIO()):
            module = self.module(task)
            if question.probe:
                target: Any = functools.partial(getattr(sys.modules[PROBES], question.name), module)
            else:
                target = operator.attrgetter(question.name)(module)
            answer = target(*args, **kwargs)
        return wire.decode(wire.encode(answer))


def import_helper(path: Path) -> None:
    """Import a lecture's helper file under its bare name, whatever else is on the path."""
    sys.modules.pop(path.stem, None)
    if not path.is_file():
        return
    try:
        import_file(path.stem, path)
    except Exception as error:
        raise CourseError(
            f"{path}: it can't be imported: {type(error).__name__}: {error}"
        ) from error


def import_file(name: str, path: Path) -> ModuleType:
    """Import a file as the module of that name."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
