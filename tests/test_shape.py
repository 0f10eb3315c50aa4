"""The shape of the engine: rooms, arrows, what a submission can reach, what the engine knows."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from graphlib import TopologicalSorter

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "docs"))
import draw

ENGINE = ROOT / "autograder"
MODULES = draw.modules()
NAMES = [name for name in MODULES if name]
# A room imports from those before it only.
ORDER = (
    *("errors", "limits", "toml", "course", "verdict"),
    *("sandbox", "suite", "diagnosis", "grading", "report", "learn", "teach", "author", "cli"),
)
STRANGERS = ("learn", "teach", "author")
SHARED = {"limits", *(f"sandbox.{name}" for name in ("wire", "messages", "isolation", "preload"))}


@pytest.mark.parametrize("name", NAMES)
def test_imports_go_one_way(name: str) -> None:
    """A room knows nothing of the rooms below it; learn, teach and author are strangers."""
    room = draw.room(name)
    allowed = set(ORDER[: ORDER.index(room) + 1])
    if room in STRANGERS:
        allowed -= set(STRANGERS) - {room}
    assert {draw.room(other) for other in draw.imports(MODULES[name], MODULES)} <= allowed


def test_no_imports_in_a_circle() -> None:
    """Within the rooms either, lazy imports included."""
    graph = {name: draw.imports(MODULES[name], MODULES) - {name} for name in NAMES}
    assert len(list(TopologicalSorter(graph).static_order())) >= len(graph)


@pytest.mark.parametrize("room", [name for name in ORDER if (ENGINE / name).is_dir()])
def test_each_room_says_what_it_is(room: str) -> None:
    """For what, for whom, in which process; in about ten lines."""
    said = ast.get_docstring(ast.parse((ENGINE / room / "__init__.py").read_text()))
    assert said is not None
    assert "Runs in: " in said
    assert "import" in said
    assert len(said.splitlines()) <= 14


def test_trusted_code_imports_nothing_that_runs_in_a_worker() -> None:
    """But for messages, values, isolation and limits, which both sides have."""
    inside = {name for name in NAMES if name.startswith("sandbox.inside")}
    for name in set(NAMES) - inside:
        assert draw.imports(MODULES[name], MODULES) & inside == set(), name
    assert set(draw.reachable()) == SHARED | (inside - {"sandbox.inside"})


def test_the_pages_show_the_code_as_it_is() -> None:
    """The rooms' picture and the list of what a submission can reach are of these imports."""
    hint = "run `python docs/draw.py`"
    assert (ROOT / "docs" / "rooms.dot").read_text() == draw.rooms_dot(), hint
    page = (ROOT / "docs" / "architecture.md").read_text()
    assert draw.MARKS[0] + draw.reachable_list() + draw.MARKS[1] in page, hint


def test_the_engine_names_no_lecture() -> None:
    """No text of the engine is a lecture, a lecture's file or a task with a class's name."""
    words = set()
    for toml in ROOT.glob("solutions/*/lecture.toml"):
        tasks = tomllib.loads(toml.read_text())["task"]
        words |= {toml.parent.name, toml.parent.name.split("_", 1)[1]}
        words |= {task["file"] for task in tasks}
        words |= {task["id"] for task in tasks if "." in task["id"]}
    assert words
    texts = {
        node.value
        for path in ENGINE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert words & texts == set()


@pytest.mark.parametrize(
    "arguments", [["--help"], ["check", "--help"], ["grade", "--help"], ["hint", "--help"]]
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    """`--help` answers at once: no torch, no pytest."""
    code = (
        "import sys\nfrom autograder.cli import cli\n"
        f"try:\n    cli.main({arguments!r}, prog_name='autograder')\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'pytest', 'numpy', 'rich'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout


@pytest.mark.parametrize(
    "module", ["grading.pool", "grading.results", "report", "author.stubs", "learn.hints"]
)
def test_the_command_imports_no_torch(module: str) -> None:
    """torch belongs to the fork server: what the command imports of these rooms is light."""
    code = f"import sys, autograder.{module}\nsys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
