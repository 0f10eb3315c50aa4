"""A class is graded: each kind of wrong work has its own outcome, and costs nobody else."""

from __future__ import annotations

import re

import msgspec
import pytest
from conftest import Grade, outcomes

from autograder import batch, jail
from autograder.course import Course, load_course
from autograder.errors import CourseError
from autograder.pool import Plan
from autograder.stub import cut
from autograder.submission import Submission

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
    assert "ValueError: odd\nsums.py, line 13, in double" in reports["raises"].tasks[0].tests[0].why
    assert "torch.Tensor.sum may not be called" in reports["forbidden"].tasks[1].tests[0].why


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
    """What stands in probes.py is imported by both, and decides a verdict as they do."""
    home = mini.lectures[0].home
    (home / "probes.py").write_text("def twice(m, x):\n    return m.double(x)\n")
    for name in ("test_visible.py", "test_hidden.py"):
        text = (home / name).read_text()
        text = text.replace("import torch", "import torch\nfrom probes import twice", 1)
        (home / name).write_text(text.replace("student.double(3)", "student.run(twice, 3)"))
    wrong = reference.replace("return 2 * x", "return 3 * x")
    reports = grade({"right": reference, "wrong": wrong})
    assert outcomes(reports["right"]) == everything("passed")
    assert outcomes(reports["wrong"])["double"] == "failed"
    (home / "probes.py").write_text("def twice(m, x):\n    return m.double(x) + 1\n")
    again = grade({"right": reference})["right"]
    assert again.suite != reports["right"].suite
    assert outcomes(again)["double"] == "broken"


def test_points_are_shares_and_a_bonus_is_on_top(grade: Grade, reference: str) -> None:
    """Half of a task's tests give half of its points, unless it is all or nothing."""
    half = reference.replace("return 2 * x", "return 6")
    column = reference.replace("x / row_sums(x)[:, None]", "torch.ones_like(x)")
    reports = grade({"right": reference, "half": half, "column": column})
    assert (reports["right"].score, reports["right"].points) == (9, 8)
    assert reports["half"].score == 8.5
    assert reports["column"].score == 6


def test_a_known_mistake_is_named_also_among_others(grade: Grade, reference: str) -> None:
    """Two mistakes in two tasks are both named; a wrong answer of its own kind is not."""
    both = reference.replace("2 * x", "x * x").replace("self.seen.append(x)", "self.seen = [x]")
    own = reference.replace("2 * x", "x - 1")
    reports = grade({"both": both, "own": own})
    named = {task.id: task.mistake and task.mistake.id for task in reports["both"].tasks}
    assert named["double"] == "square"
    assert named["Counter"] == "last"
    assert reports["own"].tasks[0].mistake is None


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


def test_an_answer_that_a_suite_trips_over_is_the_students(
    mini: Course, grade: Grade, reference: str
) -> None:
    """A test that unpacks None raises TypeError; since the reference passes, it is `failed`."""
    suite = mini.lectures[0].home / "test_hidden.py"
    suite.write_text(
        suite.read_text().replace("close(student.extra([1, 2, 3]), 6)", "1 + student.extra([1, 2])")
    )
    report = grade({"none": reference.replace("return sum(xs)", "return None")})["none"]
    assert outcomes(report)["extra"] == "failed"
    assert "could not be used" in report.tasks[-1].tests[0].why


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


def plainly(reports: dict[str, object]) -> dict[str, bytes]:
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


def printed(report: object) -> dict[str, str]:
    return {test.id: test.output for task in report.tasks for test in task.tests}  # type: ignore[attr-defined]


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
    """Tests without a task and tasks without a test are the author's to mend."""
    suite = mini.lectures[0].home / "test_hidden.py"
    suite.write_text(suite.read_text().replace(*change))
    with pytest.raises(CourseError, match=re.escape(says)):
        grade({"right": reference})


def test_a_visible_test_may_not_ask_the_reference(
    mini: Course, grade: Grade, reference: str
) -> None:
    """A released course has none, so the author hears of it now."""
    suite = mini.lectures[0].home / "test_visible.py"
    suite.write_text(
        suite.read_text().replace("def test_three(student)", "def test_three(student, reference)")
    )
    report = grade({"right": reference})["right"]
    assert outcomes(report)["double"] == "broken"
    assert "a visible test can't ask the reference" in report.tasks[0].tests[0].why


