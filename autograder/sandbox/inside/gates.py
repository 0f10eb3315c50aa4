"""Gates before the functions that a task may not call.

A gate stops a call under any name: an alias, a method, `getattr`. It is no security boundary: a
name made at run time, or a loop of one's own, gets past it.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

_CLOSED: frozenset[str] = frozenset()  # the rules of the task that is asked


class ForbiddenCall(Exception):
    """A call that the task forbids."""


@contextlib.contextmanager
def closed(rules: Iterable[str]) -> Iterator[None]:
    """Close the gates of these rules meanwhile."""
    global _CLOSED
    _CLOSED = frozenset(rules)
    try:
        yield
    finally:
        _CLOSED = frozenset()


def install(name: str, rule: str = "") -> None:
    """Put a gate before a function; it is closed during the tests of the tasks that forbid it.

    A class has its gate at `__init__`, a module one at each of its functions, so that other code
    can import both and build on them. rule: the name in lecture.toml, where that is a module's.
    """
    path, _, last = name.rpartition(".")
    try:
        holder = _resolve(path) if path else builtins
        target = getattr(holder, last)
        if isinstance(target, types.ModuleType):
            for part in _own_functions(target):
                install(f"{name}.{part}", rule or name)
            return
        if isinstance(target, type):
            holder, last, target = target, "__init__", target.__init__  # type: ignore[misc]
        setattr(holder, last, _gate(name, rule or name, target))
    except (ImportError, AttributeError, TypeError):
        return  # not installed here, so it can't be called either


def _gate(name: str, rule: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def gate(*args: Any, **kwargs: Any) -> Any:
        if rule in _CLOSED:
            raise ForbiddenCall(f"{name} may not be called in this task: write it yourself")
        return function(*args, **kwargs)

    return gate


def _own_functions(module: types.ModuleType) -> list[str]:
    """What a module offers: not the classes that it has imported for itself, as `Tensor`, nor
    what comes from another package."""
    package = module.__name__.split(".")[0]

    def own(value: Any) -> bool:
        home = getattr(value, "__module__", None) or module.__name__
        return home == module.__name__ if isinstance(value, type) else home.split(".")[0] == package

    return [name for name, value in vars(module).items() if callable(value) and own(value)]


def _resolve(path: str) -> Any:
    first, *rest = path.split(".")
    target: Any = importlib.import_module(first)
    for i, part in enumerate(rest):
        if not hasattr(target, part):
            importlib.import_module(".".join([first, *rest[: i + 1]]))
        target = getattr(target, part)
    return target
