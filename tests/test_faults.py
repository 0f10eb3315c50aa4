"""A grading run survives what happens to the machine, and to its own processes.

`make faults` kills hundreds of them; here it is one of each kind, and what else may go wrong.
"""

from __future__ import annotations

import ast
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import faults
import pytest
from conftest import ROOT, Grade, outcomes
from faults import Place, Run

from autograder import pool
from autograder.course import Course
from autograder.errors import WorkerError

INTERRUPTED = "autograder: interrupted; what was finished is written"
MOUNTS = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("unshare") or os.system("unshare -m true") != 0,
    reason="only root can mount",
)


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A class of twelve, and its reports when nothing happens."""
    return faults.undisturbed(tmp_path_factory.mktemp("faults"))


@pytest.fixture
def place(graded: Place) -> Iterator[Place]:
    """The class without reports; at the end no process and nothing temporary is left."""
    shutil.rmtree(graded.results.parent, ignore_errors=True)
    with faults.orphanage():
        yield graded
        assert faults.orphans() == 0
    assert list(graded.temporary.iterdir()) == []


def said(run: Run) -> str:
    """What a command said at its end: one sentence behind what it told of."""
    lines = run.said.decode().splitlines()
    assert [line for line in lines[:-1] if line and "/12 " not in line] == []
    return lines[-1]


def whole(place: Place) -> int:
    """How many reports there are, each as if nothing had happened, and nothing else."""
    found = place.reports()
    assert {name: report for name, report in place.untouched.items() if name in found} == found
    files = sorted(path.name for path in place.results.iterdir())
    assert files == sorted(f"{name}.json" for name in found)
    return len(found)


def finishes(place: Place) -> None:
    """The same command once more grades who is left."""
    run = Run(place)
    assert run.finish() == 0
    assert whole(place) == 12


@pytest.mark.parametrize("kind", faults.FEW | faults.MANY)
def test_a_kill_costs_nobody_anything(place: Place, kind: str) -> None:
    """Amid the class one process ends by SIGKILL: all reports are as ever."""
    seen = faults.disturb(place, kind, 1, random.Random(7))
    assert {what: count for what, count in seen.items() if count} == {"runs": 1, "kills": 1}
    assert whole(place) == 12


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_command_and_loses_nothing(place: Place, number: int) -> None:
    """Finished reports are whole, it says so, and the next run goes on."""
    run = Run(place)
    while len(run.told) < 3:
        run.follow()
    run.process.send_signal(number)
    assert run.finish() == 128 + number
    assert said(run) == INTERRUPTED
    assert 3 <= whole(place) < 12
    finishes(place)


def test_a_terminal_that_goes_away_may_be_ignored(place: Place) -> None:
    """As `nohup` calls it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        run = Run(place)
    finally:
        signal.signal(signal.SIGHUP, before)
    while not run.told:
        run.follow()
    run.process.send_signal(signal.SIGHUP)
    assert run.finish() == 0
    assert whole(place) == 12


@MOUNTS
def test_a_full_disk(place: Place) -> None:
    """Half a report is none; those before it are kept."""
    out, kept = place.results.parent, place.folder / "kept"
    before = f"mkdir {out}; mount -t tmpfs -o size=24k none {out}"
    run = Run(place, f'{before}\n"$@" || {{ code=$?; cp -r {out}/. {kept}; exit $code; }}')
    assert run.finish() == 4
    assert "No space left on device; mend that and grade again: what was finished" in said(run)
    shutil.copytree(kept, out, dirs_exist_ok=True)
    assert 1 <= whole(place) < 12
    finishes(place)


@MOUNTS
def test_a_results_folder_that_is_read_only(place: Place) -> None:
    """Nobody is graded for nothing: it is said before the first."""
    out = place.results.parent
    run = Run(place, f"mkdir {out}; mount --bind {out} {out}; mount -o remount,bind,ro {out}")
    assert run.finish() == 4
    assert said(run).startswith(f"autograder: {place.results} can't be written: Read-only file")
    assert run.told == []
    finishes(place)


