"""Find the mistake that a submission makes, by the answers of the catalogued mistakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from autograder.course import WRONG_ANSWERS, Lecture
from autograder.diagnosis.fingerprints import Fingerprint, fingerprint, same
from autograder.errors import CourseError
from autograder.suite.run import TestRun
from autograder.verdict import Diagnosis


class Trace(msgspec.Struct, frozen=True):
    """A test's outcome and the fingerprints of its answers."""

    earns: bool
    answers: tuple[Fingerprint, ...]


Traces = Mapping[str, Trace]  # test id -> trace


def traces(runs: Sequence[TestRun]) -> dict[str, Trace]:
    """The traces of a task's tests."""
    return {
        run.test.id: Trace(run.result.outcome.earns_points, tuple(map(fingerprint, run.answers)))
        for run in runs
    }


class KnownMistake(msgspec.Struct, frozen=True):
    """A mistake, and the answers that it gives to the tests that it fails."""

    id: str
    explanation: str
    answers: dict[str, tuple[Fingerprint, ...]]

    @property
    def diagnosis(self) -> Diagnosis:
        return Diagnosis(id=self.id, explanation=self.explanation)


def known_mistake(diagnosis: Diagnosis, found: Traces) -> KnownMistake:
    """A mistake with the answers that matter: those of tests that fail."""
    failing = {id: trace.answers for id, trace in found.items() if not trace.earns}
    return KnownMistake(diagnosis.id, diagnosis.explanation, failing)


KnownMistakes = dict[str, list[KnownMistake]]  # task id -> its mistakes


def diagnose(found: Traces, mistakes: Sequence[KnownMistake]) -> Diagnosis | None:
    """The mistake that gives the same answers; of several the one that explains most failures.

    Each test that the mistake fails must fail in the same way. A test that the mistake passes
    counts for nothing, since a submission may have other faults too.
    """
    best, most = None, 0
    for mistake in mistakes:
        if len(mistake.answers) > most and all(
            id in found and not found[id].earns and _same_answers(found[id].answers, answers)
            for id, answers in mistake.answers.items()
        ):
            best, most = mistake.diagnosis, len(mistake.answers)
    return best


def _same_answers(a: Sequence[Fingerprint], b: Sequence[Fingerprint]) -> bool:
    return len(a) == len(b) and all(map(same, a, b))


def load_wrong_answers(lecture: Lecture) -> KnownMistakes:
    """What a released course knows: the wrong answers to its visible tests."""
    file = lecture.home / WRONG_ANSWERS
    return read_wrong_answers(file.read_bytes(), str(file)) if file.is_file() else {}


def read_wrong_answers(data: bytes, name: str) -> KnownMistakes:
    """The mistakes in the bytes of a wrong_answers.json. Raises `CourseError`."""
    try:
        return msgspec.json.decode(data, type=KnownMistakes)
    except msgspec.MsgspecError as error:
        raise CourseError(
            f"{name}: not a file of `autograder release`: {error}; release again"
        ) from None


def wrong_answers(known: KnownMistakes) -> bytes:
    """wrong_answers.json: for each task its mistakes, one a line."""
    lines = []
    for task, mistakes in sorted(known.items()):
        kept: list[Any] = [mistake for mistake in mistakes if mistake.answers]
        rows = ",\n".join(msgspec.json.encode(mistake, order="sorted").decode() for mistake in kept)
        lines.append(f"{msgspec.json.encode(task).decode()}: [\n{rows}\n]")
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()
