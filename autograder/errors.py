"""What can go wrong, what we say about it, which exit code.

AutograderError
 ├─ UsageError             2  the command was called with something that isn't there
 ├─ CourseError            3  course.toml, a lecture or a suite is wrong
 │   └─ MarkerError        3  a solution region has no end, no begin, or is nested
 ├─ MachineError           4  this machine lacks what was asked for
 ├─ SubmissionError        1  one submission can't be read; the others are graded
 └─ WorkerError            5  a process of ours ended twice

AnswerError                   a question without a usable answer (never leaves a suite process)
 ├─ Missing                   the name isn't there
 ├─ Raised                    the submission raised
 ├─ Changed                   its function changed an argument, or a mode of torch
 ├─ Refused                   forbidden, not plain data, or over a limit
 ├─ TimedOut                  no answer before the deadline
 └─ Crashed                   the process ended
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

PASSED, WRONG, USAGE, COURSE, MACHINE, BROKEN = 0, 1, 2, 3, 4, 5


class AutograderError(Exception):
    """A sentence for a person: what, where, what to do next."""

    exit_code = BROKEN


class UsageError(AutograderError):
    """The command names something that doesn't exist."""

    exit_code = USAGE


class CourseError(AutograderError):
    """The course is wrong: its author must fix it."""

    exit_code = COURSE


class MarkerError(CourseError):
    """A solution marker is nested or has no partner."""


class MachineError(AutograderError):
    """The machine can't do what was asked: no isolation, no device."""

    exit_code = MACHINE


class SubmissionError(AutograderError):
    """A submission can't be read. `outcome` is what its tests become."""

    exit_code = WRONG

    def __init__(self, message: str, outcome: str = "refused") -> None:
        super().__init__(message)
        self.outcome = outcome


class WorkerError(AutograderError):
    """A process of ours ended and a second try ended too."""


class AnswerError(Exception):
    """A submission gave no usable answer. Its text is what the student reads."""

    outcome = "error"


class Missing(AnswerError):
    """The submission has no such name."""

    outcome = "missing"


class Raised(AnswerError):
    """The submission raised an exception; `kind` is its class's name."""

    def __init__(self, message: str, kind: str = "Exception") -> None:
        super().__init__(message)
        self.kind = kind


class Changed(AnswerError):
    """The submission's function changed an argument, the grad mode or the default dtype."""

    outcome = "failed"


class Refused(AnswerError):
    """Forbidden, not plain data, or over a limit."""

    outcome = "refused"


class TimedOut(AnswerError):
    """No answer before the deadline."""

    outcome = "timeout"


class Crashed(AnswerError):
    """The submission's process ended. `killed`: by SIGKILL, which may not have been its fault."""

    outcome = "crashed"

    def __init__(self, message: str, killed: bool = False) -> None:
        super().__init__(message)
        self.killed = killed


def nearest(word: str, known: Iterable[str]) -> str:
    """The end of an error's sentence: `; did you mean "x"?`, or nothing.

    >>> nearest("pionts", ["points", "after"])
    '; did you mean "points"?'
    """
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f'; did you mean "{close[0]}"?' if close else ""
