"""The fork server: whose engine it runs, and what it inherits."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from autograder.course import Course, load_course
from autograder.grading.options import GradeOptions
from autograder.grading.pool import grade_submissions
from autograder.grading.submission import Submission
from autograder.sandbox import machine
from autograder.sandbox.forkserver import BOOT, ENGINE, ForkServer


def test_the_processes_run_the_engine_of_the_command(
    mini: Course, tmp_path: Path, reference: str
) -> None:
    """Another checkout's command grades with its own engine, whichever is installed."""
    copy = tmp_path / "checkout" / "autograder"
    shutil.copytree(ROOT / "autograder", copy, ignore=shutil.ignore_patterns("__pycache__"))
    version = copy / "__init__.py"
    version.write_text(version.read_text().replace("0.1.0", "9.9.9"))
    (tmp_path / "class" / "ada").mkdir(parents=True)
    (tmp_path / "class" / "ada" / "sums.py").write_text(reference)
    command = [sys.executable, "-m", "autograder.cli", "grade", "1", str(tmp_path / "class")]
    subprocess.run(
        [*command, "--out", str(tmp_path / "out")],
        cwd=mini.root,
        env=os.environ | {"PYTHONPATH": str(copy.parent)},
        check=True,
        capture_output=True,
    )
    report = json.loads((tmp_path / "out" / "l01_sums" / "ada.json").read_text())
    assert report["versions"]["autograder"] == "9.9.9"
    assert report["score"] == 9


def test_another_engine_does_not_start(tmp_path: Path) -> None:
    """What was imported isn't the path that the command gave: one sentence, exit code 1."""
    link = tmp_path / "autograder"
    link.symlink_to(Path(ENGINE).parent)
    given = f"{link / '__init__.py'}\n".encode()
    done = subprocess.run([sys.executable, "-P", "-c", BOOT], input=given, capture_output=True)
    assert done.returncode == 1
    said = f"autograder: {ENGINE} was imported in the place of {link}/__init__.py; start again\n"
    assert done.stderr.decode() == said


def test_nothing_is_inherited(
    mini: Course, tmp_path: Path, reference: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the user reaches the fork server; suites see the variables of course.toml."""
    monkeypatch.setenv("NOTE", "for suites")
    monkeypatch.setenv("OTHER", "for nobody")
    toml = mini.root / "course.toml"
    toml.write_text(toml.read_text().replace("[limits]", 'environment = ["NOTE"]\n\n[limits]'))
    seen = tmp_path / "seen"
    suite = mini.lectures[0].home / "test_visible.py"
    note = f"import os\n    open({str(seen)!r}, 'w').write(repr(dict(os.environ)))\n    "
    suite.write_text(
        suite.read_text().replace("close(student.double(3)", f"{note}close(student.double(3)")
    )
    course = load_course(mini.root)
    with ForkServer(course.imports) as server:
        options = GradeOptions(
            course, course.lectures[0], layers=machine.available(), fork_server=server
        )
        one = Submission(name="a", files={"sums.py": reference.encode()})
        (report,) = grade_submissions(options, [one], many=False)
        process = Path(f"/proc/{server.processes[0].pid}")
        inherited = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
    assert report.score == 9
    assert b"NOTE" not in inherited
    assert b"OTHER" not in inherited
    assert os.fsencode(mini.root) not in inherited
    environment = seen.read_text()
    assert "'NOTE': 'for suites'" in environment
    assert "OTHER" not in environment
