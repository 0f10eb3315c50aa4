"""A grading run loses no report when processes are killed, disks are full, clocks jump.

`make faults` kills hundreds of processes; here one of each kind is killed.
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
from typing import Any

import faults
import pytest
from conftest import ROOT, Grade, outcomes
from faults import Place, Run

from autograder.course import Course
from autograder.errors import WorkerError
from autograder.grading.pool import SuiteProcess
from autograder.sandbox.folders import PREFIX
from autograder.sandbox.forkserver import ForkServer

INTERRUPTED = "autograder: interrupted; what was finished is written"
MOUNTS = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("unshare") or os.system("unshare -m true") != 0,
    reason="only root can mount",
)


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A class of twelve, and its reports after a run without faults."""
    return faults.undisturbed(tmp_path_factory.mktemp("faults"))


@pytest.fixture
def place(graded: Place) -> Iterator[Place]:
    """The class without reports; at the end no process and no temporary file is left."""
    shutil.rmtree(graded.results.parent, ignore_errors=True)
    with faults.adoption():
        yield graded
        assert faults.orphans() == 0
    assert list(graded.temporary.iterdir()) == []


def last_line(run: Run) -> str:
    """The last line of a command's output; the lines before it announce reports."""
    lines = run.output.decode().splitlines()
    assert [line for line in lines[:-1] if line and "/12 " not in line] == []
    return lines[-1]


def whole(place: Place) -> int:
    """How many reports there are; each is the same as without a fault, and no other file is."""
    found = place.reports()
    assert {name: report for name, report in place.untouched.items() if name in found} == found
    files = sorted(path.name for path in place.results.iterdir())
    assert files == sorted(f"{name}.json" for name in found)
    return len(found)


def finishes(place: Place) -> None:
    """The same command once more grades the others."""
    run = Run(place)
    assert run.finish() == 0
    assert whole(place) == 12


@pytest.mark.parametrize("kind", faults.FEW | faults.MANY)
def test_a_kill_costs_nobody_anything(place: Place, kind: str) -> None:
    """SIGKILL ends one process while the class is graded: all reports are the same."""
    seen = faults.disturb(place, kind, 1, random.Random(7))
    assert {what: count for what, count in seen.items() if count} == {"runs": 1, "kills": 1}
    assert whole(place) == 12


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_command_and_loses_nothing(place: Place, number: int) -> None:
    """Finished reports are whole, a sentence says so, and the next run grades the others."""
    run = Run(place)
    while len(run.finished) < 3:
        run.follow()
    run.process.send_signal(number)
    assert run.finish() == 128 + number
    assert last_line(run) == INTERRUPTED
    assert 3 <= whole(place) < 12
    finishes(place)


def test_a_closed_terminal_may_be_ignored(place: Place) -> None:
    """`nohup` starts the command like this."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        run = Run(place)
    finally:
        signal.signal(signal.SIGHUP, before)
    while not run.finished:
        run.follow()
    run.process.send_signal(signal.SIGHUP)
    assert run.finish() == 0
    assert whole(place) == 12


@MOUNTS
def test_a_full_disk(place: Place) -> None:
    """No half report is left; the reports before it are kept."""
    out, kept = place.results.parent, place.folder / "kept"
    before = f"mkdir {out}; mount -t tmpfs -o size=24k none {out}"
    run = Run(place, f'{before}\n"$@" || {{ code=$?; cp -r {out}/. {kept}; exit $code; }}')
    assert run.finish() == 4
    assert "No space left on device; fix that and grade again: finished rep" in last_line(run)
    shutil.copytree(kept, out, dirs_exist_ok=True)
    assert 1 <= whole(place) < 12
    finishes(place)


@MOUNTS
def test_a_results_folder_that_is_read_only(place: Place) -> None:
    """The error comes before the first submission is graded."""
    out = place.results.parent
    run = Run(place, f"mkdir {out}; mount --bind {out} {out}; mount -o remount,bind,ro {out}")
    assert run.finish() == 4
    assert last_line(run).startswith(f"autograder: {place.results} can't be written: Read-only")
    assert run.finished == []
    finishes(place)


def test_results_that_are_a_file(place: Place) -> None:
    """The file is unchanged."""
    out = place.results.parent
    out.write_text("mine\n")
    run = Run(place)
    assert run.finish() == 2
    assert f"Directory '{out}' is a file" in run.output.decode()
    assert out.read_text() == "mine\n"
    out.unlink()
    finishes(place)


def test_a_results_folder_that_vanishes(place: Place) -> None:
    """It isn't made again: half of the class could be taken for all of it."""
    run = Run(place)
    while len(run.finished) < 3:
        run.follow()
    moved = place.results.parent.rename(place.folder / "moved")
    assert run.finish() == 4
    assert "json can't be written: No such file or directory; fix that" in last_line(run)
    assert not place.results.parent.exists()
    moved.rename(place.results.parent)
    assert 3 <= whole(place) < 12
    finishes(place)


def test_a_temporary_folder_that_cannot_be_written(place: Place) -> None:
    """Python takes another one, and so does the engine."""
    run = Run(place, TMPDIR=str(place.course / "course.toml"))
    assert run.finish() == 0
    assert whole(place) == 12


@MOUNTS
def test_no_temporary_folder_at_all(place: Place) -> None:
    """None can be written, the current folder neither: the error says what to do."""
    folders = [folder for folder in ("/tmp", "/var/tmp", "/usr/tmp") if Path(folder).is_dir()]
    read_only = "\n".join(
        f"mount --bind {folder} {folder}; mount -o remount,bind,ro {folder}; cd $PWD"
        for folder in (*folders, place.course)
    )
    run = Run(place, f"mkdir {place.results.parent}\n{read_only}", TMPDIR="/proc")
    assert run.finish() == 4
    assert "No usable temporary directory found in" in last_line(run)
    assert last_line(run).endswith("; set TMPDIR to an existing directory")
    finishes(place)


def test_the_engine_reads_only_monotonic_clocks() -> None:
    """Deadlines are monotonic; no module reads the time of day."""
    found = []
    for path in (ROOT / "autograder").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                name = f"{node.value.id}.{node.attr}"
                if name in ("time.time", "time.time_ns", "time.localtime", "time.gmtime"):
                    found.append((path.name, name))
            elif isinstance(node, ast.ImportFrom) and node.module in ("time", "datetime"):
                found.append((path.name, node.module))
            elif isinstance(node, ast.Import):
                found += [(path.name, a.name) for a in node.names if a.name == "datetime"]
    assert found == []


