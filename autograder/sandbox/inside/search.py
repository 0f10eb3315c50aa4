"""Search a submission's sources for calls that a task forbids, before anything of it runs.

It finds calls that no test reaches, and the ways past the gates (`torch.ops`, `torch._C`). It is no
security boundary: a name made at run time, or a loop of one's own, gets past it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from autograder.sandbox.messages import Rules

# Where torch keeps the same functions once more, without a gate.
BYPASSES = [f"torch.{name}" for name in ("_C", "_VF", "_ops", "_refs", "_prims", "_decomp", "ops")]


def forbidden_calls(source: bytes, tasks: Sequence[Rules]) -> dict[str, str]:
    """Task -> the forbidden call in its functions.

    Searched are a task's functions and those that they call in the same file, except the
    functions of other tasks.
    """
    rules = {rule for task in tasks for rule in map(_called, task.forbid)}
    words = "|".join(re.escape(path.split(".")[-1]) for path in (*rules, *BYPASSES))
    if not rules or not re.search(rf"\b({words})\b".encode(), source):
        return {}  # parsing costs as much as some tests
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}  # the import will fail with its own message
    defined = _defined(tree)
    names = _imported(tree, {rule.split(".")[0] for rule in rules})
    found = {}
    for task in tasks:
        others = {name for other in tasks if other.task != task.task for name in other.functions}
        for node in _reached(task.functions, others, defined):
            call = _first_call(node, names, [_called(rule) for rule in task.forbid])
            if call:
                found[task.task] = call
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


def _first_call(node: ast.stmt, names: Mapping[str, str], rules: Iterable[str]) -> str:
    """The first forbidden call or bypass, with its line; "" if there is none."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call):
            path = _path(inner.func, names)
            for rule in rules:
                if _below(path, rule):
                    return f"{path} may not be called in this task (line {inner.lineno})"
        if isinstance(inner, ast.Attribute):
            path = _path(inner, names)
            if rules and any(_below(path, way) for way in BYPASSES):
                return f"{path} (line {inner.lineno}) gets past what this task forbids"
    return ""


def _called(rule: str) -> str:
    """A rule as it stands in a source: of a class, its name."""
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
