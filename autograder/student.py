"""A submission as a suite sees it: a call of a function of theirs runs over there."""

from __future__ import annotations

import functools
import inspect
import marshal  # noqa: TID251  only written here, of our own code
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from autograder.errors import CourseError

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
        """Run a probe beside the student's code: `probe(module, *args)`; plain data comes back."""
        code = probe_code(probe)
        request = {"do": "probe", "file": self.__file, "code": code, "name": probe.__name__}
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


@functools.cache
def probe_code(probe: Callable[..., Any]) -> bytes:
    """A probe's own text, compiled; one that leans on its surroundings is the suite's fault."""
    free = probe.__code__.co_freevars
    if free:
        raise CourseError(f"probe {probe.__name__}: {free[0]} lies outside of it; pass it in")
    source = textwrap.dedent(inspect.getsource(probe))
    return marshal.dumps(compile(source, "<probe>", "exec"))
