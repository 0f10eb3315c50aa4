"""Nothing that a submission does reads a hidden test or changes a grade.

A class of attackers is graded in one run, an honest student among them.
"""

from __future__ import annotations

import ctypes
import os
import re
import select
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import hostile
import msgspec
import pytest
from conftest import MINI, outcomes

from autograder import batch, jail, wire
from autograder.course import SECRET_VARIABLE, Course, load_course
from autograder.errors import MachineError
from autograder.mistake import plain
from autograder.pool import Plan
from autograder.session import Answer
from autograder.submission import Submission
from autograder.verdict import Report, harmless

pytestmark = pytest.mark.skipif(
    not jail.strong(jail.available()), reason="this machine can't hold a hostile submission"
)
CANARY = "CANARY"  # in two halves, so that no test of ours is taken for one
REFERENCE = (MINI / "solutions" / "l01_sums" / "sums.py").read_text()
POINTS = {"double": 1, "row_sums": 2, "share": 3, "Counter": 2, "extra": 1}
LIMITS = """
[limits]
call = 0.5
submission = 20.0
memory_mib = 512
kills_per_task = 1
"""


@dataclass
class Place:
    """A course with canaries in it, a neighbour, old results and an empty temporary folder."""

    course: Course
    folder: Path

    def places(self) -> dict[str, str]:
        return {
            "HOME": str(self.course.lectures[0].home),
            "NEIGHBOUR": str(self.folder / "class" / "neighbour"),
            "RESULTS": str(self.folder / "results"),
            "GRADER": str(os.getpid()),
        }

    def grade(
        self,
        texts: Mapping[str, str],
        beside: Mapping[str, tuple[str, ...]] = {},
        layers: tuple[str, ...] = jail.available(),
        jobs: int = 1,
        many: bool = False,
    ) -> dict[str, Report]:
        plan = Plan(self.course, self.course.lectures[0], jobs=jobs, layers=layers)
        class_ = []
        for name, text in texts.items():
            more = dict.fromkeys(beside.get(name, ()), b"not Python")
            class_.append(Submission(name, {"sums.py": text.encode(), **more}))
        reports = batch.grade_submissions(plan, class_, many)
        return {report.submission: report for report in reports}

    def files(self) -> dict[str, bytes]:
        """All that is on disk, what Python leaves aside."""
        paths = [p for p in self.folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
        return {str(path): path.read_bytes() for path in paths}


@pytest.fixture
def place(mini: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    home = mini.lectures[0].home
    (mini.root / "course.toml").write_text(
        (mini.root / "course.toml").read_text().split("[limits]")[0] + LIMITS
    )
    for name in ("test_hidden.py", "sums.py"):
        text = (home / name).read_text()
        (home / name).write_text(f'{text}\n\nNOTE = "{CANARY} in {name}"  # {CANARY}\n')
    (mini.root / "solutions" / ".secret").write_text(f"{CANARY} file")
    for path in ("class/neighbour/sums.py", "results/neighbour.json", "temporary/.keep"):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(f"{CANARY} of another")
    monkeypatch.setenv(SECRET_VARIABLE, f"{CANARY} in the environment")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return Place(load_course(mini.root), tmp_path)


@pytest.fixture
def survivors() -> Iterator[Callable[[], list[int]]]:
    """Whoever outlives a grading run becomes our child; asked, it says who doesn't end."""
    libc = ctypes.CDLL(None)
    libc.prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER

    def find() -> list[int]:
        return [pid for pid in _children() if not _ends(pid)]

    yield find
    while left := find():  # theirs become ours, too
        for pid in left:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
    libc.prctl(36, 0, 0, 0, 0)


def _children() -> list[int]:
    tasks = Path("/proc/self/task").glob("*/children")
    return [int(pid) for task in tasks for pid in task.read_text().split()]


def _ends(pid: int) -> bool:
    """Whether a process that was killed is gone within a moment."""
    fd = os.pidfd_open(pid)
    ended = bool(select.select([fd], [], [], 1.0)[0])
    os.close(fd)
    if ended:
        os.waitpid(pid, 0)
    return ended


def texts_of(report: Report) -> list[str]:
    """Each text of a report."""

    def walk(value: object) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            for item in value.values():
                yield from walk(item)
        elif isinstance(value, list):
            for item in value:
                yield from walk(item)

    return list(walk(msgspec.to_builtins(report)))


def without_seconds(report: Report) -> bytes:
    return re.sub(rb'"seconds": ?[\d.e-]+', b"", batch.report_json(report))


def test_a_class_of_attackers_gains_nothing_and_harms_nobody(
    place: Place, survivors: Callable[[], list[int]], subtests: pytest.Subtests
) -> None:
    """What is observed of each attack; then of the honest student, the disk, the processes."""
    before = place.files()
    alone = place.grade({"honest": REFERENCE}, many=True)["honest"]
    assert alone.score == 9
    attacks = {attack.name: attack for attack in hostile.CLASS}
    assert len(attacks) == len(hostile.CLASS)
    texts = {name: attack.text(REFERENCE, **place.places()) for name, attack in attacks.items()}
    beside = {name: attack.beside for name, attack in attacks.items()}
    reports = place.grade({**texts, "honest": REFERENCE}, beside, jobs=2, many=True)

    assert set(reports) == {*attacks, "honest"}
    for attack in hostile.CLASS:
        with subtests.test(attack.name):
            check(attack, reports[attack.name])
    assert without_seconds(reports["honest"]) == without_seconds(alone)
    assert place.files() == before
    assert list((place.folder / "temporary").iterdir()) == [place.folder / "temporary" / ".keep"]
    assert not survivors()


def check(attack: hostile.Attack, report: Report) -> None:
    """The outcome that is due, no point beyond it, no canary, no sign that acts."""
    found = outcomes(report)
    told = "\n".join(text for test in report.tasks[0].tests for text in (test.why, test.output))
    told += report.problem
    shown = f"{found}\n{told[:1500]}"
    assert found.pop("double") in attack.outcome.split(), shown
    if attack in hostile.FORBIDDEN:
        assert found.pop("row_sums") == "refused", shown
    assert set(found.values()) <= set(attack.others.split()), shown
    assert re.search(attack.says, told), shown
    passed = {task.id for task in report.tasks if task.outcome == "passed"}
    attacked = {"double", "row_sums"} if attack in hostile.FORBIDDEN else {"double"}
    assert report.score <= sum(POINTS[id] for id in POINTS if id not in attacked - passed), shown
    for text in texts_of(report):
        assert CANARY not in text
        assert "GOT IN" not in text, shown
        assert harmless(text, len(text)) == text
    assert len(batch.report_json(report)) < 200_000


def test_strange_answers_are_wrong_answers(place: Place, subtests: pytest.Subtests) -> None:
    """A suite that trips over plain data of an odd kind is neither broken nor fooled."""
    suite = place.course.lectures[0].home / "test_hidden.py"
    trips = (
        "total = student.extra([1, 2, 3])\n"
        "    close([total + 1, -total, {6: 'six'}[total]], [7, -6, 'six'])"
    )
    suite.write_text(suite.read_text().replace("close(student.extra([1, 2, 3]), 6)", trips))
    strange = {
        name: REFERENCE.replace("return sum(xs)", f"return {value}")
        for name, value in hostile.STRANGE.items()
    }
    reports = place.grade({**strange, "honest": REFERENCE})
    assert reports["honest"].score == 9
    for name in strange:
        with subtests.test(name):
            assert outcomes(reports[name])["extra"] == "failed"
            assert reports[name].score == 8


def test_an_exception_that_cannot_be_printed_is_a_wrong_answer(place: Place) -> None:
    """Python refuses to print an integer of that many digits; the suite's process lives on."""
    suite = place.course.lectures[0].home / "test_hidden.py"
    trips = "close({6: 6}[student.extra([1, 2, 3])], 6)"
    suite.write_text(suite.read_text().replace("close(student.extra([1, 2, 3]), 6)", trips))
    (report,) = place.grade({"huge": REFERENCE.replace("sum(xs)", "10**9000")}).values()
    assert outcomes(report)["extra"] == "failed"
    assert outcomes(report)["double"] == "passed"


def test_a_long_range_is_compared_as_a_range() -> None:
    """It took a few bytes on the wire, and takes no more as an answer that is recorded."""
    assert len(str(plain(Answer(data=wire.encode(range(10**6)))))) < 1000


def test_an_empty_tensor_is_not_large_in_another_dimension() -> None:
    """Summed along its empty side it would fill the grader's memory."""
    empty = b"Xs\7\0\0\0float32s\3\0\0\0cpuFt\2\0\0\0"
    sizes = b"".join(b"i" + size.to_bytes(8, "little") for size in (2**39, 0))
    with pytest.raises(wire.WireError):
        wire.decode(empty + sizes + b"b\0\0\0\0")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_in_place_of_namespaces_leaves_nobody_either(
    place: Place, survivors: Callable[[], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there are no namespaces, daemons end with their submission all the same."""
    monkeypatch.setattr(tempfile, "tempdir", None)  # ours is closed to other users
    layers = ("landlock", "seccomp", "uid", "rlimits")
    attacks = {attack.name: attack for attack in hostile.CALLING if "daemon" in attack.name}
    texts = {name: attack.text(REFERENCE) for name, attack in attacks.items()}
    reports = place.grade({**texts, "honest": REFERENCE}, layers=layers, many=True)
    assert {report.score for report in reports.values()} == {9}
    assert not survivors()


def test_a_jail_says_nothing_by_itself(place: Place) -> None:
    """What stands in a report as output was printed by the submission."""
    (report,) = place.grade({"honest": REFERENCE}, many=False).values()
    assert [test.output for task in report.tasks for test in task.tests] == [""] * 8


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_jail_that_cannot_be_built_costs_nobody_points(place: Place) -> None:
    """The other user may not enter the temporary folder: that is told, and nobody is graded."""
    with pytest.raises(MachineError, match="the jail could not be built"):
        place.grade({"honest": REFERENCE}, layers=("landlock", "seccomp", "uid", "rlimits"))


@pytest.mark.parametrize("answer", ["[" * 31 + "]" * 31, "bytes(2**26 - 60)"])
def test_an_answer_that_cannot_be_handed_back_is_a_wrong_answer(place: Place, answer: str) -> None:
    """A suite asks with what it was answered: that it is too deep or too long isn't its fault."""
    suite = place.course.lectures[0].home / "test_hidden.py"
    again = "close(student.extra([student.extra([1, 2, 3]), 0]), 6)"
    suite.write_text(suite.read_text().replace("close(student.extra([1, 2, 3]), 6)", again))
    (report,) = place.grade({"odd": REFERENCE.replace("sum(xs)", answer)}).values()
    assert outcomes(report)["extra"] != "broken"
    assert report.score == 8
