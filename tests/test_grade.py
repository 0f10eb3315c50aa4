"""A class is graded: each kind of wrong work has its own outcome, and costs nobody else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from conftest import Grade, outcomes

from autograder.course import Course, load_course
from autograder.errors import CourseError, MachineError
from autograder.grading.options import GradeOptions
from autograder.grading.pool import grade_submissions
from autograder.grading.submission import Submission
from autograder.sandbox import machine
from autograder.suite.stub import cut
from autograder.verdict import Outcome, Report

ALL = ("double", "row_sums", "share", "Counter", "extra")


def everything(outcome: str, **but: str) -> dict[str, str]:
    return dict.fromkeys(ALL, outcome) | but


def test_each_kind_of_work_has_its_outcome(grade: Grade, reference: str) -> None:
    """Right, untouched, wrong, raising, endless, crashing, refused: none is mixed with another."""
    doubled = "return 2 * x"
    reports = grade(
        {
            "right": reference,
            "stub": cut(reference, "sums.py"),
            "wrong": reference.replace(doubled, "return 3 * x"),
            "raises": reference.replace(doubled, "raise ValueError('odd')"),
            "endless": reference.replace(doubled, "print('round')\n    while True: pass"),
            "crashes": reference.replace(doubled, "import ctypes; ctypes.string_at(0)"),
            "function": reference.replace(doubled, "return lambda: x"),
            "forbidden": reference.replace('torch.einsum("nm->n", x)', "x.sum(1)"),
            "deleted": reference.replace("def double", "def twice"),
            "builds_on": reference.replace('"nm->n"', '"nm->m"'),
            "syntax": reference.replace(doubled, "return 2 *"),
        }
    )
    found = {name: outcomes(report) for name, report in reports.items()}
    assert found["right"] == everything("passed")
    assert found["stub"] == everything("missing")
    assert found["wrong"] == everything("passed", double="failed")
    assert found["raises"] == everything("passed", double="error")
    assert found["endless"] == everything("passed", double="timeout")
    assert found["crashes"] == everything("passed", double="crashed")
    assert found["function"] == everything("passed", double="refused")
    assert found["forbidden"] == everything("passed", row_sums="refused")
    assert found["deleted"] == everything("passed", double="missing")
    assert found["builds_on"] == everything("passed", row_sums="failed", share="blocked")
    assert found["syntax"] == everything("error")
    assert "line 13" in reports["syntax"].problem
    assert "round" in reports["endless"].tasks[0].tests[0].output
    assert (
        "ValueError: odd\nsums.py, line 13, in double" in reports["raises"].tasks[0].tests[0].detail
    )
    assert "torch.Tensor.sum may not be called" in reports["forbidden"].tasks[1].tests[0].detail


def test_a_class_or_a_module_may_be_forbidden(grade: Grade, mini: Course, reference: str) -> None:
    """Making one of the class, calling anything of the module; building on them is no call."""
    toml = mini.lectures[0].home / "lecture.toml"
    forbid = 'forbid = ["torch.nn.Linear", "torch.linalg", "torch.nn.init", "no.such.name"]'
    toml.write_text(toml.read_text().replace('id = "double"', f'id = "double"\n{forbid}'))
    doubled = "return 2 * x"
    top = "import torch\nfrom torch.linalg import norm\n"
    own = "class Layer(torch.nn.Linear):\n    pass\n"
    reports = grade(
        {
            "builds_on": top + own + reference,
            "makes": reference.replace(doubled, "import torch; torch.nn.Linear(1, 1); return 6"),
            "calls": top + reference.replace(doubled, "return 2 * int(norm(torch.ones(1) * x))"),
            "fills": reference.replace(
                doubled, "import torch; torch.nn.init.ones_(torch.ones(1)); return 6"
            ),
            "imported_there": reference.replace(
                doubled, "import torch; torch.Tensor(1); return 2*x"
            ),
            "elsewhere": top + reference.replace("x / row", "x / norm(torch.ones(1)) / row"),
        }
    )
    found = {name: outcomes(report)["double"] for name, report in reports.items()}
    refused = dict.fromkeys(("makes", "calls", "fills"), "refused")
    passed = dict.fromkeys(("builds_on", "imported_there", "elsewhere"), "passed")
    assert found == refused | passed
    assert outcomes(reports["elsewhere"])["share"] == "passed"


def test_both_suites_share_probes(grade: Grade, mini: Course, reference: str) -> None:
    """Both import them, with their helpers; a change of probes.py is another suite."""
    home = mini.lectures[0].home
    probes = (home / "probes.py").read_text()
    twice = "\n\nNAME = 'double'\n\n\ndef twice(m, x):\n    return getattr(m, NAME)(x)\n"
    (home / "probes.py").write_text(probes + twice)
    for name in ("test_visible.py", "test_hidden.py"):
        text = (home / name).read_text()
        text = text.replace("import torch", "import torch\nfrom probes import twice", 1)
        (home / name).write_text(text.replace("student.double(3)", "student.run(twice, 3)"))
    wrong = reference.replace("return 2 * x", "return 3 * x")
    reports = grade({"right": reference, "wrong": wrong})
    assert outcomes(reports["right"]) == everything("passed")
    assert outcomes(reports["wrong"])["double"] == "failed"
    (home / "probes.py").write_text(probes + twice.replace("NAME)(x)", "NAME)(x) + 1"))
    again = grade({"right": reference})["right"]
    assert again.suite != reports["right"].suite
    assert outcomes(again)["double"] == "broken"


def test_points_are_shares_and_a_bonus_is_on_top(grade: Grade, reference: str) -> None:
    """Half of a task's tests give half of its points."""
    half = reference.replace("return 2 * x", "return 6")
    column = reference.replace("x / row_sums(x)[:, None]", "torch.ones_like(x)")
    reports = grade({"right": reference, "half": half, "column": column})
    assert (reports["right"].score, reports["right"].points) == (9, 8)
    assert reports["half"].score == 8.5
    assert reports["column"].score == 7.5


