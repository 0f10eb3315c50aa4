"""No submission reads a hidden test or changes a grade.

The attacks of `attacks/` are graded in one class, honest submissions among them.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import attack
import attack_suite
import planted_environment
import pytest
from conftest import outcomes

from autograder.course import Course, load_course
from autograder.diagnosis.fingerprints import fingerprint
from autograder.errors import MachineError
from autograder.grading.options import GradeOptions
from autograder.grading.pool import grade_submissions
from autograder.grading.submission import Submission
from autograder.sandbox import machine, wire
from autograder.sandbox.session import Answer
from autograder.verdict import Report

pytestmark = pytest.mark.skipif(
    not machine.strong(machine.available()), reason="this machine can't hold a hostile submission"
)
REFERENCE = planted_environment.REFERENCE.read_text()
ATTACKS = attack.load_attacks()
STRANGE = {
    "None": "None", "text": "'6'", "a map": "{6: 6}", "a set": "{6}", "bytes": "b'6'",
    "nan": "float('nan')", "infinity": "float('inf')", "complex": "6j",
    "a list": "[6, [6]]", "a range": "range(6)", "a tensor": "torch.ones(3, 0)",
    "an array": "__import__('numpy').array(6, dtype='uint64')", "a dtype": "torch.float32",
    "a huge integer": "10**5000", "a huge range": "range(10**5000)", "a huge set": "{10**5000}",
    "half a tensor": "torch.tensor(float('nan'), dtype=torch.bfloat16)", "true": "True",
}  # fmt: skip


@pytest.fixture
def planted(tmp_path: Path) -> Iterator[planted_environment.Place]:
    """A course, neighbours, a home, old results and sockets, each with a canary."""
    with planted_environment.planted(tmp_path / "planted") as place:
        yield place


def test_a_class_of_attacks_gains_nothing_and_harms_nobody(
    planted: planted_environment.Place, subtests: pytest.Subtests
) -> None:
    """Each attack has the result of its header; honest reports, disk and processes are intact."""
    run = attack_suite.with_all_layers(planted, ATTACKS)
    assert set(run.seen) == set(ATTACKS)
    for name, one in ATTACKS.items():
        with subtests.test(name):
            seen = run.seen[name]
            assert attack_suite.faults(one, seen) == [], seen.text[-1500:]
    assert run.machine == []
    assert set(run.neighbours) == {"honest", "beginner"}
    assert run.neighbours["honest"].score == 9
    assert run.neighbours["beginner"].score < 9
    assert attack_suite.changed_neighbours(planted, run) == []


@pytest.mark.slow
def test_each_layer_is_needed(
    planted: planted_environment.Place, subtests: pytest.Subtests
) -> None:
    """Without its layer an attack gets in, or another layer stops it, which its header names."""
    for name, without, seen in attack_suite.without_layers(planted, ATTACKS):
        with subtests.test(f"{name} without {', '.join(sorted(without.off))}"):
            assert attack_suite.faults_without(without, seen) == [], seen.text[-1500:]


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
    ("header", "says"),
    [
        ("# stopped by: landlock\n# seen: failed\n# without: got in", "tries"),
        ("# tries: x\n# stopped by: luck\n# seen: failed\n# without: got in", "not a layer: luck"),
        ("# tries: x\n# stopped by: seccomp\n# seen: failed", "no line `without`"),
        ("# tries: x\n# stopped by: seccomp\n# seen: failed, x\n# without: got in", "in quotes"),
        ("# tries", "no `key: value`"),
    ],
)
def test_a_header_of_another_form_is_an_error(tmp_path: Path, header: str, says: str) -> None:
    """No attack is left out because its header can't be read."""
    (tmp_path / "sums.py").write_text(f"{header}\n\nx = 1\n")
    with pytest.raises(attack.HeaderError, match=says):
        attack.load_attack(tmp_path)


def test_an_attack_that_got_in_is_found(planted: planted_environment.Place) -> None:
    """The suite finds it where a layer is missing: else finding none would prove nothing."""
    names = ("suite_by_path", "forbidden_method", "a_daemon", "leave_a_file")
    some = {name: ATTACKS[name] for name in names}
    run = attack_suite.grade(planted, some, frozenset({"landlock", "gate", "namespaces"}))
    found = {name: attack_suite.faults(one, run.seen[name]) for name, one in some.items()}
    assert found["suite_by_path"][-1] == "got in"
    assert "gained points" in found["forbidden_method"]
    assert attack.LEFT in run.machine
    assert any(line.startswith(attack.OUTSIDE) for line in run.machine)