def test_results_that_are_a_file(place: Place) -> None:
    """It isn't touched."""
    out = place.results.parent
    out.write_text("mine\n")
    run = Run(place)
    assert run.finish() == 2
    assert f"Directory '{out}' is a file" in run.said.decode()
    assert out.read_text() == "mine\n"
    out.unlink()
    finishes(place)


def test_a_results_folder_that_vanishes(place: Place) -> None:
    """It isn't made again, so that nobody takes half of the class for all of it."""
    run = Run(place)
    while len(run.told) < 3:
        run.follow()
    moved = place.results.parent.rename(place.folder / "moved")
    assert run.finish() == 4
    assert "json can't be written: No such file or directory; mend that" in said(run)
    assert not place.results.parent.exists()
    moved.rename(place.results.parent)
    assert 3 <= whole(place) < 12
    finishes(place)


def test_a_temporary_folder_that_cannot_be_written(place: Place) -> None:
    """Python takes another, and so do we."""
    run = Run(place, TMPDIR=str(place.course / "course.toml"))
    assert run.finish() == 0
    assert whole(place) == 12


@MOUNTS
def test_no_temporary_folder_at_all(place: Place) -> None:
    """None can be written, the current one neither: what to do is said."""
    folders = [folder for folder in ("/tmp", "/var/tmp", "/usr/tmp") if Path(folder).is_dir()]
    read_only = "\n".join(
        f"mount --bind {folder} {folder}; mount -o remount,bind,ro {folder}; cd $PWD"
        for folder in (*folders, place.course)
    )
    run = Run(place, f"mkdir {place.results.parent}\n{read_only}", TMPDIR="/proc")
    assert run.finish() == 4
    assert "No usable temporary directory found in" in said(run)
    assert said(run).endswith("; let TMPDIR name one")
    finishes(place)


def test_no_clock_on_the_wall_is_looked_at() -> None:
    """Deadlines are monotonic; nothing in the engine asks what time it is."""
    asked = []
    for path in (ROOT / "autograder").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                name = f"{node.value.id}.{node.attr}"
                if name in ("time.time", "time.time_ns", "time.localtime", "time.gmtime"):
                    asked.append((path.name, name))
            elif isinstance(node, ast.ImportFrom) and node.module in ("time", "datetime"):
                asked.append((path.name, node.module))
            elif isinstance(node, ast.Import):
                asked += [(path.name, a.name) for a in node.names if a.name == "datetime"]
    assert asked == []


