"""Nothing that a submission does reads a hidden test or changes a grade.

The attackers of `attacks/` are graded in one class, honest students among them.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import attack
import museum
import pytest
import scene
from conftest import outcomes

from autograder import batch, jail, wire
from autograder.course import Course, load_course
from autograder.errors import MachineError
from autograder.mistake import plain
from autograder.pool import Plan
from autograder.session import Answer
from autograder.submission import Submission
from autograder.verdict import Report

pytestmark = pytest.mark.skipif(
    not jail.strong(jail.available()), reason="this machine can't hold a hostile submission"
)
REFERENCE = scene.REFERENCE.read_text()
ATTACKS = attack.load_attacks()
STRANGE = {
    "None": "None", "text": "'6'", "a map": "{6: 6}", "a set": "{6}", "bytes": "b'6'",
    "nan": "float('nan')", "infinity": "float('inf')", "complex": "6j",
    "a list": "[6, [6]]", "a range": "range(6)", "a tensor": "torch.ones(3, 0)",
    "an array": "__import__('numpy').array(6, dtype='uint64')", "a dtype": "torch.float32",
    "half a tensor": "torch.tensor(float('nan'), dtype=torch.bfloat16)", "true": "True",
}  # fmt: skip


@pytest.fixture
def planted(tmp_path: Path) -> Iterator[scene.Place]:
    """A course, neighbours, a home, old results and sockets, a canary in each."""
    with scene.planted(tmp_path / "planted") as place:
        yield place


def test_a_class_of_attackers_gains_nothing_and_harms_nobody(
    planted: scene.Place, subtests: pytest.Subtests
) -> None:
    """What is observed of each attack; then of the honest students, the disk, the processes."""
    run = museum.behind_all_walls(planted, ATTACKS)
    assert set(run.seen) == set(ATTACKS)
    for name, one in ATTACKS.items():
        with subtests.test(name):
            seen = run.seen[name]
            assert museum.faults(one, seen) == [], seen.told[-1500:]
    assert run.machine == []
    assert set(run.neighbours) == {"honest", "beginner"}
    assert run.neighbours["honest"].score == 9
    assert run.neighbours["beginner"].score < 9
    assert museum.changed_neighbours(planted, run) == []


@pytest.mark.slow
def test_each_wall_is_leant_on(planted: scene.Place, subtests: pytest.Subtests) -> None:
    """Without the layer that stops it an attack gets in, or the next one that it names stops it."""
    for name, without, seen in museum.without_their_walls(planted, ATTACKS):
        with subtests.test(f"{name} without {', '.join(sorted(without.off))}"):
            assert museum.faults_without(without, seen) == [], seen.told[-1500:]


def test_the_readme_lists_every_row_and_every_attack() -> None:
    """Rows 1 to 94 have attacks, every attack has its row, every layer its line."""
    text = (attack.ATTACKS / "README.md").read_text()
    rows = re.findall(r"^\| (\d+)(?:–(\d+))? \| .* \| (.*) \|$", text, re.M)
    listed = [name for _, _, names in rows for name in re.findall(r"`(\w+)`", names)]
    assert set(listed) == set(ATTACKS)
    assert all("`" in names for _, _, names in rows)
    numbers = [n for first, last, _ in rows for n in range(int(first), int(last or first) + 1)]
    assert numbers == list(range(1, 95))
    explained = text.partition("## Layers")[2].partition("## Rows")[0]
    layers = re.findall(r"^\| ([a-z ]+) \|", explained, re.M)
    assert layers[1:] == list(attack.LAYERS)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("# stopped by: landlock\n# seen: failed\n# without: got in", "tries"),
        ("# tries: x\n# stopped by: luck\n# seen: failed\n# without: got in", "not a layer: luck"),
        ("# tries: x\n# stopped by: seccomp\n# seen: failed", "no line says"),
        ("# tries: x\n# stopped by: seccomp\n# seen: failed, x\n# without: got in", "in quotes"),
        ("# tries", "no `key: value`"),
    ],
)
def test_a_header_of_another_form_is_told(tmp_path: Path, header: str, said: str) -> None:
    """No attack is left out because its header can't be read."""
    (tmp_path / "sums.py").write_text(f"{header}\n\nx = 1\n")
    with pytest.raises(attack.HeaderError, match=said):
        attack.load_attack(tmp_path)