def test_a_known_mistake_is_named_also_among_others(grade: Grade, reference: str) -> None:
    """Two mistakes in two tasks are both named; a wrong answer of its own kind is not."""
    both = reference.replace("2 * x", "x * x").replace("self.seen.append(x)", "self.seen = [x]")
    own = reference.replace("2 * x", "x - 1")
    reports = grade({"both": both, "own": own})
    named = {task.id: task.diagnosis and task.diagnosis.id for task in reports["both"].tasks}
    assert named["double"] == "square"
    assert named["Counter"] == "last"
    assert reports["own"].tasks[0].diagnosis is None


def test_a_suite_that_the_reference_fails_is_broken(
    mini: Course, grade: Grade, reference: str
) -> None:
    """Our fault takes no points: the test fails the reference too."""
    suite = mini.lectures[0].home / "test_hidden.py"
    suite.write_text(
        suite.read_text().replace("student.extra([1, 2, 3]), 6)", "student.extra([1, 2, 3]), 7)")
    )
    wrong = reference.replace("return sum(xs)", "return 5")
    report = grade({"wrong": wrong})["wrong"]
    assert outcomes(report)["extra"] == "broken"
    assert report.tasks[-1].score == 1


def test_an_answer_that_a_suite_stumbles_over_is_the_students(
    mini: Course, grade: Grade, reference: str
) -> None:
    """A test that unpacks None raises TypeError; since the reference passes, it is `failed`."""
    suite = mini.lectures[0].home / "test_hidden.py"
    suite.write_text(
        suite.read_text().replace("close(student.extra([1, 2, 3]), 6)", "1 + student.extra([1, 2])")
    )
    report = grade({"none": reference.replace("return sum(xs)", "return None")})["none"]
    assert outcomes(report)["extra"] == "failed"
    assert "could not use" in report.tasks[-1].tests[0].detail


def test_the_same_class_gives_the_same_reports(grade: Grade, reference: str) -> None:
    """One job or two, forked or spawned: byte for byte, seconds aside."""
    texts = {
        "right": reference,
        "wrong": reference.replace("2 * x", "x * x"),
        "prints": reference.replace("return 2 * x", "print('so'); return 2 * x"),
        "random": reference.replace("return 2 * x", "return float(torch.rand(1))"),
        "crashes": reference.replace("return 2 * x", "import os; os._exit(3)"),
        "sets": reference.replace(
            "return 2 * x", "print({'a', 'bc', 'def', 'ghij'}); return 2 * x"
        ),
    }
    first = plainly(grade(texts))
    assert plainly(grade(texts, jobs=2)) == first
    assert plainly(grade(texts, jobs=2, start_method="spawn")) == first


def plainly(reports: Mapping[str, Report]) -> dict[str, bytes]:
    """Each report's bytes without what may differ."""

    def without_seconds(data: object) -> object:
        if isinstance(data, dict):
            return {k: without_seconds(v) for k, v in data.items() if k != "seconds"}
        return [without_seconds(v) for v in data] if isinstance(data, list) else data

    return {
        name: msgspec.json.encode(without_seconds(msgspec.to_builtins(report)))
        for name, report in sorted(reports.items())
    }


