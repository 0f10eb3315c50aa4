"""A submission as a suite sees it: a call of a function of theirs runs over there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from autograder.errors import CourseError

PROBES_MODULE = "probes"  # its name in the suite process
Ask = Callable[[dict[str, Any]], Any]


class Student:
    """A submission in a test: an attribute is a function of theirs, a call runs over there.

    >>> student.row_shares(N)          # doctest: +SKIP
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
        if probe.__module__ != PROBES_MODULE:
            raise CourseError(f"{probe.__name__}: student.run takes a function of probes.py")
        request = {"do": "probe", "file": self.__file, "name": probe.__name__}
        return self.__ask({**request, "args": args})


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
        request = {"do": "call", "file": self.file, "name": self.name}
        return self.ask({**request, "args": args, "kwargs": kwargs})
