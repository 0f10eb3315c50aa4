"""Make the pictures and the list of docs/architecture.md: processes, rooms, reachable code.

    python docs/draw.py    writes rooms.dot, processes.svg, rooms.svg and a list in architecture.md

The rooms and their arrows, and the list of modules that a submission can reach, are read from the
imports. Without graphviz's `dot` the .svg files stay as they are.
"""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

DOCS = Path(__file__).parent
ENGINE = DOCS.parent / "autograder"
MARKS = "<!-- reachable: python docs/draw.py -->\n", "<!-- end of reachable -->\n"
ENTRY = "sandbox.inside.server"  # what the fork server starts for a worker server


def modules() -> dict[str, Path]:
    """Dotted name below autograder -> file; a package has its own name."""
    found = {}
    for path in sorted(ENGINE.rglob("*.py")):
        parts = path.relative_to(ENGINE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path, known: dict[str, Path]) -> set[str]:
    """The engine's modules that a file imports, lazily or not."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "autograder":
            package = (node.module or "").removeprefix("autograder").lstrip(".")
            for alias in node.names:
                name = f"{package}.{alias.name}".lstrip(".")
                found.add(name if name in known else package)
        elif isinstance(node, ast.Import):
            found |= {
                alias.name.removeprefix("autograder.")
                for alias in node.names
                if alias.name.startswith("autograder.")
            }
    return found - {""}


def reachable(entry: str = ENTRY) -> list[str]:
    """The modules that are imported, directly or not, by a module."""
    known, found, todo = modules(), set[str](), [entry]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += imports(known[name], known)
    return sorted(found)


def room(name: str) -> str:
    """The room of a module; a file at the top is its own."""
    return name.split(".")[0]


def rooms_dot() -> str:
    """The rooms and how many imports go from one to another, as DOT text."""
    known = modules()
    arrows = Counter(
        (room(name), room(other))
        for name, path in known.items()
        if name
        for other in imports(path, known)
        if room(name) != room(other)
    )
    lines = [f'  "{a}" -> "{b}" [label={count}]' for (a, b), count in sorted(arrows.items())]
    head = '  node [shape=box fontname="sans-serif"]\n  edge [color="#888888" fontsize=9]\n'
    return "digraph rooms {\n" + head + "\n".join(lines) + "\n}\n"


def reachable_list() -> str:
    paths = modules()
    return "".join(f"- `{paths[n].relative_to(ENGINE).as_posix()}`\n" for n in reachable())


def main() -> None:
    (DOCS / "rooms.dot").write_text(rooms_dot(), encoding="utf-8")
    page = DOCS / "architecture.md"
    before, rest = page.read_text(encoding="utf-8").split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    page.write_text(before + MARKS[0] + reachable_list() + MARKS[1] + after, encoding="utf-8")
    if shutil.which("dot") is None:
        sys.exit("graphviz's `dot` is not installed: the .svg files are not drawn anew")
    for name in ("processes", "rooms"):
        command = ["dot", "-Tsvg", str(DOCS / f"{name}.dot"), "-o", str(DOCS / f"{name}.svg")]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