def test_hidden_inputs_follow_the_secret_and_visible_ones_do_not(
    mini: Course, grade: Grade, reference: str
) -> None:
    """Another secret, other hidden numbers: an answer learnt by heart is worth nothing."""
    spy = reference.replace("return torch.einsum", "print(float(x[0, 0]))\n    return torch.einsum")
    before = printed(grade({"spy": spy})["spy"])
    (mini.root / "solutions" / ".secret").write_text("another\n")
    after = printed(grade({"spy": spy})["spy"])
    assert before["test_visible.py::test_ones"] == after["test_visible.py::test_ones"]
    assert before["test_hidden.py::test_rows"] != after["test_hidden.py::test_rows"]


def printed(report: Report) -> dict[str, str]:
    return {test.id: test.output for task in report.tasks for test in task.tests}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('@task("extra")\n', ""), 'test_extra: belongs to no task; write @task("…")'),
        (
            ('@task("extra")', '@task("extr")'),
            'no task "extr" in lecture.toml; did you mean "extra"?',
        ),
        (('"""The sum of a list."""', "pass"), "test_extra: has no docstring"),
        (('@task("extra")', '@task("double")'), 'task "extra" has no test; write one'),
        (("import torch\n", "import torhc\n"), "a suite can't be imported"),
    ],
)
def test_a_suite_that_does_not_fit_its_lecture_is_an_error(
    mini: Course, grade: Grade, reference: str, change: tuple[str, str], says: str
) -> None:
    """Tests without a task and tasks without a test are the author's to fix."""
    suite = mini.lectures[0].home / "test_hidden.py"
    suite.write_text(suite.read_text().replace(*change))
    with pytest.raises(CourseError, match=re.escape(says)):
        grade({"right": reference})


def test_a_visible_test_may_not_ask_the_reference(
    mini: Course, grade: Grade, reference: str
) -> None:
    """A released course has none, so its author reads it now."""
    suite = mini.lectures[0].home / "test_visible.py"
    suite.write_text(
        suite.read_text().replace("def test_three(student)", "def test_three(student, reference)")
    )
    with pytest.raises(CourseError, match="a visible test can't ask the reference"):
        grade({"right": reference})


def test_a_probe_is_a_function_of_probes_py(mini: Course, grade: Grade, reference: str) -> None:
    """Only that file is sent to the worker; anything else is the suite's fault."""
    suite = mini.lectures[0].home / "test_hidden.py"
    inner = "close(student.run(lambda m: m.extra([1, 2, 3])), 6)"
    suite.write_text(suite.read_text().replace("close(student.extra([1, 2, 3]), 6)", inner))
    report = grade({"right": reference})["right"]
    assert outcomes(report)["extra"] == "broken"
    assert "student.run takes a function of probes.py" in report.tasks[-1].tests[0].detail


def test_probes_that_can_t_be_imported_are_the_author_s(
    mini: Course, grade: Grade, reference: str
) -> None:
    """One sentence with the file; nothing is graded."""
    probes = mini.lectures[0].home / "probes.py"
    probes.write_text("import torhc\n")
    with pytest.raises(CourseError, match=r"probes\.py: it can't be imported: ModuleNotFoundError"):
        grade({"right": reference})


