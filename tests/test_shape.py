"""The shape of the engine: which module may import which, and what it may not know."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import torch
from conftest import ROOT

ENGINE = ROOT / "autograder"
# Each module imports only from those before it.
ORDER = (
    *("errors", "course", "verdict", "wire", "jail", "image", "forbid", "state", "worker"),
    *("memory", "child", "student", "session", "submission", "stub", "clue", "suite", "job"),
    *("mistake", "plugin", "grade", "pool", "batch", "report", "doctor"),
)
FOLDERS = ("author", "learn", "teach")


def imports(path: Path) -> set[str]:
    """The engine's modules that a file imports, lazily or not: `wire`, `author.stubs`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "autograder":
            found |= {alias.name for alias in node.names if alias.name != "__version__"}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("autograder."):
            module = node.module.removeprefix("autograder.")  # type: ignore[union-attr]
            names = [f"{module}.{alias.name}" for alias in node.names]
            found |= {name if module in FOLDERS else module for name in names}
        elif isinstance(node, ast.Import):
            found |= {a.name for a in node.names if a.name.startswith("autograder.")}
    return found


@pytest.mark.parametrize("name", ORDER)
def test_arrows_point_one_way(name: str) -> None:
    """A module of the core imports only what stands to its left."""
    allowed = set(ORDER[: ORDER.index(name)])
    assert imports(ENGINE / f"{name}.py") <= allowed


def test_every_module_has_its_place() -> None:
    """No module stands outside of the order."""
    flat = {path.stem for path in ENGINE.glob("*.py")} - {"__init__", "cli"}
    assert flat == set(ORDER)


@pytest.mark.parametrize(
    "path", sorted(ENGINE.glob("*/*.py")), ids=lambda p: f"{p.parent.name}/{p.stem}"
)
def test_what_only_one_person_needs_imports_the_core(path: Path) -> None:
    """Never the neighbours, but for what release takes from stubs."""
    foreign = {name for name in imports(path) if name.split(".")[0] in FOLDERS}
    foreign = {name for name in foreign if not name.startswith(path.parent.name)}
    assert foreign <= ({"author.stubs"} if path.name == "release.py" else set())


def test_the_untrusted_side_sees_little() -> None:
    """The worker imports the image, the jail and the wire, and is imported for constants only."""
    assert imports(ENGINE / "worker.py") <= {"forbid", "image", "jail", "state", "wire"}
    assert imports(ENGINE / "wire.py") == set()
    assert imports(ENGINE / "jail.py") == set()


def test_the_engine_names_no_lecture() -> None:
    """No word that is a lecture's, a lecture file's or a task's own stands in the engine."""
    words = set()
    for toml in ROOT.glob("solutions/*/lecture.toml"):
        tasks = tomllib.loads(toml.read_text())["task"]
        words |= {toml.parent.name, toml.parent.name.split("_", 1)[1]}
        words |= {task["file"].removesuffix(".py") for task in tasks}
        words |= {task["id"] for task in tasks if re.search(r"[._A-Z]", task["id"])}
    words -= set(vars(torch.nn))  # torch's own names, that lectures take over
    assert words
    text = "\n".join(path.read_text() for path in ENGINE.rglob("*.py"))
    assert [word for word in sorted(words) if re.search(rf"\b{re.escape(word)}\b", text)] == []


@pytest.mark.parametrize(
    "arguments", [["--help"], ["check", "--help"], ["grade", "--help"], ["hint", "--help"]]
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    """`--help` answers in a blink: no torch, no pytest."""
    code = (
        "import sys\nfrom autograder.cli import cli\n"
        f"try:\n    cli.main({arguments!r}, prog_name='autograder')\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'pytest', 'numpy', 'rich'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout
