"""What a task may not call: gates before the functions themselves, and a search of the sources.

A gate sees a call whatever it is called by: an alias, a method, `getattr`. The search sees what
was written and doesn't run in a test, and the ways round the gates (`torch.ops`, `torch._C`).
Neither is a wall: a name made up at run time leads round both (a loop of one's own does what was
meant). Both run in the child, the search before anything of the submission does.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import importlib
import re
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

# Where torch keeps the same functions once more, without a gate.
ROUND = [f"torch.{name}" for name in ("_C", "_VF", "_ops", "_refs", "_prims", "_decomp", "ops")]

_SHUT: frozenset[str] = frozenset()  # the rules of the task that is asked


class ForbiddenCall(Exception):
    """A call of something that the task rules out."""


@contextlib.contextmanager
def only(rules: Iterable[str]) -> Iterator[None]:
    """Shut the gates of these rules meanwhile."""
    global _SHUT
    _SHUT = frozenset(rules)
    try:
        yield
    finally:
        _SHUT = frozenset()


def guard(name: str, rule: str = "") -> None:
    """Put a gate before what a task may not call; it is shut during that task's tests.

    Of a class its making is gated, of a module each of its functions: both stay what they
    are, so that other code can import them and build on them. rule: the name in
    lecture.toml, where that is a module's.
    """
    path, _, last = name.rpartition(".")
    try:
        holder = _resolve(path) if path else builtins
        target = getattr(holder, last)
        if isinstance(target, types.ModuleType):
            for part in _own_functions(target):
                guard(f"{name}.{part}", rule or name)
            return
        if isinstance(target, type):
            holder, last, target = target, "__init__", target.__init__  # type: ignore[misc]
        setattr(holder, last, _gate(name, rule or name, target))
    except (ImportError, AttributeError, TypeError):
        return  # not installed here, so it can't be called either


def _gate(name: str, rule: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def gate(*args: Any, **kwargs: Any) -> Any:
        if rule in _SHUT:
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


def search(source: bytes, tasks: Mapping[str, tuple[list[str], list[str]]]) -> dict[str, str]:
    """Task -> where its functions say what it may not call. tasks: id -> (functions, rules).

    Looked at are a task's functions and what they call in the same file, but for other tasks'.
    """
    rules = {rule for _, some in tasks.values() for rule in map(_called, some)}
    words = "|".join(re.escape(path.split(".")[-1]) for path in (*rules, *ROUND))
    if not rules or not re.search(rf"\b({words})\b".encode(), source):
        return {}  # reading them costs as much as some tests
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}  # its import will tell
    defined = _defined(tree)
    firsts = {rule.split(".")[0] for rule in rules}
    names = _imported(tree, firsts)
    found = {}
    for id, (functions, forbidden) in tasks.items():
        others = {f for other, (theirs, _) in tasks.items() if other != id for f in theirs}
        for node in _reached(functions, others, defined):
            said = _said(node, names, [_called(rule) for rule in forbidden])
            if said:
                found[id] = said
                break
    return found


def _imported(tree: ast.Module, firsts: set[str]) -> dict[str, str]:
    """Name -> what it stands for: `F` -> torch.nn.functional, `add = torch.sum`.

    firsts: names that stand for themselves where nothing in the file has them: builtins, and
    what `from … import *` brought.
    """
    names = {name: name for name in firsts - set(_bound(tree))}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.split(".")[0]
                names[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            path = _path(node.value, names)
            if path:
                names[node.targets[0].id] = path
    return names


def _bound(tree: ast.Module) -> Iterator[str]:
    """Every name that is assigned, defined or a parameter somewhere."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg


def _defined(tree: ast.Module) -> dict[str, ast.stmt]:
    """Qualified name -> the function or class."""
    found: dict[str, ast.stmt] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = node
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef):
                    found[f"{node.name}.{inner.name}"] = inner
    return found


def _reached(
    functions: Iterable[str], others: set[str], defined: dict[str, ast.stmt]
) -> Iterator[ast.stmt]:
    """The functions, and those that they name, transitively."""
    todo, seen = list(functions), set(others)
    while todo:
        name = todo.pop()
        if name in seen or name not in defined:
            continue
        seen.add(name)
        yield defined[name]
        todo += [n.id for n in ast.walk(defined[name]) if isinstance(n, ast.Name)]


def _said(node: ast.stmt, names: Mapping[str, str], rules: Iterable[str]) -> str:
    """The first forbidden call, or way round, with its line; "" if there is none."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call):
            path = _path(inner.func, names)
            for rule in rules:
                if _below(path, rule):
                    return f"{path} may not be called in this task (line {inner.lineno})"
        if isinstance(inner, ast.Attribute):
            path = _path(inner, names)
            if rules and any(_below(path, way) for way in ROUND):
                return f"{path} (line {inner.lineno}) goes round what this task forbids"
    return ""


def _called(rule: str) -> str:
    """What is written where a rule's call is made: of a class, its name."""
    return rule.removesuffix(".__init__")


def _below(path: str, top: str) -> bool:
    """Whether a dotted path is this one or begins with it."""
    return f"{path}.".startswith(f"{top}.")


def _path(node: ast.AST, names: Mapping[str, str]) -> str:
    """`F.softmax` -> torch.nn.functional.softmax; "" for what doesn't begin with an import."""
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    if isinstance(node, ast.Attribute):
        before = _path(node.value, names)
        return f"{before}.{node.attr}" if before else ""
    return ""
