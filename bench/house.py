"""The size of the house: lines per room, the longest file and function, the repository.

    python bench/house.py            of this checkout
    python bench/house.py CHECKOUT   of another

Lines of code have neither blank lines nor comments nor docstrings.
"""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
CORE = ("sandbox", "suite", "diagnosis", "grading")
sys.path.insert(0, str(ROOT / "docs"))
import draw  # noqa: E402


@dataclass(frozen=True)
class Size:
    """A file: its lines of code, and its longest function."""

    path: Path
    lines: int
    function: tuple[int, str]


def code_lines(text: str) -> set[int]:
    """The numbers of the lines that hold code."""
    skipped = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    found: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in skipped and token.type != tokenize.ENDMARKER:
            found.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                found -= set(range(value.lineno, (value.end_lineno or value.lineno) + 1))
    return found


def size(path: Path) -> Size:
    text = path.read_text()
    lines = code_lines(text)
    longest = (0, "")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            count = len(lines & set(range(node.lineno, (node.end_lineno or node.lineno) + 1)))
            longest = max(longest, (count, node.name))
    return Size(path, len(lines), longest)


def rooms(root: Path) -> Iterator[tuple[str, list[Size]]]:
    for folder in [root / "autograder", *sorted((root / "autograder").glob("*/"))]:
        pattern = "*.py" if folder.name == "autograder" else "**/*.py"
        sizes = [size(path) for path in sorted(folder.glob(pattern))]
        if sizes and folder.name != "__pycache__":
            yield folder.name, sizes


def print_rooms(root: Path) -> None:
    print(
        "| room | files | lines of code | longest file | longest function |\n|---|---|---|---|---|"
    )
    total: list[Size] = []
    for name, sizes in rooms(root):
        total += sizes
        print(_row(name, sizes))
    print(_row("all", total))
    if root == ROOT:
        reachable = {draw.modules()[name] for name in draw.reachable()}
        untrusted = sum(s.lines for s in total if s.path in reachable)
        core = [s for name, sizes in rooms(root) if name in CORE for s in sizes]
        trusted = sum(s.lines for s in core if s.path not in reachable)
        print(f"\nuntrusted side: {untrusted} lines; trusted core: {trusted} lines")


def _row(name: str, sizes: list[Size]) -> str:
    longest = max(sizes, key=lambda s: s.lines)
    function = max(s.function for s in sizes)
    lines = sum(s.lines for s in sizes)
    return (
        f"| {name} | {len(sizes)} | {lines} | {longest.path.name} {longest.lines}"
        f" | {function[1]} {function[0]} |"
    )


def repository(root: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True
    )
    files = [root / name for name in listed.stdout.splitlines()]
    lines = sum(path.read_bytes().count(b"\n") for path in files if path.is_file())
    print(f"\nrepository: {len(files)} files, {lines} lines")


def main() -> None:
    root = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT
    print_rooms(root)
    repository(root)


if __name__ == "__main__":
    main()