def test_a_clock_that_jumps_changes_nothing(
    mini: Course, grade: Grade, reference: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day to and fro at each look, with us and in the suite's process."""
    jump = "import itertools, time\ndays = itertools.cycle([0, 86400, -86400])\n"
    jump += "time.time = lambda: 1e9 + next(days)\n"
    suite = mini.lectures[0].home / "test_hidden.py"
    suite.write_text(suite.read_text().replace('"""What stays', f'{jump}"""What stays', 1))
    exec(jump.replace("time.time =", "jumping ="), space := {})
    monkeypatch.setattr("time.time", space["jumping"])
    endless = reference.replace("return 2 * x", "while True: pass")
    reports = grade({"right": reference, "endless": endless})
    assert reports["right"].score == 9
    assert outcomes(reports["endless"])["double"] == "timeout"
    assert reports["endless"].score == 8


# Of the zygotes' children the one that has answered is the older.
KILLING = """import os, pathlib, signal
    from autograder.memory import children
    flag = pathlib.Path('FLAG')
    close(student.extra([1]), 1)
    if ALWAYS or not flag.exists():
        flag.touch()
        for zygote in children(os.getppid()):
            for child in children(zygote)[:1]:
                os.kill(child, signal.SIGKILL)
    close(student.extra([1, 2, 3]), 6)"""


@pytest.mark.parametrize(("always", "outcome"), [("False", "passed"), ("True", "crashed")])
def test_a_child_that_is_killed_from_outside_is_asked_again(
    mini: Course, grade: Grade, reference: str, always: str, outcome: str
) -> None:
    """Once may be the machine's doing; what is killed each time has crashed."""
    suite = mini.lectures[0].home / "test_hidden.py"
    killing = KILLING.replace("FLAG", str(mini.root / "flag")).replace("ALWAYS", always)
    suite.write_text(suite.read_text().replace("close(student.extra([1, 2, 3]), 6)", killing))
    reports = grade({"right": reference, "other": reference})
    assert {outcomes(report)["extra"] for report in reports.values()} == {outcome}
    assert {outcomes(report)["Counter"] for report in reports.values()} == {"passed"}


def test_a_submission_that_uses_up_its_cpu_is_out_of_time(
    mini: Course, grade: Grade, reference: str
) -> None:
    """That limit ends it by SIGKILL, too: it isn't taken for the machine's."""
    toml = mini.root / "course.toml"
    toml.write_text(
        toml.read_text().replace("call = 1.0", "call = 60.0\ncpu = 1\nkills_per_task = 1")
    )
    report = grade({"endless": reference.replace("return 2 * x", "while True: pass")})["endless"]
    assert outcomes(report)["double"] == "timeout"
    assert report.tasks[0].tests[0].why == "it used up its 1 seconds of CPU"


ENDING = """import os, pathlib
flag = pathlib.Path('FLAG')
if not flag.exists() or len(flag.read_text()) < TIMES:
    flag.open('a').write('x')
    os._exit(9)"""


def ending(course: Course, times: int) -> None:
    """So often the suite's process ends while it collects the suite."""
    suite = course.lectures[0].home / "test_hidden.py"
    text = ENDING.replace("FLAG", str(course.root / "flag")).replace("TIMES", str(times))
    suite.write_text(suite.read_text().replace("import torch", f"{text}\nimport torch", 1))


def test_who_ends_with_its_image_did_not_end_alone() -> None:
    """An idle one may be asked after that, before its end is seen: nobody's try is counted."""
    channel, other = multiprocessing.Pipe()
    with channel, other, subprocess.Popen(["sleep", "60"]) as image:
        pair = pool.Pair(channel, image, ready=True)
        assert pair.alone
        image.kill()
        image.wait()
        assert not pair.alone
        assert pool.Pair(channel, None, ready=True).alone
        assert not pool.Pair(channel, None).alone


def test_a_process_that_ends_before_it_is_ready_is_nobodys_doing(
    mini: Course, grade: Grade, reference: str
) -> None:
    """No submission was asked yet, so none is given up."""
    ending(mini, times=4)
    assert grade({"right": reference})["right"].score == 9


def test_a_suite_that_never_gets_ready_ends_the_run(
    mini: Course, grade: Grade, reference: str
) -> None:
    """The class isn't reported as broken, student by student."""
    ending(mini, times=99)
    with pytest.raises(WorkerError, match="ended 5 times before it could grade anybody"):
        grade({"right": reference})


def test_the_folder_of_a_killed_command_is_swept(
    tmp_path: Path, mini: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody holds its lock. One in use stays, and so does what isn't ours."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left, full, other = (tmp_path / f"{pool.FOLDER}{n}" for n in ("left", "full", "other"))
    left.mkdir()
    full.mkdir()
    (full / "thesis.py").touch()
    other.symlink_to(mini.root)
    with pool.Warm(mini) as one:
        assert not left.exists()
        with pool.Warm(mini) as two:
            assert Path(one.folder.name).is_dir()
            assert Path(two.folder.name).is_dir()
    assert sorted(p.name for p in tmp_path.glob(f"{pool.FOLDER}*")) == [full.name, other.name]