def test_an_attack_that_got_in_is_told(planted: scene.Place) -> None:
    """The museum sees it where a wall is missing: else its silence would prove nothing."""
    names = ("suite_by_path", "forbidden_method", "a_daemon", "leave_a_file")
    some = {name: ATTACKS[name] for name in names}
    run = museum.grade(planted, some, frozenset({"landlock", "gate", "namespaces"}))
    assert museum.faults(some["suite_by_path"], run.seen["suite_by_path"])[-1] == "got in"
    assert "gained points" in museum.faults(some["forbidden_method"], run.seen["forbidden_method"])
    assert attack.LEFT in run.machine
    assert any(line.startswith(attack.OUTSIDE) for line in run.machine)


@dataclass
class Place:
    """The tiny course, to break at will, and its limits as the museum has them."""

    course: Course

    def grade(
        self,
        texts: Mapping[str, str],
        layers: tuple[str, ...] = jail.available(),
        many: bool = False,
    ) -> dict[str, Report]:
        plan = Plan(self.course, self.course.lectures[0], layers=layers)
        class_ = [Submission(name, {"sums.py": text.encode()}) for name, text in texts.items()]
        reports = batch.grade_submissions(plan, class_, many)
        return {report.submission: report for report in reports}


@pytest.fixture
def place(mini: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return Place(load_course(mini.root))


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
        for name, value in STRANGE.items()
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
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there are no namespaces, daemons end with their submission all the same."""
    monkeypatch.setattr(tempfile, "tempdir", None)  # ours is closed to other users
    layers = ("landlock", "seccomp", "uid", "rlimits")
    daemon = (attack.ATTACKS / "a_daemon" / "sums.py").read_text()
    body = daemon.partition("def double(x):\n")[2]
    again = (attack.ATTACKS / "a_daemon_twice_removed" / "sums.py").read_text()
    texts = {
        name: "import os\nimport signal\n" + REFERENCE.replace("    return 2 * x", body.rstrip())
        for name, body in (("once", body), ("twice", again.partition("def double(x):\n")[2]))
    }
    with scene.survivors() as left_behind:
        reports = place.grade({**texts, "honest": REFERENCE}, layers, many=True)
        assert {report.score for report in reports.values()} == {9}
        assert not left_behind()


def test_a_jail_says_nothing_by_itself(place: Place) -> None:
    """What stands in a report as output was printed by the submission."""
    (report,) = place.grade({"honest": REFERENCE}).values()
    assert [test.output for task in report.tasks for test in task.tests] == [""] * 8


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_jail_that_cannot_be_built_costs_nobody_points(place: Place) -> None:
    """The other user may not enter the temporary folder: that is told, and nobody is graded."""
    with pytest.raises(MachineError, match="the jail could not be built"):
        place.grade({"honest": REFERENCE}, ("landlock", "seccomp", "uid", "rlimits"))


@pytest.mark.parametrize("answer", ["[" * 31 + "]" * 31, "bytes(2**26 - 60)"])
def test_an_answer_that_cannot_be_handed_back_is_a_wrong_answer(place: Place, answer: str) -> None:
    """A suite asks with what it was answered: that it is too deep or too long isn't its fault."""
    suite = place.course.lectures[0].home / "test_hidden.py"
    again = "close(student.extra([student.extra([1, 2, 3]), 0]), 6)"
    suite.write_text(suite.read_text().replace("close(student.extra([1, 2, 3]), 6)", again))
    (report,) = place.grade({"odd": REFERENCE.replace("sum(xs)", answer)}).values()
    assert outcomes(report)["extra"] != "broken"
    assert report.score == 8
