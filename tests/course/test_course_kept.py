"""What the shipped course promises beyond `autograder verify`: releases, stubs, demo programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, Command, Once

from autograder.course import Lecture, load_course
from autograder.suite.stub import cut

COURSE = load_course(ROOT)
LECTURES = pytest.mark.parametrize("lecture", COURSE.lectures, ids=lambda lecture: lecture.id)
SHORT = 12  # a line of fewer characters says nothing of its own


@pytest.fixture(scope="module")
def released(once: Once) -> Path:
    """The students' copy of the shipped course."""

    def release(folder: Path) -> None:
        command = [sys.executable, "-m", "autograder.cli", "release", str(folder / "students")]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)

    return once("release", release) / "students"


def lines(*paths: Path) -> set[str]:
    found = {line.strip() for path in paths for line in path.read_text().splitlines()}
    return {line for line in found if len(line) >= SHORT}


def given(lecture: Lecture) -> set[str]:
    """The lines that students get of a lecture."""
    texts = [path for path in lecture.home.iterdir() if path.suffix in (".py", ".md", ".toml")]
    staff = ["test_hidden.py", "mistakes.toml", *lecture.files]
    stubs = "\n".join(cut((lecture.home / name).read_text(), name) for name in lecture.files)
    return lines(*(path for path in texts if path.name not in staff)) | {
        line.strip() for line in stubs.splitlines()
    }


@LECTURES
def test_a_release_holds_no_line_that_is_staff_s(released: Path, lecture: Lecture) -> None:
    """Nothing of the solution, the hidden suite and mistakes.toml, line by line."""
    staff = ["test_hidden.py", "mistakes.toml", *lecture.files]
    theirs = set().union(*map(given, COURSE.lectures))
    secret = lines(*(lecture.home / name for name in staff)) - theirs
    out = [path for path in released.rglob("*") if path.is_file()]
    out = [path for path in out if path.relative_to(released).parts[0] != "autograder"]
    assert len(secret) > 10
    assert secret & lines(*out) == set()
    assert not any(path.name in staff[:2] for path in out)
    assert not (released / "solutions").exists()
    assert not (released / "data" / "sample_class").exists()


@LECTURES
def test_a_released_lecture_checks_hints_and_names(
    released: Path, tmp_path: Path, autograder: Command, lecture: Lecture
) -> None:
    """The first mistake that its visible tests catch is diagnosed there."""
    from autograder.diagnosis.diagnose import load_wrong_answers
    from autograder.diagnosis.mistakes import load_mistakes, wrong_files

    copy = shutil.copytree(released, tmp_path / "students")
    known = load_wrong_answers(load_course(copy).lecture(lecture.id))
    task, entries = next((task, entries) for task, entries in known.items() if entries)
    mistake = next(m for m in load_mistakes(lecture) if (m.task, m.id) == (task, entries[0].id))
    for name, data in wrong_files(lecture, mistake).items():
        (copy / "exercises" / lecture.id / name).write_bytes(data)
    checked = autograder("check", f"{lecture.id}.{task}", cwd=copy, COLUMNS="500")
    assert checked.returncode == 1
    assert " ".join(mistake.explanation.split()) in " ".join(checked.stdout.split())
    assert autograder("hint", f"{lecture.id}.{task}", cwd=copy).stdout.startswith("1/")


@LECTURES
def test_a_stub_imports_and_passes_the_linter(lecture: Lecture) -> None:
    """What students start from is clean."""
    folder = ROOT / "exercises" / lecture.id
    for name in lecture.files:
        code = f"import sys; sys.path.insert(0, {str(folder)!r}); import {name[:-3]}"
        subprocess.run([sys.executable, "-B", "-c", code], check=True)
    if shutil.which("ruff", path=Path(sys.executable).parent):
        ruff = Path(sys.executable).parent / "ruff"
        config = ROOT / "pyproject.toml"
        command = [str(ruff), "check", "--no-cache", "--config", str(config), str(folder)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


@LECTURES
def test_the_readme_s_table_is_true(lecture: Lecture) -> None:
    """Tasks, mistakes and alternative solutions, as they are."""
    from autograder.diagnosis.mistakes import load_mistakes

    (row,) = (
        line.split("|")[2:]
        for line in (ROOT / "README.md").read_text().splitlines()
        if line.startswith("| [") and f"solutions/{lecture.id}/" in line
    )
    folder = ROOT / "tests" / "alternatives" / lecture.id
    alternatives = [path for path in folder.glob("*") if path.is_dir()]
    counts = [len(lecture.tasks), len(load_mistakes(lecture)), len(alternatives)]
    assert [int(row[i]) for i in (0, 2, 3)] == counts


def run_main(folder: Path, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-B", str(folder / "main.py"), "--steps", "3", "--out", str(out)]
    environment = os.environ | {"MPLBACKEND": "agg", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*command, *options], capture_output=True, text=True, cwd=out.parent, env=environment
    )


@LECTURES
def test_the_demo_program_runs_with_right_work(lecture: Lecture, tmp_path: Path) -> None:
    """A few steps with the reference: it ends well, names its pictures, and they are there."""
    folder = tmp_path / "course" / "exercises" / lecture.id
    shutil.copytree(ROOT / "exercises" / lecture.id, folder)
    shutil.copytree(ROOT / "data", tmp_path / "course" / "data")
    for name in lecture.files:
        shutil.copy(lecture.home / name, folder / name)
    done = run_main(folder, tmp_path / "pictures")
    assert done.returncode == 0, done.stdout + done.stderr
    pictures = list((tmp_path / "pictures").iterdir())
    assert pictures
    assert "pictures" in done.stdout


@LECTURES
def test_the_demo_program_with_an_untouched_stub_says_what_to_do(
    lecture: Lecture, tmp_path: Path
) -> None:
    """One sentence, exit code 1, no traceback."""
    done = run_main(ROOT / "exercises" / lecture.id, tmp_path / "pictures")
    assert done.returncode == 1
    assert "autograder check" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