def test_a_probe_of_another_lecture_is_never_taken(
    mini: Course, grade: Grade, reference: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a `probes` elsewhere nor the submission's own stands for the lecture's."""
    (tmp_path / "probes.py").write_text("raise SystemExit('the wrong probes')\n")
    monkeypatch.syspath_prepend(tmp_path)
    course = load_course(mini.root)
    options = GradeOptions(course, course.lectures[0], layers=machine.available())
    files = {"sums.py": reference.encode(), "probes.py": b"def counted(m, xs):\n    return 0\n"}
    (report,) = grade_submissions(options, [Submission(name="a", files=files)], many=False)
    assert outcomes(report) == everything("passed")


def test_a_call_that_changes_its_caller_s_things_fails(
    mini: Course, grade: Grade, reference: str
) -> None:
    """Arguments, grad mode and default dtype are as before, unless the task may change them."""
    body = 'return torch.einsum("nm->n", x)'
    assert body in reference
    texts = {
        "argument": reference.replace(body, f"x += 1; {body}"),
        "modes": reference.replace(body, f"torch.set_grad_enabled(False); {body}"),
        "dtype": reference.replace(body, f"torch.set_default_dtype(torch.float64); {body}"),
    }
    details = {name: report.tasks[1].tests[0].detail for name, report in grade(texts).items()}
    assert "row_sums changed its argument 1" in details["argument"]
    assert "row_sums turned gradients off and not on again" in details["modes"]
    assert "row_sums changed torch's default dtype" in details["dtype"]
    toml = mini.lectures[0].home / "lecture.toml"
    toml.write_text(toml.read_text().replace('id = "row_sums"', 'id = "row_sums"\nmutates = true'))
    after = reference.replace(body, "y = torch.einsum('nm->n', x); x += 1; return y")
    assert outcomes(grade({"a": after})["a"])["row_sums"] == "passed"


def test_a_family_of_tests_is_a_table(mini: Course, grade: Grade, reference: str) -> None:
    """A row is a test; its values fill the title and the task's name."""
    suite = mini.lectures[0].home / "test_hidden.py"
    family = """

@task("{name}")
@each(name=("double", "extra"), given=(4, [1, 2]), expected=(8, 3))
def test_family(student, name, given, expected):
    \"\"\"{name} of {given} is {expected}: {{braces}} stay.\"\"\"
    close(getattr(student, name)(given), expected)
"""
    text = suite.read_text().replace("import close, task", "import close, each, task")
    suite.write_text(text + family)
    report = grade({"right": reference})["right"]
    titles = [test.title for task in report.tasks for test in task.tests]
    assert "double of 4 is 8: {braces} stay." in titles
    assert "extra of [1, 2] is 3: {braces} stay." in titles
    suite.write_text(text + family.replace("{given}", "{nothing}"))
    with pytest.raises(CourseError, match="name columns of @each"):
        grade({"right": reference})


def test_kills_are_counted_and_the_rest_of_a_task_is_not_started(
    mini: Course, grade: Grade, reference: str
) -> None:
    """After three kills a task's other tests would only cost time."""
    suite = mini.lectures[0].home / "test_hidden.py"
    more = "".join(
        f'\n\n@task("double")\ndef test_more_{i}(student):\n    """More."""\n'
        f"    close(student.double({i}), {2 * i})\n"
        for i in range(4)
    )
    suite.write_text(suite.read_text() + more)
    toml = mini.root / "course.toml"
    toml.write_text(toml.read_text().replace("call = 1.0", "call = 0.3"))
    endless = reference.replace("return 2 * x", "while True: pass")
    tests = grade({"endless": endless})["endless"].tasks[0].tests
    assert [test.outcome for test in tests] == ["timeout"] * 6
    assert sum("not started" in test.detail for test in tests) == 3


def test_a_submission_has_so_many_seconds_in_all(
    mini: Course, grade: Grade, reference: str
) -> None:
    """Calls that each stay under their limit still end."""
    toml = mini.root / "course.toml"
    toml.write_text(toml.read_text().replace("submission = 20.0", "submission = 0.3"))
    slow = reference.replace("return 2 * x", "import time; time.sleep(0.25); return 2 * x")
    report = grade({"slow": slow})["slow"]
    assert "used up its 0.3 seconds" in report.tasks[-1].tests[0].detail


def test_a_suite_process_that_dies_is_started_again(
    mini: Course, grade: Grade, reference: str
) -> None:
    """Twice with the same submission: that one is broken, with no points; the others are graded."""
    suite = mini.lectures[0].home / "test_hidden.py"
    deadly = (
        "import os\n    if student.extra([7]) == 'die': os._exit(9)\n"
        "    close(student.extra([1, 2, 3]), 6)"
    )
    suite.write_text(suite.read_text().replace("close(student.extra([1, 2, 3]), 6)", deadly))
    dies = reference.replace("return sum(xs)", "return 'die'")
    reports = grade({"before": reference, "dies": dies, "after": reference})
    assert outcomes(reports["before"]) == outcomes(reports["after"]) == everything("passed")
    assert outcomes(reports["dies"]) == everything("broken")
    assert reports["dies"].score == 0
    assert "grade it by hand" in reports["dies"].problem


@pytest.mark.parametrize("victim", ["fork server", "worker server"])
def test_a_process_of_ours_that_is_killed_is_replaced(
    mini: Course, grade: Grade, reference: str, victim: str
) -> None:
    """The fork server, or a worker server, ends by SIGKILL during a class: all are graded."""
    suite = mini.lectures[0].home / "test_hidden.py"
    up = (
        "os.getppid()" if victim == "fork server" else "max(int(p) for p in others if int(p) != me)"
    )
    kill = (
        "import os, pathlib, signal\n    me = os.getpid()\n"
        f"    flag = pathlib.Path({str(mini.root)!r}, 'killed')\n"
        "    others = pathlib.Path(f'/proc/{os.getppid()}/task/{os.getppid()}/children')"
        ".read_text().split()\n"
        f"    if not flag.exists(): flag.touch(); os.kill({up}, signal.SIGKILL)\n"
        "    close(student.extra([1, 2, 3]), 6)"
    )
    suite.write_text(suite.read_text().replace("close(student.extra([1, 2, 3]), 6)", kill))
    reports = grade(dict.fromkeys("abc", reference))
    assert {name: outcomes(report) for name, report in reports.items()} == {
        name: everything("passed") for name in "abc"
    }


def test_a_submission_that_cannot_be_read_is_reported_for_itself_alone(mini: Course) -> None:
    """Its sentence is in its report, with the same tests as everybody's."""
    options = GradeOptions(mini, mini.lectures[0], layers=machine.available())
    bad = Submission(name="bad", problem="there is no sums.py", outcome=Outcome.MISSING)
    (report,) = grade_submissions(options, [bad], many=False)
    assert (report.problem, report.score) == (bad.problem, 0)
    assert outcomes(report) == everything("missing")
    assert sum(len(task.tests) for task in report.tasks) == 8


def test_a_lecture_needs_its_device(mini: Course, reference: str) -> None:
    """Asked for a device that isn't there, we say so and grade nobody."""
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    options = GradeOptions(
        load_course(mini.root), mini.lectures[0], device="cuda", start_method="spawn"
    )
    with pytest.raises(MachineError, match="no cuda device; use --device cpu"):
        list(
            grade_submissions(
                options, [Submission(name="a", files={"sums.py": reference.encode()})], many=False
            )
        )


@pytest.mark.parametrize(
    ("code", "argument", "says"),
    [
        ("@pytest.mark.skipif(True, reason='no')", "", "@pytest.mark.skipif has no effect here"),
        ("", ", tmp_path", "there is no fixture tmp_path"),
        ("", ", rgn", 'there is no fixture rgn; did you mean "rng"?'),
    ],
)
def test_a_test_is_a_plain_function(
    mini: Course, grade: Grade, reference: str, code: str, argument: str, says: str
) -> None:
    """Other marks and fixtures of pytest's are an error, not silently without effect."""
    suite = mini.lectures[0].home / "test_hidden.py"
    text = suite.read_text().replace("import torch\n", "import pytest\nimport torch\n")
    text = text.replace('@task("extra")', f'{code}\n@task("extra")')
    suite.write_text(text.replace("def test_extra(student", f"def test_extra(student{argument}"))
    with pytest.raises(CourseError, match=re.escape(says)):
        grade({"right": reference})


def test_a_test_may_be_parametrised(mini: Course, grade: Grade, reference: str) -> None:
    """pytest's own parametrize works too."""
    suite = mini.lectures[0].home / "test_hidden.py"
    text = suite.read_text().replace("import torch\n", "import pytest\nimport torch\n")
    text = text.replace('@task("extra")', "@pytest.mark.parametrize('n', [1, 2])\n@task('extra')")
    suite.write_text(text.replace("def test_extra(student", "def test_extra(student, n"))
    report = grade({"right": reference})["right"]
    assert len(report.tasks[-1].tests) == 2
    assert report.score == 9


def test_pytest_s_own_words_are_understood(mini: Course, grade: Grade, reference: str) -> None:
    """`pytest.fail` is a failure, `pytest.skip` a skip with its reason."""
    suite = mini.lectures[0].home / "test_hidden.py"
    text = suite.read_text().replace("import torch\n", "import pytest\nimport torch\n")
    fail = "if student.extra([1]) != 1: pytest.fail('one is one')\n    pytest.skip('enough')"
    suite.write_text(text.replace("close(student.extra([1, 2, 3]), 6)", fail))
    reports = grade({"right": reference, "wrong": reference.replace("return sum(xs)", "return 0")})
    assert reports["right"].tasks[-1].tests[0].summary == "enough"
    assert outcomes(reports["wrong"])["extra"] == "failed"
    assert reports["wrong"].tasks[-1].tests[0].detail == "one is one"
