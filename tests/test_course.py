"""A course on disk: what is found in it, and the one sentence that each fault gets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.course import SECRET_VARIABLE, Course, find_course, load_course
from autograder.errors import CourseError, UsageError

LECTURE = """\
title = "Sums"

[[task]]
id = "double"
file = "sums.py"
points = 1

[[task]]
id = "Counter.add"
file = "sums.py"
points = 2
after = ["double"]

[[task]]
id = "share"
file = "more.py"
points = 3.5
after = ["Counter.add"]
"""
COURSE = 'name = "small"\ntitle = "Small"\nlectures = ["l01_sums", "l02_bigram"]\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A course of two lectures."""
    (tmp_path / "course.toml").write_text(COURSE)
    for name in ("l01_sums", "l02_bigram"):
        home = tmp_path / "solutions" / name
        home.mkdir(parents=True)
        (home / "lecture.toml").write_text(LECTURE.replace("share", f"share_{name[1:3]}"))
        for file in ("sums.py", "more.py", "test_visible.py", "test_hidden.py"):
            (home / file).touch()
    return tmp_path


@pytest.fixture
def course(root: Path) -> Course:
    return load_course(root)


Fault = Callable[..., str]


@pytest.fixture
def fault(root: Path) -> Fault:
    """Put `new` for `old` in a file of the course; the sentence that comes of it."""

    def told(file: str, old: str = "", new: str = "") -> str:
        path = root / file
        if old:
            assert old in path.read_text()
            path.write_text(path.read_text().replace(old, new, 1))
        with pytest.raises(CourseError) as caught:
            load_course(root)
        text = str(caught.value)
        assert "\n" not in text
        assert text.startswith(str(root))
        return text.removeprefix(f"{root}/")

    return told


TOML = "solutions/l01_sums/lecture.toml"


# What is found


def test_a_course_is_read(course: Course) -> None:
    """Lectures in order, tasks in order, what isn't said has its default."""
    assert [lecture.id for lecture in course.lectures] == ["l01_sums", "l02_bigram"]
    lecture = course.lectures[0]
    assert [task.points for task in lecture.tasks] == [1, 2, 3.5]
    assert lecture.files == ("sums.py", "more.py")
    assert [path.name for path in lecture.suites] == ["test_visible.py", "test_hidden.py"]
    assert lecture.tasks[0].stubs == ("double",)
    assert (course.limits.call, course.tolerances, course.released) == (5.0, {}, False)
    assert course.exercises == course.root / "exercises"


def test_limits_tolerances_and_functions_are_read(root: Path) -> None:
    """Everything that a course may say about itself."""
    more = "[limits]\ncall = 1\n[tolerances.cpu]\nfloat32 = [1e-3, 0]\n[tolerances.mps]\n"
    (root / "course.toml").write_text(COURSE + 'imports = ["torch"]\n' + more)
    file = root / TOML
    file.write_text(file.read_text().replace('"double"\n', '"double"\nfunctions = ["a", "b"]\n', 1))
    course = load_course(root)
    assert (course.limits.call, course.limits.submission) == (1.0, 60.0)
    assert course.tolerances == {"cpu": {"float32": (1e-3, 0.0)}, "mps": {}}
    assert course.imports == ("torch",)
    assert course.lectures[0].tasks[0].stubs == ("a", "b")


def test_what_a_lecture_forbids_is_forbidden_in_each_task(root: Path) -> None:
    """Before what the task forbids itself."""
    file = root / TOML
    more = file.read_text().replace('"double"\n', '"double"\nforbid = ["torch.sum"]\n', 1)
    file.write_text('forbid = ["torch.einsum"]\n' + more)
    forbidden = [task.forbid for task in load_course(root).lectures[0].tasks]
    assert forbidden == [("torch.einsum", "torch.sum"), ("torch.einsum",), ("torch.einsum",)]


@pytest.mark.parametrize("name", ["l02_bigram", "2", "bigram"])
def test_a_lecture_has_three_names(course: Course, name: str) -> None:
    """Folder, number, name."""
    assert course.lecture(name).id == "l02_bigram"
    assert course.find(name) == (course.lectures[1], None)


@pytest.mark.parametrize(
    ("text", "lecture", "task"),
    [
        ("1.double", "l01_sums", "double"),
        ("bigram.share_02", "l02_bigram", "share_02"),
        ("l02_bigram.Counter.add", "l02_bigram", "Counter.add"),
        ("2.add", "l02_bigram", "Counter.add"),
        ("share_02", "l02_bigram", "share_02"),
        ("Counter.add", "l01_sums", "Counter.add"),
        ("add", "l01_sums", "Counter.add"),
    ],
)
def test_a_task_is_found(course: Course, text: str, lecture: str, task: str) -> None:
    """With its lecture or alone, whole or by its last part."""
    found, named = course.find(text)
    assert named is not None
    assert (found.id, named.id) == (lecture, task)


