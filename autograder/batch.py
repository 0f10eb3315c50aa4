"""Many submissions on many cores: journal, resume, cache."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path

import msgspec

from autograder import errors, image, jail
from autograder.course import Course, Lecture
from autograder.errors import AutograderError, CourseError, MachineError, WorkerError
from autograder.job import Done, Job, Work, suite_digest, versions
from autograder.submission import Submission, read_submission, safe_name
from autograder.verdict import Report, TaskResult

AHEAD = 2  # submissions that a suite process has at hand, so that it never waits for us
TRIES = 2  # of a submission with which a suite process of ours died
DEEP_FROM = 4  # submissions from which exercising torch before the forks pays
# One thread each; sets of text in the same order every time, as the same work must get the
# same report.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
WORKER, SUITE = "autograder.worker:zygote", "autograder.grade:serve"


@dataclass(frozen=True)
class Plan:
    """How to grade: on what, by how many, behind which walls. tasks: only these, if any."""

    course: Course
    lecture: Lecture
    device: str = "cpu"
    jobs: int = 1
    layers: tuple[str, ...] = ()
    start_method: str = "fork"
    tasks: tuple[str, ...] = ()

    @functools.cached_property
    def suite(self) -> str:
        """The digest of what decides a verdict; read once a run."""
        return suite_digest(self.lecture)

    def job(self, folder: str, keep_out: Iterable[Path]) -> Job:
        return Job(
            root=str(self.course.root),
            lecture=self.lecture.id,
            device=self.device,
            layers=self.layers,
            readable=tuple(jail.readable_folders((self.course.root, *keep_out))),
            folder=folder,
            secret=self.course.secret,
            tasks=self.tasks,
        )


@dataclass
class Pair:
    """A suite process with the parent of its workers, and what it is busy with."""

    channel: Connection
    busy: deque[Submission] = field(default_factory=deque)


class Pool:
    """The processes of one grading run; closing it leaves none behind."""

    def __init__(self, plan: Plan, keep_out: Iterable[Path], many: bool) -> None:
        self.plan = plan
        self.folder = tempfile.TemporaryDirectory(prefix="autograder-")
        os.chmod(self.folder.name, 0o711)
        self.processes: list[subprocess.Popen[bytes]] = []
        self.control: socket.socket | None = None
        self.many = many
        try:
            if plan.start_method == "fork":
                self.control = self._image()
            job = msgspec.msgpack.encode(plan.job(self.folder.name, keep_out))
            self.job = job
            self.pairs = [self._pair() for _ in range(plan.jobs)]
        except BaseException:
            self.close()
            raise

    def _image(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        imports = (*self.plan.course.imports, *((image.DEEP,) if self.many else ()))
        self._start([str(theirs.fileno()), ",".join(imports)], [theirs])
        return ours

    def _start(self, arguments: list[str], sockets: list[socket.socket]) -> None:
        """A fresh interpreter that inherits the sockets; of our environment only what it needs."""
        command = [sys.executable, "-s", "-P", "-m", "autograder.image", *arguments]
        names = ("PATH", "LANG", "HOME", *self.plan.course.environment)
        keep = {name: os.environ[name] for name in names if name in os.environ} | ENVIRONMENT
        self.processes.append(
            subprocess.Popen(
                command,
                pass_fds=[s.fileno() for s in sockets],
                stdin=subprocess.DEVNULL,
                env=keep,
                start_new_session=True,
            )
        )
        for s in sockets:
            s.close()

    def _pair(self) -> Pair:
        suite_end, zygote_end = socket.socketpair()
        ours, channel = socket.socketpair()
        if self.control is not None:
            self._fork(WORKER, [zygote_end])
            self._fork(SUITE, [suite_end, channel])
        else:
            self._start([str(zygote_end.fileno()), "", WORKER], [zygote_end])
            fds = [str(suite_end.fileno()), "", SUITE, str(channel.fileno())]
            self._start(fds, [suite_end, channel])
        pair = Pair(Connection(ours.detach()))
        with contextlib.suppress(BrokenPipeError):
            pair.channel.send_bytes(self.job)
        return pair

    def _fork(self, entry: str, sockets: list[socket.socket]) -> None:
        assert self.control is not None
        socket.send_fds(self.control, [entry.encode()], [s.fileno() for s in sockets])
        for s in sockets:
            s.close()

    def restart(self, pair: Pair) -> Pair:
        """Another pair in the place of one that died, from another image if that died too."""
        pair.channel.close()
        if self.control is not None and self.processes[-1].poll() is not None:
            self.control.close()
            self.control = self._image()
        fresh = self._pair()
        self.pairs[self.pairs.index(pair)] = fresh
        return fresh

    def close(self) -> None:
        """End every process, the deaf ones too."""
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for pair in getattr(self, "pairs", []):
            pair.channel.close()
        if self.control is not None:
            self.control.close()
        self.folder.cleanup()


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
        channel = pool.pairs[0].channel
        channel.send_bytes(msgspec.msgpack.encode(Work(name="")))
        done = msgspec.msgpack.decode(channel.recv_bytes(), type=Done)
    except EOFError:
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
                    done = msgspec.msgpack.decode(pair.channel.recv_bytes(), type=Done)
                except (EOFError, OSError):
                    yield from _died(pool, plan, pair, again, tries)
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
    first = pair.busy[0]
    tries[first.name] = tries.get(first.name, 0) + 1
    rest = list(pair.busy)[1:]
    pool.restart(pair)
    if tries[first.name] >= TRIES:
        yield broken_report(plan, first)
        again.extend(rest)
    else:
        again.extend([first, *rest])


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

    def write(self, report: Report) -> None:
        """Whole or not at all: a reader never sees half a report."""
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / f".{report.submission}.tmp"
        temporary.write_bytes(report_json(report))
        os.replace(temporary, self.path(report.submission))

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


def report_json(report: Report) -> bytes:
    """The bytes of a report's file: keys in order, one level a line."""
    return msgspec.json.format(msgspec.json.encode(report, order="deterministic"), indent=1) + b"\n"


def load_report(path: Path) -> Report | None:
    """A report from its file; None if it isn't one."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except (OSError, msgspec.MsgspecError):
        return None
