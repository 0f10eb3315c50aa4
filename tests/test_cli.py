"""The command, as each of its users calls it: the real program in a second process."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import Command

from autograder.course import Course, load_course
from autograder.sandbox.memory import descendants
from autograder.suite.stub import cut


@pytest.fixture
def class_folder(tmp_path: Path, reference: str) -> Path:
    """Three students."""
    folder = tmp_path / "class"
    for name, text in {
        "ada": reference,
        "bob": reference.replace("2 * x", "x * x"),
        "cyd": cut(reference, "sums.py"),
    }.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "sums.py").write_text(text)
    return folder


def test_a_student_fills_a_stub_and_checks_it(mini: Course, autograder: Command) -> None:
    """Untouched: missing, exit 1. A wrong line: named. The right one: exit 0 for that task."""
    first = autograder("check")
    assert first.returncode == 1
    assert first.stdout.count("missing") == 5
    work = mini.exercises / "l01_sums" / "sums.py"
    stub = work.read_text()
    work.write_text(stub.replace('raise NotImplementedError("double")', "return x * x"))
    wrong = autograder("check", "double")
    assert wrong.returncode == 1
    assert "Twice three is six." in wrong.stdout
    assert "got 9, expected 6" in wrong.stdout
    assert "It squares" in wrong.stdout
    assert "autograder hint double" in wrong.stdout
    work.write_text(stub.replace('raise NotImplementedError("double")', "return x + x"))
    assert autograder("check", "sums.double").returncode == 0


def test_a_task_alone_still_knows_what_it_builds_on(
    mini: Course, autograder: Command, reference: str
) -> None:
    """Checked alone, it is blocked by what isn't right yet, and only it is shown."""
    work = mini.exercises / "l01_sums" / "sums.py"
    work.write_text(reference.replace('"nm->n"', '"nm->m"'))
    done = autograder("check", "share")
    assert "blocked" in done.stdout
    assert "row_sums" not in done.stdout


def test_the_student_does_not_see_what_a_hidden_test_asked(
    mini: Course, autograder: Command, tmp_path: Path
) -> None:
    """Sentence and name of a hidden failure are told, its numbers and output are not."""
    work = mini.exercises / "l01_sums" / "sums.py"
    text = work.read_text().replace(
        'raise NotImplementedError("extra")', "print(xs); return 770077"
    )
    work.write_text(text)
    out = tmp_path / "report.json"
    done = autograder("check", "extra", "--json", out)
    assert "The sum of a list." in done.stdout
    assert "770077" not in done.stdout
    assert "770077" not in out.read_text()
    assert "[1, 2, 3]" not in out.read_text()


def test_hints_come_one_by_one(autograder: Command) -> None:
    """The first is a nudge; after the last they start again, all of them."""
    said = [autograder("hint", "double").stdout for _ in range(3)]
    assert said[0] == "1/2  Twice as much.\n"
    assert said[1] == "2/2  A number plus itself.\n"
    assert said[2] == said[0] + said[1]


def test_a_self_learner_looks_at_the_solution(autograder: Command) -> None:
    """The reference of one task, without markers."""
    shown = autograder("show", "Counter").stdout
    assert "self.seen.append(x)" in shown
    assert "return sum(self.seen)" in shown
    assert "SOLUTION" not in shown
    assert "einsum" not in shown


