"""What a check ends with: lines that a test tells, and the lecture's graph in colours."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Command

from autograder.course import Course, load_course
from autograder.errors import CourseError
from autograder.learn.graph import GRAPH, coloured, draw
from autograder.verdict import Outcome, Report, TaskResult

DOT = "digraph {\n  double -> row_sums\n  row_sums -> share\n  Counter\n}\n"


def report(**by_task: str) -> Report:
    tasks = [
        TaskResult(id=id, outcome=Outcome(one), score=0, points=1) for id, one in by_task.items()
    ]
    return Report(
        **dict.fromkeys(("course", "lecture", "submission", "digest", "suite", "device"), "x"),  # type: ignore[arg-type]
        versions={},
        isolation=[],
        score=0,
        points=1,
        seconds=0,
        tasks=tasks,
    )


def told(mini: Course, line: str) -> None:
    """The visible test of `double` tells a line before it compares."""
    suite = mini.lectures[0].home / "test_visible.py"
    text = suite.read_text().replace("test_three(student):", "test_three(student, tell):")
    text = text.replace("    close(student.double(3), 6)", f"    tell({line!r})\n    {CLOSE}")
    suite.write_text(text)


CLOSE = "close(student.double(3), 6)"


def test_a_check_ends_with_what_a_test_tells(mini: Course, autograder: Command) -> None:
    """A table of the lecture's own is printed below the tasks, passed or not."""
    told(mini, "double  exact: True\x1b[31m")
    done = autograder("check", "--work", mini.root / "solutions")
    assert done.returncode == 0
    assert done.stdout.rstrip().endswith(r"double  exact: True\x1b[31m")
    wrong = mini.root / "sums.py"
    text = (mini.lectures[0].home / "sums.py").read_text()
    wrong.write_text(text.replace("return 2 * x", "return 3 * x"))
    done = autograder("check", "--work", mini.root)
    assert done.returncode == 1
    assert done.stdout.rstrip().endswith(r"double  exact: True\x1b[31m")


def test_a_check_draws_the_lectures_graph(mini: Course, autograder: Command) -> None:
    """It says where the picture is; a check of one task alone draws none."""
    (mini.lectures[0].home / GRAPH).write_text(DOT)
    done = autograder("check", "--work", mini.root / "solutions")
    assert str(mini.root / "pictures" / "l01_sums" / "graph.") in done.stdout
    assert autograder("check", "double").stdout.count("pictures") == 0
    (mini.root / "pictures").rename(mini.root / "elsewhere")
    (mini.root / "pictures").write_text("in the way")
    done = autograder("check", "--work", mini.root / "solutions")
    assert done.returncode == 0
    assert "the picture of the graph can't be written" in done.stderr


def test_each_task_has_the_colour_of_its_verdict() -> None:
    """Only nodes that are tasks get one, and a task that is no node makes none."""
    text = coloured(DOT + "\n", report(double="passed", share="failed", other="failed"))
    assert '"double" [style="filled" fillcolor="#b7e4c7"]' in text
    assert '"share" [style="filled" fillcolor="#f4a5a5"]' in text
    assert "other" not in text
    assert text.count("Counter") == 1
    assert text.rstrip().endswith("}")


def test_without_dot_it_is_text(mini: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    """The `dot` program is not everywhere."""
    lecture = load_course(mini.root).lectures[0]
    assert draw(mini, lecture, report(double="passed")) is None
    (lecture.home / GRAPH).write_text(DOT)
    monkeypatch.setenv("PATH", "")
    path = draw(mini, lecture, report(double="passed"))
    assert path is not None
    assert path.name == "graph.dot"
    assert path.read_text() == coloured(DOT, report(double="passed"))


def test_a_graph_that_dot_cannot_read(mini: Course) -> None:
    """An author's slip names the file."""
    import shutil

    if shutil.which("dot") is None:
        pytest.skip("needs graphviz's dot program")
    (mini.lectures[0].home / GRAPH).write_text("digraph { ] }")
    with pytest.raises(CourseError, match=r"graph\.dot: dot can't draw it: .*syntax error"):
        draw(mini, mini.lectures[0], report(double="passed"))
    picture = Path(mini.root / "pictures" / "l01_sums" / "graph.svg")
    assert not picture.exists()