@dataclass
class Place:
    """The tiny course, to break at will, graded by a fork server of its own."""

    course: Course

    def grade(
        self,
        texts: Mapping[str, str],
        layers: tuple[str, ...] = machine.available(),
        many: bool = False,
    ) -> dict[str, Report]:
        options = GradeOptions(self.course, self.course.lectures[0], layers=layers)
        submissions = [
            Submission(name=name, files={"sums.py": text.encode()}) for name, text in texts.items()
        ]
        reports = grade_submissions(options, submissions, many)
        return {report.submission: report for report in reports}


@pytest.fixture
def place(mini: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return Place(load_course(mini.root))


def test_strange_answers_are_wrong_answers(place: Place, subtests: pytest.Subtests) -> None:
    """A suite that raises over plain data of an odd kind is not broken: the answer is wrong."""
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
    """Python refuses to print an integer of that many digits; the suite process continues."""
    suite = place.course.lectures[0].home / "test_hidden.py"
    trips = "close({6: 6}[student.extra([1, 2, 3])], 6)"
    suite.write_text(suite.read_text().replace("close(student.extra([1, 2, 3]), 6)", trips))
    (report,) = place.grade({"huge": REFERENCE.replace("sum(xs)", "10**9000")}).values()
    assert outcomes(report)["extra"] == "failed"
    assert outcomes(report)["double"] == "passed"


def test_a_long_range_is_compared_as_a_range() -> None:
    """It takes a few bytes on the wire, and few in its fingerprint."""
    assert len(str(fingerprint(Answer(data=wire.encode(range(10**6)))))) < 1000


def test_an_empty_tensor_is_not_large_in_another_dimension() -> None:
    """Its sum along the empty dimension would fill the suite process's memory."""
    empty = b"Xs\7\0\0\0float32s\3\0\0\0cpuFt\2\0\0\0"
    sizes = b"".join(b"i" + size.to_bytes(8, "little") for size in (2**39, 0))
    with pytest.raises(wire.WireError):
        wire.decode(empty + sizes + b"b\0\0\0\0")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_in_place_of_namespaces_ends_daemons_too(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without namespaces a submission's daemons still end with it."""
    monkeypatch.setattr(tempfile, "tempdir", None)  # the test's own is closed to other users
    layers = ("landlock", "seccomp", "uid", "rlimits")
    daemon = (attack.ATTACKS / "a_daemon" / "sums.py").read_text()
    body = daemon.partition("def double(x):\n")[2]
    again = (attack.ATTACKS / "a_daemon_twice_removed" / "sums.py").read_text()
    texts = {
        name: "import os\nimport signal\n" + REFERENCE.replace("    return 2 * x", body.rstrip())
        for name, body in (("once", body), ("twice", again.partition("def double(x):\n")[2]))
    }
    with planted_environment.survivors() as left_behind:
        reports = place.grade({**texts, "honest": REFERENCE}, layers, many=True)
        assert {report.score for report in reports.values()} == {9}
        assert not left_behind()


def test_isolation_prints_nothing(place: Place) -> None:
    """The output in a report is the submission's alone."""
    (report,) = place.grade({"honest": REFERENCE}).values()
    assert [test.output for task in report.tasks for test in task.tests] == [""] * 8


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_isolation_that_fails_costs_no_points(place: Place) -> None:
    """The other user may not enter the temporary folder: an error, and no report."""
    with pytest.raises(MachineError, match="a process could not be isolated"):
        place.grade({"honest": REFERENCE}, ("landlock", "seccomp", "uid", "rlimits"))


@pytest.mark.parametrize("answer", ["[" * 31 + "]" * 31, "bytes(2**26 - 60)"])
def test_an_answer_that_cannot_be_handed_back_is_a_wrong_answer(place: Place, answer: str) -> None:
    """A suite asks with an answer that is too deep or too long: the suite is not broken."""
    suite = place.course.lectures[0].home / "test_hidden.py"
    again = "close(student.extra([student.extra([1, 2, 3]), 0]), 6)"
    suite.write_text(suite.read_text().replace("close(student.extra([1, 2, 3]), 6)", again))
    (report,) = place.grade({"odd": REFERENCE.replace("sum(xs)", answer)}).values()
    assert outcomes(report)["extra"] != "broken"
    assert report.score == 8