def test_an_instructor_grades_reports_and_grades_again(
    autograder: Command, class_folder: Path, tmp_path: Path
) -> None:
    """Reports, table, every format; a second run grades only what changed."""
    out = tmp_path / "results"
    first = autograder("grade", "1", class_folder, "--out", out)
    assert first.returncode == 0, first.stderr
    assert "double: failed (square)" in first.stdout
    names = sorted(path.name for path in (out / "l01_sums").iterdir())
    assert names == ["ada.json", "bob.json", "cyd.json"]
    before = {path.name: path.stat().st_mtime_ns for path in (out / "l01_sums").iterdir()}
    with (class_folder / "cyd" / "sums.py").open("a") as file:
        file.write("\n")
    again = autograder("grade", "1", class_folder, "--out", out)
    after = {path.name: path.stat().st_mtime_ns for path in (out / "l01_sums").iterdir()}
    assert [name for name in before if before[name] != after[name]] == ["cyd.json"]
    assert first.stdout == again.stdout
    for kind in ("html", "csv", "junit", "json"):
        done = autograder("report", out, "--format", kind)
        assert done.returncode == 0
        assert "bob" in done.stdout
    page = tmp_path / "page.html"
    assert autograder("report", out, "--out", page).stdout == f"{page}: 3 reports\n"
    assert "It squares" in page.read_text()
    whole = page.read_bytes()
    command = [sys.executable, "-m", "autograder.cli", "report", out, "--out", page]
    small = ["sh", "-c", 'ulimit -f 1; exec "$@"', "sh", *map(str, command)]
    done = subprocess.run(small, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (
        2,
        f"autograder: {page} can't be written: File too large\n",
    )
    assert page.read_bytes() == whole
    assert list(tmp_path.glob(".*")) == []
    assert autograder("report", out, "--out", "/dev/stdout").stdout.startswith("<!")


def test_a_class_hands_in_the_whole_course(
    mini: Course, autograder: Command, tmp_path: Path, reference: str
) -> None:
    """One entry per student with a folder per lecture: reports of each, totals, one page."""
    more = mini.root / "solutions" / "l02_more"
    shutil.copytree(mini.lectures[0].home, more)
    (more / "sums.py").rename(more / "more.py")
    lecture_toml = (more / "lecture.toml").read_text()
    (more / "lecture.toml").write_text(lecture_toml.replace('"sums.py"', '"more.py"'))
    toml = mini.root / "course.toml"
    toml.write_text(toml.read_text().replace('["l01_sums"]', '["l01_sums", "l02_more"]'))
    for path in ("ada/l01_sums/sums.py", "ada/l02_more/more.py", "bob/l02_more/more.py"):
        file = tmp_path / "class" / path
        file.parent.mkdir(parents=True)
        file.write_text(reference)
    out = tmp_path / "results"
    done = autograder("grade", "--all", tmp_path / "class", "--out", out)
    assert done.returncode == 0, done.stderr
    assert re.search(r"ada +18 +16 +9 +9\n", done.stdout)
    assert re.search(r"bob +9 +16 +0 +9\n", done.stdout)
    assert "4 reports" in done.stdout
    page = (out / "all.html").read_text()
    assert "2 students, 2 lectures" in page
    for wrong in (("--all", "l01_sums", tmp_path), ("--all",), (tmp_path,)):
        done = autograder("grade", *wrong, "--out", out)
        assert done.returncode == 2
        assert "write `grade LECTURE SUBMISSIONS` or `grade --all SUBMISSIONS`" in done.stderr


def test_ctrl_c_leaves_whole_reports_and_no_process(
    mini: Course, class_folder: Path, tmp_path: Path, reference: str
) -> None:
    """What was finished is on disk, whole; nothing else is left; the next run goes on."""
    toml = mini.root / "course.toml"
    toml.write_text(toml.read_text().replace("call = 1.0", "call = 15.0"))
    endless = reference.replace("return 2 * x", "while True: pass")
    for name in ("zoe", "zora"):
        (class_folder / name).mkdir()
        (class_folder / name / "sums.py").write_text(endless)
    out = tmp_path / "results"
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "autograder.cli", "grade", "1", class_folder, "--out", out],
        cwd=mini.root,
        env=os.environ | {"TMPDIR": str(temporary)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("3/5"):
            break
    started = descendants(process.pid)
    assert started
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert said.strip() == "autograder: interrupted; what was finished is written"
    assert left_of(started) == []
    assert list(temporary.iterdir()) == []
    reports = sorted(path.name for path in (out / "l01_sums").iterdir())
    assert reports == ["ada.json", "bob.json", "cyd.json"]
    assert all(json.loads((out / "l01_sums" / name).read_text())["format"] == 2 for name in reports)


def test_kill_9_leaves_no_process(
    mini: Course, class_folder: Path, tmp_path: Path, reference: str
) -> None:
    """With the one who started them gone, all others go too."""
    (class_folder / "ada" / "sums.py").write_text(
        reference.replace("return 2 * x", "while True: pass")
    )
    command = [sys.executable, "-m", "autograder.cli", "grade", "1", str(class_folder)]
    with subprocess.Popen(
        [*command, "--out", str(tmp_path / "r")],
        cwd=mini.root,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stderr is not None
        process.stderr.readline()
        started = descendants(process.pid)
        process.kill()
    assert started
    assert left_of(started) == []


def left_of(started: list[int]) -> list[int]:
    """Those that still live: the kernel ends a killed one's children a moment after it."""
    deadline = time.monotonic() + 10
    while any(alive(pid) for pid in started) and time.monotonic() < deadline:
        os.sched_yield()
    return [pid for pid in started if alive(pid)]


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def test_a_released_course_gives_nothing_away_and_works(
    mini: Course, autograder: Command, tmp_path: Path
) -> None:
    """No line that is staff's alone; it checks, hints and names mistakes all the same."""
    out = tmp_path / "students"
    assert autograder("release", out).returncode == 0
    text = "\n".join(p.read_text() for p in out.rglob("*") if p.is_file())
    released = {line.strip() for line in text.splitlines()}
    assert secrets(mini) & released == set()
    work = out / "exercises" / "l01_sums" / "sums.py"
    work.write_text(work.read_text().replace('raise NotImplementedError("double")', "return x * x"))
    checked = autograder("check", cwd=out)
    assert checked.returncode == 1
    assert "It squares" in checked.stdout
    assert "Broken" not in checked.stdout
    assert autograder("hint", "double", cwd=out).stdout.startswith("1/2")
    hidden = autograder("check", "share", cwd=out)
    assert (hidden.returncode, "has no visible test" in hidden.stderr) == (2, True)
    shown = autograder("show", "double", cwd=out)
    assert (shown.returncode, "has no solutions" in shown.stderr) == (2, True)
    assert autograder("stubs", cwd=out).returncode == 2
    assert "released course already" in autograder("release", tmp_path / "x", cwd=out).stderr


def secrets(course: Course) -> set[str]:
    """The lines that may not be in a released course: 8 characters or more, and staff's alone."""
    home = course.lectures[0].home
    theirs = set((home / "test_visible.py").read_text().splitlines())
    theirs |= set(cut((home / "sums.py").read_text(), "sums.py").splitlines())
    theirs |= set((home / "lecture.toml").read_text().splitlines())
    staff = [home / name for name in ("sums.py", "test_hidden.py", "mistakes.toml")]
    lines = {line.strip() for path in staff for line in path.read_text().splitlines()}
    return {line for line in lines if len(line) >= 8} - {line.strip() for line in theirs}


def test_stubs_never_destroy_work(mini: Course, autograder: Command) -> None:
    """An edited file is left alone and listed; --force keeps the old text beside the new."""
    assert autograder("stubs", "--check").returncode == 0
    work = mini.exercises / "l01_sums" / "sums.py"
    work.write_text("my own work\n")
    check = autograder("stubs", "--check")
    assert check.returncode == 3
    assert "exercises/l01_sums/sums.py: is out of date; run `autograder stubs`" in check.stderr
    left = autograder("stubs")
    assert "sums.py: not replaced: it was edited" in left.stderr
    assert work.read_text() == "my own work\n"
    assert autograder("stubs", "--force").returncode == 0
    assert "NotImplementedError" in work.read_text()
    assert (work.parent / "sums.py.1.kept").read_text() == "my own work\n"


def test_a_course_checks_itself(mini: Course, autograder: Command) -> None:
    """All is well; then a mistake that no test catches, and a suite that an odd answer breaks."""
    good = autograder("verify")
    assert good.returncode == 0, good.stderr
    assert (
        "5 of 5 mistakes fail where they should and are diagnosed (100 %); 0 faults" in good.stdout
    )
    home = mini.lectures[0].home
    mistakes = home / "mistakes.toml"
    mistakes.write_text(mistakes.read_text().replace('"return len(xs)"', '"return sum(xs) + 0"'))
    suite = home / "test_visible.py"
    suite.write_text(
        suite.read_text().replace("close(student.double(3), 6)", "close(student.double(3), 6.5)")
    )
    bad = autograder("verify")
    assert bad.returncode == 3
    assert 'mistake "length" of extra: no test of its task fails' in bad.stderr
    assert "the reference: test_visible.py::test_three: broken" in bad.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["chekc"], 2, 'there is no command "chekc"; did you mean "check"?'),
        (["check", "sumz"], 2, 'no lecture or task "sumz"; did you mean "sums"?'),
        (["check", "1.shaer"], 2, 'l01_sums has no task "shaer"; did you mean "share"?'),
        (["check", "--work", "nowhere"], 2, "nowhere: there is no such folder"),
        (["check", "--device", "tpu"], 2, "Invalid value for '--device'"),
        (["hint", "sums"], 2, "sums is a lecture; name a task: sums.double"),
        (["show", "sums"], 2, "sums is a lecture; name a task: sums.double"),
        (["grade", "1", "nowhere", "--out", "r"], 2, "nowhere: there is no such folder"),
        (["grade", "1", "empty", "--out", "r"], 2, "empty: no submissions in it"),
        (["grade", "1", "exercises"], 2, "Missing option '--out'"),
        (["report", "empty"], 2, "empty: no reports in it"),
        (["report", "empty", "--format", "cvs"], 2, 'no format "cvs"; did you mean "csv"?'),
        (["release", "exercises/x"], 2, "lies in exercises/; name a folder outside of it"),
        (["release", "solutions"], 2, "is there already and not empty; name a new folder"),
        (["run", "1"], 2, "there is no main.py to run"),
        (["demo"], 2, "this course ships no sample class"),
    ],
)
def test_wrong_usage_is_one_clear_sentence(
    mini: Course, autograder: Command, arguments: list[str], code: int, says: str
) -> None:
    """What, where, what to do next; exit code 2; no traceback."""
    (mini.root / "empty").mkdir()
    done = autograder(*arguments)
    assert done.returncode == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_outside_of_a_course(autograder: Command, tmp_path: Path) -> None:
    """It says what it looked for."""
    outside = tmp_path / "outside"
    outside.mkdir()
    done = autograder("check", cwd=outside)
    assert done.returncode == 2
    assert "no course.toml in" in done.stderr


