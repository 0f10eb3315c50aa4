"""A submission in a test: a call of its function runs in the worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from autograder.errors import CourseError
from autograder.sandbox.session import Question

PROBES = "probes"  # the name of the lecture's probes in the suite process
Ask = Callable[[Question], Any]


class Student:
    """An attribute is a function of the submission; a call of it runs in the worker.

    >>> student.row_shares(N)              # doctest: +SKIP
    >>> student.run(shared_value, 3.0)     # doctest: +SKIP
    """

    def __init__(self, ask: Ask, file: str = "") -> None:
        self.__ask = ask
        self.__file = file

    def __getattr__(self, name: str) -> Function:
        if name.startswith("_"):
            raise AttributeError(name)
        return Function(self.__ask, self.__file, name)

    def run(self, probe: Callable[..., Any], *args: Any) -> Any:
        """Run a function of probes.py beside the submission: `probe(module, *args)`.

        Plain data comes back.
        """
        if probe.__module__ != PROBES:
            raise CourseError(f"{probe.__name__}: student.run takes a function of probes.py")
        return self.__ask(Question(self.__file, probe.__name__, args, probe=True))


@dataclass(frozen=True)
class Function:
    """A function of the submission, to be called."""

    ask: Ask
    file: str
    name: str

    def __getattr__(self, part: str) -> Function:
        if part.startswith("__"):
            raise AttributeError(part)
        return Function(self.ask, self.file, f"{self.name}.{part}")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.ask(Question(self.file, self.name, args, kwargs))
