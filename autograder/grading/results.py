"""Reports on disk: each written whole or not at all, and found again by the next run."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from autograder.errors import MachineError, UsageError
from autograder.grading.options import GradeOptions
from autograder.grading.records import versions
from autograder.grading.submission import Submission
from autograder.verdict import FORMAT, Outcome, Report


@dataclass(frozen=True)
class Results:
    """The folder RESULTS/LECTURE with a report for each student."""

    folder: Path

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def make(self) -> None:
        """Make the folder before anything is graded."""
        with _writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)

    def write(self, report: Report) -> None:
        path = self.path(report.submission)
        with _writing(path):
            write_whole(path, report_json(report))

    def read(self) -> list[Report]:
        """All reports, by name; other files are left out."""
        found = (load_report(path) for path in sorted(self.folder.glob("*.json")))
        return [report for report in found if report is not None]

    def fresh(self, options: GradeOptions, submission: Submission) -> Report | None:
        """The report that grading this submission again would give, if it is here."""
        report = load_report(self.path(submission.name))
        if report is None:
            return None
        now = (submission.digest, options.suite, options.device, list(options.layers), versions())
        then = (report.digest, report.suite, report.device, report.isolation, report.versions)
        broken = any(task.outcome is Outcome.BROKEN for task in report.tasks)
        return report if then == now and not broken else None


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MachineError(
            f"{path} can't be written: {error.strerror}; fix that and grade again:"
            " finished reports are kept"
        ) from None


def write_page(file: Path, text: str) -> None:
    """Write a page or a table for a person, whole or not at all."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, text.encode())
    except OSError as error:
        raise UsageError(f"{file} can't be written: {error.strerror}") from None


def write_whole(path: Path, data: bytes) -> None:
    """Whole or not at all: a reader never sees half a file. Raises OSError."""
    if path.exists() and not path.is_file():  # a pipe, /dev/stdout
        path.write_bytes(data)
        return
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def report_json(report: Report) -> bytes:
    """The bytes of a report's file: keys in order, one level a line."""
    return msgspec.json.format(msgspec.json.encode(report, order="deterministic"), indent=1) + b"\n"


def load_report(path: Path) -> Report | None:
    """A report from its file; None if it isn't one of this format."""
    try:
        report = msgspec.json.decode(path.read_bytes(), type=Report)
    except (OSError, msgspec.MsgspecError):
        return None
    return report if report.format == FORMAT else None
