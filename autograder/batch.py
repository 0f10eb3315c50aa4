"""Many submissions on many cores: journal, resume, cache."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path

import msgspec

from autograder import errors, jail
from autograder.course import Lecture
from autograder.errors import AutograderError, CourseError, MachineError, WorkerError
from autograder.job import Done, Work, versions
from autograder.pool import Pair, Plan, Pool
from autograder.submission import Submission, read_submission, safe_name
from autograder.verdict import Report, TaskResult

AHEAD = 2  # submissions that a suite process has at hand, so that it never waits for us
TRIES = 2  # of a submission with which a suite process of ours died
DEEP_FROM = 4  # submissions from which exercising torch before the forks pays


def choose_layers(isolation: str) -> tuple[str, ...]:
    """The layers to use: `strong` is an error where this machine can't, `basic` what is there."""
    if isolation == "none":
        return ()
    layers = jail.available()
    if isolation == "strong" and not jail.strong(layers):
        lacking = [layer for layer in jail.WITHOUT if layer not in layers]
        raise MachineError(
            f"this machine lacks {', '.join(lacking)}: {jail.WITHOUT[lacking[0]]}."
            " `autograder doctor` tells more; --isolation basic grades all the same"
        )
    return layers


def wrong_answers(plan: Plan) -> str:
    """The text of the lecture's wrong_answers.json."""
    pool = Pool(plan, (), many=False)
    try:
        pair = pool.pairs[0]
        pair.channel.send_bytes(msgspec.msgpack.encode(Work(name="")))
        while (done := pair.receive()).ready:
            pass
    except (EOFError, OSError):
        raise WorkerError("the suite process ended; call again with --debug") from None
    finally:
        pool.close()
    if done.error:
        raise _error(done)
    return done.wrong_answers


def grade_all(
    plan: Plan, entries: Iterable[Path], keep_out: Iterable[Path] = ()
) -> Iterator[Report]:
    """A report for each hand-in, as they get ready. Raises what stops them all."""
    return grade_submissions(plan, read_class(plan.lecture, entries), many=True, keep_out=keep_out)


def read_class(lecture: Lecture, entries: Iterable[Path]) -> Iterator[Submission]:
    """Each hand-in, under a name of its own."""
    names = Names()
    for entry in entries:
        yield names.distinct(read_submission(entry, lecture.id, lecture.files), entry)


def grade_submissions(
    plan: Plan, submissions: Iterable[Submission], many: bool, keep_out: Iterable[Path] = ()
) -> Iterator[Report]:
    """A report for each submission; `many` says that warming up pays."""
    todo = iter(submissions)
    again: deque[Submission] = deque()
    tries: dict[str, int] = {}
    pool = Pool(plan, keep_out, many)
    try:
        for pair in pool.pairs:
            _feed(pair, again, todo)
        while busy := [pair for pair in pool.pairs if pair.busy]:
            for channel in wait([pair.channel for pair in busy]):
                pair = next(pair for pair in busy if pair.channel is channel)
                try:
                    done = pair.receive()
                except (EOFError, OSError):
                    yield from _died(pool, plan, pair, again, tries)
                    continue
                if done.ready:
                    continue
                if done.report is None:
                    raise _error(done)
                pair.busy.popleft()
                _feed(pair, again, todo)
                yield done.report
            for pair in pool.pairs:
                _feed(pair, again, todo)
    finally:
        pool.close()


def _feed(pair: Pair, again: deque[Submission], todo: Iterator[Submission]) -> None:
    while len(pair.busy) < AHEAD:
        submission = again.popleft() if again else next(todo, None)
        if submission is None:
            return
        pair.busy.append(submission)
        work = Work(
            name=submission.name,
            files=submission.files,
            problem=submission.problem,
            outcome=submission.outcome,
        )
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # `wait` will tell
            pair.channel.send_bytes(msgspec.msgpack.encode(work))


def _died(
    pool: Pool, plan: Plan, pair: Pair, again: deque[Submission], tries: dict[str, int]
) -> Iterator[Report]:
    """A suite process ended: its first submission gets one more try, the others wait again."""
    pool.restart(pair)
    first = pair.busy[0]
    tries[first.name] = tries.get(first.name, 0) + pair.alone
    if tries[first.name] >= TRIES:
        yield broken_report(plan, pair.busy.popleft())
    again.extend(pair.busy)


def _error(done: Done) -> AutograderError:
    kinds = {errors.COURSE: CourseError, errors.MACHINE: MachineError}
    return kinds.get(done.exit_code, WorkerError)(done.error)


def broken_report(plan: Plan, submission: Submission) -> Report:
    """The report of a submission with which a process of ours died each time."""
    tasks = [
        TaskResult(id=t.id, outcome="broken", score=0.0, points=t.points, bonus=t.bonus)
        for t in plan.lecture.tasks
    ]
    return Report(
        course=plan.course.name,
        lecture=plan.lecture.id,
        submission=submission.name,
        digest=submission.digest,
        suite=plan.suite,
        device=plan.device,
        versions=versions(),
        isolation=list(plan.layers),
        problem=f"the grading process ended {TRIES} times with this submission; grade it by hand",
        score=0.0,
        points=sum(task.points for task in tasks if not task.bonus),
        seconds=0.0,
        tasks=tasks,
    )


class Names:
    """Two hand-ins of one name (alice/ and alice.zip) keep a report each."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def distinct(self, submission: Submission, entry: Path) -> Submission:
        name, number = submission.name, 1
        while name in self.seen:
            name = safe_name(entry.name) if number == 1 else f"{submission.name}-{number}"
            number += 1
        self.seen.add(name)
        return dataclasses.replace(submission, name=name)


@dataclass(frozen=True)
class Results:
    """The folder RESULTS/LECTURE with a report for each student."""

    folder: Path

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def make(self) -> None:
        """Before anybody is graded: a folder that can't be made costs nobody's time."""
        with _writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)

    def write(self, report: Report) -> None:
        path = self.path(report.submission)
        with _writing(path):
            write_whole(path, report_json(report))

    def read(self) -> list[Report]:
        """All reports, by name; what isn't one is left out."""
        found = (load_report(path) for path in sorted(self.folder.glob("*.json")))
        return [report for report in found if report is not None]

    def fresh(self, plan: Plan, submission: Submission) -> Report | None:
        """The report that grading this submission again would give, if it is here."""
        report = load_report(self.path(submission.name))
        if report is None:
            return None
        now = (submission.digest, plan.suite, plan.device, list(plan.layers))
        then = (report.digest, report.suite, report.device, report.isolation)
        broken = any(task.outcome == "broken" for task in report.tasks)
        return report if then == now and report.versions == versions() and not broken else None


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MachineError(
            f"{path} can't be written: {error.strerror}; mend that and grade again:"
            " what was finished is kept"
        ) from None


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
    """A report from its file; None if it isn't one."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except (OSError, msgspec.MsgspecError):
        return None
