"""What a suite process is told, and what it tells."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import platform

import msgspec

from autograder.course import LECTURE_FILE, MISTAKES, ORACLES, PROBES, Lecture
from autograder.verdict import Report


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What a suite process is told at its start."""

    root: str
    lecture: str
    device: str
    layers: tuple[str, ...]
    readable: tuple[str, ...]
    folder: str
    secret: str = ""
    tasks: tuple[str, ...] = ()


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """One submission to grade; or, without a name, a question for wrong_answers.json."""

    name: str
    files: dict[str, bytes] = {}
    problem: str = ""
    outcome: str = "refused"


class Done(msgspec.Struct, kw_only=True):
    """What came of it: a report, the text of wrong_answers.json, or our own error.

    ready: the first word of a suite process, which has collected its suite.
    """

    ready: bool = False
    report: Report | None = None
    wrong_answers: str = ""
    error: str = ""
    exit_code: int = 0


@functools.cache
def versions() -> dict[str, str]:
    """Of what a verdict may depend on."""
    names = ("autograder", "numpy", "torch")
    return {"python": platform.python_version()} | {n: importlib.metadata.version(n) for n in names}


def suite_digest(lecture: Lecture) -> str:
    """Of what decides a verdict: tasks, suites, reference, mistakes."""
    sha = hashlib.sha256()
    names = [
        LECTURE_FILE,
        MISTAKES,
        PROBES,
        ORACLES,
        *lecture.files,
        *(path.name for path in lecture.suites),
    ]
    for name in names:
        path = lecture.home / name
        if path.is_file() and not (lecture.released and name in lecture.files):
            sha.update(name.encode() + b"\0" + path.read_bytes())
    return f"sha256:{sha.hexdigest()}"