def test_a_wrong_course_is_exit_code_3_and_debug_shows_where(
    mini: Course, autograder: Command
) -> None:
    """One sentence for the author; the traceback only for who asks."""
    toml = mini.lectures[0].home / "lecture.toml"
    toml.write_text(toml.read_text().replace("points = 1\n", "pionts = 1\n", 1))
    done = autograder("check")
    assert done.returncode == 3
    assert 'task double: unknown key "pionts"; did you mean "points"?' in done.stderr
    assert "Traceback" not in done.stderr
    assert "Traceback" in autograder("--debug", "check").stderr


def test_doctor_says_what_works(autograder: Command) -> None:
    """Each layer with a sentence; exit 0 where submissions can be held, 4 where not."""
    done = autograder("doctor")
    assert done.returncode in (0, 4)
    for word in ("landlock", "seccomp", "namespaces", "rlimits", "isolation", "dot"):
        assert word in done.stdout


def test_a_lecture_runs_with_what_the_student_wrote(mini: Course, autograder: Command) -> None:
    """`run` starts the lecture's main.py and hands its options on."""
    main = mini.exercises / "l01_sums" / "main.py"
    main.write_text("import sys\nprint('ran with', sys.argv[1:])\nsys.exit(5)\n")
    done = autograder("run", "sums", "--steps", "3")
    assert (done.returncode, done.stdout) == (5, "ran with ['--steps', '3']\n")


