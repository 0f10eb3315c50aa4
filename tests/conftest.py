"""What the engine's tests share: a tiny course, ways to grade with it, the real command."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from autograder.course import Course, load_course
from autograder.grading.options import GradeOptions
from autograder.grading.pool import grade_submissions
from autograder.grading.submission import Submission
from autograder.sandbox import machine
from autograder.sandbox.forkserver import ForkServer
from autograder.verdict import Report

ROOT = Path(__file__).parent.parent
MINI = Path(__file__).parent / "courses" / "mini"


@pytest.fixture
def mini(tmp_path: Path) -> Course:
    """A copy of the tiny course, to break at will."""
    shutil.copytree(MINI, tmp_path / "mini", ignore=shutil.ignore_patterns("__pycache__"))
    return load_course(tmp_path / "mini")


@pytest.fixture
def reference(mini: Course) -> str:
    """The text of the tiny course's solution."""
    return (mini.lectures[0].home / "sums.py").read_text()


Once = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """A folder that all processes of a run share, made by the first that asks for it.

    For what takes long to make; xdist's own groups do nothing under pytest 9.2
    (pytest-xdist #1386).
    """
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent

    def run(name: str, make: Callable[[Path], object]) -> Path:
        made = base / name
        with (base / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                half = base / f"{name}.half"
                half.mkdir()
                make(half)
                half.rename(made)
        return made

    return run


Grade = Callable[..., dict[str, Report]]


@pytest.fixture(scope="session")
def fork_server() -> Iterator[ForkServer]:
    """One for the grading runs of all tests: torch is imported once."""
    with ForkServer(("torch", "numpy", "graphviz")) as server:
        yield server


@pytest.fixture
def grade(mini: Course, fork_server: ForkServer) -> Grade:
    """Grade texts of sums.py by name, with the isolation layers of this machine."""

    def run(texts: Mapping[str, str], **options: object) -> dict[str, Report]:
        course = load_course(mini.root)
        given: dict[str, object] = {"layers": machine.available(), "fork_server": fork_server}
        chosen = GradeOptions(course, course.lectures[0], **given | options)  # type: ignore[arg-type]
        submissions = [
            Submission(name=name, files={"sums.py": text.encode()}) for name, text in texts.items()
        ]
        reports = grade_submissions(chosen, submissions, many=False)
        return {report.submission: report for report in reports}

    return run


def outcomes(report: Report) -> dict[str, str]:
    """Task id -> outcome."""
    return {task.id: task.outcome for task in report.tasks}


Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def autograder(mini: Course) -> Command:
    """The real command, called in the tiny course (or in `cwd`)."""

    def run(
        *arguments: object, cwd: Path | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "autograder.cli", *map(str, arguments)],
            cwd=cwd or mini.root,
            env=os.environ | {"COLUMNS": "120"} | environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run