def test_a_clock_that_jumps_changes_nothing(
    mini: Course, grade: Grade, reference: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock jumps by a day at each reading, in the command and in the suite process."""
    jump = "import itertools, time\ndays = itertools.cycle([0, 86400, -86400])\n"
    jump += "time.time = lambda: 1e9 + next(days)\n"
    suite = mini.lectures[0].home / "test_hidden.py"
    suite.write_text(suite.read_text().replace('"""What stays', f'{jump}"""What stays', 1))
    space: dict[str, Any] = {}
    exec(jump.replace("time.time =", "jumping ="), space)
    monkeypatch.setattr("time.time", space["jumping"])
    endless = reference.replace("return 2 * x", "while True: pass")
    reports = grade({"right": reference, "endless": endless})
    assert reports["right"].score == 9
    assert outcomes(reports["endless"])["double"] == "timeout"
    assert reports["endless"].score == 8


# The older of a worker server's two workers is the one that has answered.
KILLING = """import os, pathlib, signal
    from autograder.sandbox.memory import children
    flag = pathlib.Path('FLAG')
    close(student.extra([1]), 1)
    if ALWAYS or not flag.exists():
        flag.touch()
        for server in children(os.getppid()):
            for worker in children(server)[:1]:
                os.kill(worker, signal.SIGKILL)
    close(student.extra([1, 2, 3]), 6)"""


@pytest.mark.parametrize(("always", "outcome"), [("False", "passed"), ("True", "crashed")])
def test_a_worker_that_is_killed_from_outside_is_asked_again(
    mini: Course, grade: Grade, reference: str, always: str, outcome: str
) -> None:
    """The machine may have killed it once; what is killed each time has crashed."""
    suite = mini.lectures[0].home / "test_hidden.py"
    killing = KILLING.replace("FLAG", str(mini.root / "flag")).replace("ALWAYS", always)
    suite.write_text(suite.read_text().replace("close(student.extra([1, 2, 3]), 6)", killing))
    reports = grade({"right": reference, "other": reference})
    assert {outcomes(report)["extra"] for report in reports.values()} == {outcome}
    assert {outcomes(report)["Counter"] for report in reports.values()} == {"passed"}


def test_a_submission_that_uses_up_its_cpu_is_out_of_time(
    mini: Course, grade: Grade, reference: str
) -> None:
    """That limit also ends it by SIGKILL: the test is not retried for it."""
    toml = mini.root / "course.toml"
    toml.write_text(
        toml.read_text().replace("call = 1.0", "call = 60.0\ncpu = 1\nkills_per_task = 1")
    )
    report = grade({"endless": reference.replace("return 2 * x", "while True: pass")})["endless"]
    assert outcomes(report)["double"] == "timeout"
    assert report.tasks[0].tests[0].detail == "the submission used up its 1 seconds of CPU"


ENDING = """import os, pathlib
flag = pathlib.Path('FLAG')
if not flag.exists() or len(flag.read_text()) < TIMES:
    flag.open('a').write('x')
    os._exit(9)"""


def ending(course: Course, times: int) -> None:
    """The suite process ends so often while it collects the suite."""
    suite = course.lectures[0].home / "test_hidden.py"
    text = ENDING.replace("FLAG", str(course.root / "flag")).replace("TIMES", str(times))
    suite.write_text(suite.read_text().replace("import torch", f"{text}\nimport torch", 1))


def test_a_suite_process_that_ends_with_the_fork_server_did_not_end_alone() -> None:
    """An idle one may get a submission after that: it is no attempt at the submission."""
    channel, other = multiprocessing.Pipe()
    with channel, other, subprocess.Popen(["sleep", "60"]) as server:
        process = SuiteProcess(channel, server, ready=True)
        assert process.ended_alone
        server.kill()
        server.wait()
        assert not process.ended_alone
        assert SuiteProcess(channel, None, ready=True).ended_alone
        assert not SuiteProcess(channel, None).ended_alone


def test_a_suite_process_that_ends_before_it_is_ready_is_no_attempt(
    mini: Course, grade: Grade, reference: str
) -> None:
    """No submission was asked yet, so each keeps its attempts."""
    ending(mini, times=4)
    assert grade({"right": reference})["right"].score == 9


def test_a_suite_that_never_gets_ready_ends_the_run(
    mini: Course, grade: Grade, reference: str
) -> None:
    """An error, and no class of broken reports."""
    ending(mini, times=99)
    with pytest.raises(WorkerError, match="ended 5 times before it graded anything"):
        grade({"right": reference})


def test_the_folder_of_a_killed_command_is_swept(
    tmp_path: Path, mini: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No process holds its lock. A folder in use stays, and so does one with a file in it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left, full, other = (tmp_path / f"{PREFIX}{n}" for n in ("left", "full", "other"))
    left.mkdir()
    full.mkdir()
    (full / "thesis.py").touch()
    other.symlink_to(mini.root)
    with ForkServer(mini.imports) as one:
        assert not left.exists()
        with ForkServer(mini.imports) as two:
            assert Path(one.folders.path).is_dir()
            assert Path(two.folders.path).is_dir()
    assert sorted(p.name for p in tmp_path.glob(f"{PREFIX}*")) == [full.name, other.name]