def test_a_results_folder_that_cannot_be_written(
    mini: Course, autograder: Command, class_folder: Path
) -> None:
    """A file where the folder should be: one sentence, nothing half written."""
    (mini.root / "results").mkdir()
    (mini.root / "results" / "l01_sums").write_text("a file\n")
    done = autograder("grade", "1", class_folder, "--out", "results")
    assert done.returncode == 4
    assert "results/l01_sums" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_hand_ins_of_one_name_are_both_graded(
    autograder: Command, class_folder: Path, tmp_path: Path
) -> None:
    """ada/ and ada.py are two entries; each has its report."""
    shutil.copy(class_folder / "ada" / "sums.py", class_folder / "ada.py")
    autograder("grade", "1", class_folder, "--out", tmp_path / "r")
    names = sorted(path.name for path in (tmp_path / "r" / "l01_sums").iterdir())
    assert names == ["ada.json", "ada.py.json", "bob.json", "cyd.json"]


def test_stubs_are_made_of_the_course_as_it_is_now(mini: Course, autograder: Command) -> None:
    """A file that is no longer generated goes, unless it was edited."""
    extra = mini.lectures[0].home / "notes.md"
    extra.write_text("Read me.\n")
    assert "wrote exercises/l01_sums/notes.md" in autograder("stubs").stdout
    extra.unlink()
    assert autograder("stubs", "--check").returncode == 3
    autograder("stubs")
    assert not (mini.exercises / "l01_sums" / "notes.md").exists()
    assert load_course(mini.root).lectures[0].id == "l01_sums"
