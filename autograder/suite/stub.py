"""Cut solutions out of a source text."""

from __future__ import annotations

import ast
import re

from autograder.errors import MarkerError

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
_UNTOUCHED = re.compile(r"""^[ \t]*raise NotImplementedError\(["']([\w.]+)["']\)""", re.MULTILINE)


def cut(text: str, name: str) -> str:
    """The text with each solution region replaced by `raise NotImplementedError("…")`.

    The name raised is the qualified name of the function that the region lies in. `name`
    is the file's, for errors: `MarkerError` with file and line.
    """
    lines: list[str] = []
    owners = _functions(text, name)
    began = 0
    for number, line in enumerate(_lines(text), 1):
        mark = line.strip()
        if mark == BEGIN:
            if began:
                raise MarkerError(
                    f"{name}:{number}: a solution begins inside the one of line {began};"
                    f' write "{END}" before it'
                )
            began = number
            indent = line[: len(line) - len(line.lstrip())]
            lines.append(f'{indent}raise NotImplementedError("{_owner(owners, number, name)}")')
        elif mark == END:
            if not began:
                raise MarkerError(f'{name}:{number}: "{END}" without a "{BEGIN}" before it')
            began = 0
        elif mark.upper().startswith(("### BEGIN", "### END")):
            raise MarkerError(f'{name}:{number}: unknown marker "{mark}"; write "{BEGIN}"')
        elif not began:
            lines.append(line)
    if began:
        raise MarkerError(f'{name}:{began}: the solution has no "{END}"')
    return "\n".join(lines) + "\n"


def untouched(text: str) -> frozenset[str]:
    """The names whose stub still stands in a submission's text."""
    return frozenset(_UNTOUCHED.findall(text))


def source_of(text: str, function: str, name: str) -> str:
    """One function's source, its markers left out."""
    for first, last, qualified in _functions(text, name):
        if qualified == function:
            lines = _lines(text)[first - 1 : last]
            return "\n".join(line for line in lines if line.strip() not in (BEGIN, END))
    raise MarkerError(f"{name}: there is no function {function}")


def _lines(text: str) -> list[str]:
    """Python's lines: a form feed or U+2028 ends none."""
    return text.removesuffix("\n").split("\n")


def _functions(text: str, name: str) -> list[tuple[int, int, str]]:
    """(first line, last line, qualified name) of every function, outer ones first."""
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise MarkerError(f"{name}:{error.lineno}: not Python: {error.msg}") from None
    found: list[tuple[int, int, str]] = []

    def walk(node: ast.AST, path: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                qualified = f"{path}{child.name}"
                if not isinstance(child, ast.ClassDef):
                    first = min([child.lineno, *(d.lineno for d in child.decorator_list)])
                    found.append((first, child.end_lineno or first, qualified))
                walk(child, qualified + ".")
            else:
                walk(child, path)

    walk(tree, "")
    return found


def _owner(functions: list[tuple[int, int, str]], line: int, name: str) -> str:
    for first, last, qualified in functions:  # outermost first
        if first < line <= last:
            return qualified
    raise MarkerError(f"{name}:{line}: a solution must lie inside of a function")
