"""CONTRIBUTING's steps, followed to the letter in a copy of the repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from conftest import ROOT

LECTURE = "l10_shares"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository's files with the lecture of CONTRIBUTING, and a `.venv` of their own."""
    root = tmp_path_factory.mktemp("copy") / "repository"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, root / name)
    make_environment(root)
    follow(root, (root / "CONTRIBUTING.md").read_text())
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    subprocess.run(["git", "add", "-A"], cwd=root, check=True)
    return root


def make_environment(root: Path) -> None:
    """A virtual environment whose libraries are ours and whose kit is the copy."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", ".venv"], cwd=root, check=True)
    site = next((root / ".venv").glob("lib/*/site-packages"))
    (site / "copy.pth").write_text(f"{root}\n{sysconfig.get_path('purelib')}\n")
    binaries = root / ".venv" / "bin"
    for name in ("ruff", "mypy"):
        (binaries / name).symlink_to(Path(sys.executable).parent / name)
    command = binaries / "autograder"
    command.write_text(f'#!/bin/sh\nexec {binaries}/python -m autograder.cli "$@"\n')
    command.chmod(0o755)
    (root / ".venv" / ".ready").touch()
    os.utime(root / ".venv" / ".ready", (2**32, 2**32))  # newer than pyproject.toml


def follow(root: Path, page: str) -> None:
    """Write the files of the steps, and add the lines that they add."""
    for name, text in re.findall(r"^```\w+\n# (solutions/\S+)\n(.*?)^```$", page, re.M | re.S):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    toml = root / "course.toml"
    toml.write_text(toml.read_text().replace('"l09_gpt2"]', f'"l09_gpt2", "{LECTURE}"]'))
    added = dict(re.findall(r"^```markdown\n# add to ([\w./]+).*?\n(.*?)^```$", page, re.M | re.S))
    map_page, readme = root / "docs" / "map.md", root / "README.md"
    map_page.write_text(map_page.read_text() + "\n" + added["docs/map.md"])
    ninth = re.search(r"^.*\(docs/map\.md#l09_gpt2\).*\n", readme.read_text(), re.M)
    assert ninth is not None
    text = readme.read_text()
    readme.write_text(text[: ninth.end()] + added["README.md"] + text[ninth.end() :])


def run(root: Path, *command: str) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "PYTHON"))}
    environment["PATH"] = f"{root / '.venv' / 'bin'}:{environment['PATH']}"
    done = subprocess.run(
        command, cwd=root, capture_output=True, text=True, env=environment, timeout=3000
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"


def test_the_steps_end_in_a_lecture_that_holds(copy: Path) -> None:
    """The commands of step 9, then what `make check` asks of the lecture."""
    run(copy, "autograder", "stubs")
    run(copy, "autograder", "verify", "shares")
    run(copy, "python", "bench/figures.py")
    run(copy, "git", "add", "-A")
    run(copy, "ruff", "format", "--check")
    run(copy, "ruff", "check")
    run(copy, "python", "-m", "pytest", "-q", "tests/test_shape.py", "tests/test_words.py")
    course = ("map", "figures", "devices", "course_kept", "alternatives")
    files = [f"tests/course/test_{name}.py" for name in course]
    chosen = f"({LECTURE} or not l0) and not release"
    run(copy, "python", "-m", "pytest", "-q", "-m", "not slow", "-k", chosen, *files)


@pytest.mark.slow
def test_make_check_is_green(copy: Path) -> None:
    """All of it, as CI runs it."""
    run(copy, "autograder", "stubs")
    run(copy, "python", "bench/figures.py")
    run(copy, "git", "add", "-A")
    run(copy, "make", "check")