def test_a_probe_that_leans_on_its_surroundings_is_broken(
    mini: Course, grade: Grade, reference: str
) -> None:
    """Only its text crosses, so a closure would fail over there: our fault, and said so."""
    suite = mini.lectures[0].home / "test_hidden.py"
    inner = "limit = 3\n    def probe(m):\n        return limit\n    close(student.run(probe), 3)"
    suite.write_text(suite.read_text().replace("close(student.extra([1, 2, 3]), 6)", inner))
    report = grade({"right": reference})["right"]
    assert outcomes(report)["extra"] == "broken"
    assert "limit lies outside of it" in report.tasks[-1].tests[0].why


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
    assert sum("not started" in test.why for test in tests) == 3


def test_a_submission_has_so_many_seconds_in_all(
    mini: Course, grade: Grade, reference: str
) -> None:
    """Calls that each stay under their limit still end."""
    toml = mini.root / "course.toml"
    toml.write_text(toml.read_text().replace("submission = 20.0", "submission = 0.3"))
    slow = reference.replace("return 2 * x", "import time; time.sleep(0.25); return 2 * x")
    report = grade({"slow": slow})["slow"]
    assert "used up its 0.3 seconds" in report.tasks[-1].tests[0].why


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


@pytest.mark.parametrize("victim", ["image", "zygote"])
def test_a_process_of_ours_that_is_killed_is_replaced(
    mini: Course, grade: Grade, reference: str, victim: str
) -> None:
    """The image, or the workers' parent, ends by SIGKILL amid a class: all are graded."""
    suite = mini.lectures[0].home / "test_hidden.py"
    up = "os.getppid()" if victim == "image" else "max(int(p) for p in others if int(p) != me)"
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


def test_a_hand_in_that_cannot_be_read_is_reported_for_itself_alone(mini: Course) -> None:
    """Its sentence stands in its report, with the same tests as everybody's."""
    plan = Plan(mini, mini.lectures[0], layers=jail.available())
    bad = Submission("bad", problem="there is no sums.py in the hand-in", outcome="missing")
    (report,) = batch.grade_submissions(plan, [bad], many=False)
    assert (report.problem, report.score) == (bad.problem, 0)
    assert outcomes(report) == everything("missing")
    assert sum(len(task.tests) for task in report.tasks) == 8


def test_a_lecture_needs_its_device(mini: Course, reference: str) -> None:
    """Asked for a device that isn't there, we say so and grade nobody."""
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    plan = Plan(load_course(mini.root), mini.lectures[0], device="cuda", start_method="spawn")
    with pytest.raises(batch.MachineError, match="no cuda device; use --device cpu"):
        list(
            batch.grade_submissions(
                plan, [Submission("a", {"sums.py": reference.encode()})], many=False
            )
        )


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("@pytest.mark.skipif(True, reason='no such device')", "skipped"),
        ("@pytest.mark.parametrize('n', [1, 2, 3])", "passed"),
        ("@pytest.mark.usefixtures('tmp_path')", "passed"),
    ],
)
def test_a_suite_is_plain_pytest(
    mini: Course, grade: Grade, reference: str, code: str, outcome: str
) -> None:
    """Marks, cases and fixtures of pytest's own work; what is skipped takes no points."""
    suite = mini.lectures[0].home / "test_hidden.py"
    text = suite.read_text().replace("import torch\n", "import pytest\nimport torch\n")
    text = text.replace('@task("extra")', f'{code}\n@task("extra")')
    suite.write_text(
        text.replace(
            "def test_extra(student", f"def test_extra(student{', n' * ('parametrize' in code)}"
        )
    )
    report = grade({"right": reference})["right"]
    assert outcomes(report)["extra"] == outcome
    assert report.score == 9


def test_pytest_s_own_words_are_understood(mini: Course, grade: Grade, reference: str) -> None:
    """`pytest.fail` is a failure, `pytest.skip` a skip with its reason."""
    suite = mini.lectures[0].home / "test_hidden.py"
    text = suite.read_text().replace("import torch\n", "import pytest\nimport torch\n")
    fail = "if student.extra([1]) != 1: pytest.fail('one is one')\n    pytest.skip('enough')"
    suite.write_text(text.replace("close(student.extra([1, 2, 3]), 6)", fail))
    reports = grade({"right": reference, "wrong": reference.replace("return sum(xs)", "return 0")})
    assert reports["right"].tasks[-1].tests[0].reason == "enough"
    assert outcomes(reports["wrong"])["extra"] == "failed"
    assert reports["wrong"].tasks[-1].tests[0].why == "one is one"