def test_a_name_without_a_number_is_its_own_name(root: Path) -> None:
    """A folder needn't be numbered, and zeros don't count."""
    (root / "course.toml").write_text(COURSE.replace("l02_bigram", "intro"))
    (root / "solutions/l02_bigram").rename(root / "solutions/intro")
    course = load_course(root)
    assert [lecture.names for lecture in course.lectures] == [("l01_sums", "1", "sums"), ("intro",)]


def test_what_a_task_builds_on_goes_all_the_way_down(course: Course) -> None:
    """after = the direct ones; Lecture.after = all."""
    after = {"double": (), "Counter.add": ("double",), "share_01": ("Counter.add", "double")}
    assert course.lectures[0].after == after


def test_a_course_is_found_from_inside(root: Path) -> None:
    """From any folder in it."""
    assert find_course(root / "solutions" / "l01_sums").root == root.resolve()


def test_a_released_course_lives_in_exercises(root: Path) -> None:
    """Without solutions/ the visible suite is enough, and nothing hidden is asked for."""
    (root / "solutions").rename(root / "exercises")
    for hidden in root.rglob("test_hidden.py"):
        hidden.unlink()
    course = load_course(root)
    assert course.released
    assert course.lectures[0].released
    assert course.lectures[0].home == root / "exercises" / "l01_sums"
    assert [path.name for path in course.lectures[0].suites] == ["test_visible.py"]


def test_the_secret_is_a_file_or_a_variable(
    course: Course, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None at first; then the file's; the environment's comes before it."""
    monkeypatch.delenv(SECRET_VARIABLE, raising=False)
    assert course.secret == ""
    (root / "solutions" / ".secret").write_text("from the file\n")
    assert course.secret == "from the file"
    monkeypatch.setenv(SECRET_VARIABLE, "from outside")
    assert course.secret == "from outside"


# What isn't there


def test_an_unknown_lecture_has_a_nearest(course: Course) -> None:
    """And all that there are."""
    with pytest.raises(UsageError) as caught:
        course.lecture("bigrams")
    said = 'there is no lecture "bigrams"; did you mean "bigram"? (there are: l01_sums, l02_bigram)'
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("duoble", 'there is no lecture or task "duoble"; did you mean "double"?'),
        ("bigrm", 'there is no lecture or task "bigrm"; did you mean "bigram"?'),
        ("zzz", 'there is no lecture or task "zzz"'),
        ("1.doubel", 'l01_sums has no task "doubel"; did you mean "double"?'),
        ("3.double", 'there is no lecture or task "3.double"; did you mean "double"?'),
    ],
)
def test_an_unknown_task_has_a_nearest(course: Course, text: str, said: str) -> None:
    """The nearest word of those that would have been right."""
    with pytest.raises(UsageError) as caught:
        course.find(text)
    assert str(caught.value) == said


def test_a_last_part_that_two_tasks_have_is_not_enough(root: Path) -> None:
    """It says so, instead of that there is none."""
    (root / TOML).write_text(LECTURE.replace('"share"', '"Box.add"'))
    with pytest.raises(UsageError, match=r"Counter\.add.*Box\.add"):
        load_course(root).lectures[0].task("add")


def test_no_course_here(tmp_path: Path) -> None:
    """What to do about it."""
    with pytest.raises(UsageError, match=r"no course.toml in .* or above: go to the course's fold"):
        find_course(tmp_path)


# What is wrong


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "course.toml",
            "title",
            "titel",
            'course.toml: unknown key "titel"; did you mean "title"?',
        ),
        (
            "course.toml",
            "lectures =",
            "[limits]\ncal = 1\n[x]\nlectures =",
            'course.toml: limits: unknown key "cal"; did you mean "call"?',
        ),
        (
            TOML,
            "points = 1",
            "pionts = 1",
            f'{TOML}: task double: unknown key "pionts"; did you mean "points"?',
        ),
        (TOML, "title", "zzz", f'{TOML}: unknown key "zzz"'),
        (
            TOML,
            'id = "double"\n',
            "ids = 1\n",
            f'{TOML}: task 1: unknown key "ids"; did you mean "id"?',
        ),
        (
            TOML,
            '"share_01"',
            '"double"',
            f'{TOML}: task.id: "double" is there twice',
        ),
        (
            TOML,
            'after = ["double"]',
            'after = ["duoble"]',
            f'{TOML}: task "Counter.add": after: there is no task "duoble"; did you mean "double"?',
        ),
        (
            TOML,
            "points = 1",
            "points = -1",
            f'{TOML}: task "double": points: -1 is negative; write 0 or more',
        ),
        (
            TOML,
            '"sums.py"',
            '"sub/sums.py"',
            f'{TOML}: task "double": file: "sub/sums.py" is not the name of a Python file',
        ),
        (
            TOML,
            '"sums.py"',
            '"sums.txt"',
            f'{TOML}: task "double": file: "sums.txt" is not the name of a Python file',
        ),
        (TOML, "points = 1\n", "", f"{TOML}: task[0]: Object missing required field `points`"),
        (
            TOML,
            "points = 1",
            'points = "1"',
            f"{TOML}: task[0].points: Expected `float`, got `str`",
        ),
        (TOML, "points = 1", "points = 1\nhints = 3", f"{TOML}: task[0].hints: Expected `array`"),
        (TOML, 'title = "Sums"', "", f"{TOML}: top level: Object missing required field `title`"),
        (TOML, 'title = "Sums"', "title = ", f"{TOML}: not TOML: Invalid value (at line 1"),
        ("course.toml", "lectures = [", "lectures = [3, ", "course.toml: lectures[0]: Expected"),
        (
            "course.toml",
            '"l02_bigram"',
            '"l01_sums"',
            'course.toml: lectures: "l01_sums" is there twice',
        ),
    ],
    ids=lambda value: "",
)
def test_a_fault_is_one_sentence(fault: Fault, file: str, old: str, new: str, said: str) -> None:
    """File, key, and the nearest word."""
    assert fault(file, old, new).startswith(said)


def test_the_lecture_s_folder_is_missing(fault: Fault, root: Path) -> None:
    """The nearest folder is named."""
    said = fault("course.toml", "l02_bigram", "l02_bigrams")
    home = root / "solutions" / "l02_bigrams"
    assert said == (
        f'course.toml: lectures: there is no folder {home} for "l02_bigrams";'
        ' did you mean "l02_bigram"?'
    )


def test_a_task_s_file_is_missing(fault: Fault, root: Path) -> None:
    """The nearest file is named."""
    path = root / "solutions" / "l01_sums" / "summs.py"
    said = f'{TOML}: task "double": file: there is no {path}; did you mean "sums.py"?'
    assert fault(TOML, '"sums.py"', '"summs.py"') == said


def test_a_lecture_without_tasks(fault: Fault, root: Path) -> None:
    """There is nothing to do in it."""
    (root / TOML).write_text('title = "Nothing"\ntask = []\n')
    assert fault(TOML) == f"{TOML}: task: there is none; write a [[task]] for each thing to do"


@pytest.mark.parametrize("name", ["test_visible.py", "test_hidden.py"])
def test_a_suite_is_missing(fault: Fault, root: Path, name: str) -> None:
    """A course with solutions has both."""
    (root / "solutions/l01_sums" / name).unlink()
    assert fault(TOML) == f"solutions/l01_sums/{name}: the file is missing; it holds tests"


@pytest.mark.parametrize("file", ["course.toml", TOML])
def test_a_toml_file_is_missing_or_not_text(fault: Fault, root: Path, file: str) -> None:
    """Not UTF-8 is told with the place."""
    (root / file).write_bytes(b'title = "\xff"')
    assert fault(file) == f"{file}: not UTF-8 at byte 9; save it as UTF-8"
    (root / file).unlink()
    assert fault(file) == f"{file}: the file is missing"


def test_a_circle_of_tasks_is_told_in_its_order(fault: Fault) -> None:
    """Each is after the next, as it is written."""
    said = fault(TOML, "points = 1\n", 'points = 1\nafter = ["share_01"]\n')
    turns = [
        '"double" after "share_01" after "Counter.add" after "double"',
        '"share_01" after "Counter.add" after "double" after "share_01"',
        '"Counter.add" after "double" after "share_01" after "Counter.add"',
    ]
    assert said in [f"{TOML}: after: a circle of tasks: {turn}" for turn in turns]


def test_a_task_after_itself(fault: Fault) -> None:
    """The smallest circle."""
    said = fault(TOML, "points = 1\n", 'points = 1\nafter = ["double"]\n')
    assert said == f'{TOML}: after: a circle of tasks: "double" after "double"'


@pytest.mark.parametrize("points", ["nan", "inf"])
def test_points_are_a_number_that_can_be_added(fault: Fault, points: str) -> None:
    """TOML knows nan and inf; a score doesn't."""
    assert f'{TOML}: task "double": points: ' in fault(TOML, "points = 1", f"points = {points}")
