"""The processes of a command: warm once, fork many; closing leaves none behind."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Self

import msgspec

from autograder import image, jail
from autograder.course import Course, Lecture
from autograder.errors import MachineError, WorkerError
from autograder.job import Done, Job, suite_digest
from autograder.submission import Submission

# One thread each; sets of text in the same order every time, as the same work must get the
# same report.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
WORKER, SUITE = "autograder.worker:zygote", "autograder.grade:serve"
FOLDER = "autograder-jail-"
STARTS = 5  # of a suite process that ends before it is ready


class Warm:
    """The image, from which all others are forked; or, by spawn, fresh processes.

    A command that grades several lectures makes one and hands it to each `Plan`. Nothing is
    started before something is to be graded.
    """

    def __init__(self, course: Course, start_method: str = "fork") -> None:
        self.course = course
        self.forks = start_method == "fork"
        try:
            _sweep(tempfile.gettempdir())
        except FileNotFoundError as error:
            raise MachineError(f"{error.strerror}; let TMPDIR name one") from None
        self.folder, self.lock = _folder()
        self.processes: list[subprocess.Popen[bytes]] = []
        self.control: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _image(self, deep: bool) -> None:
        """Start the image, if there is none or it has died."""
        if self.control is not None:
            # It never speaks: what can be read there is its end, which comes before its last.
            gone = select.select([self.control], [], [], 0)[0]
            if not gone and self.processes[-1].poll() is None:
                return
            self.control.close()
        imports = (*self.course.imports, *((image.DEEP,) if deep else ()))
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._start([str(theirs.fileno()), ",".join(imports)], [theirs])

    def _start(self, arguments: list[str], sockets: list[socket.socket]) -> None:
        """A fresh interpreter that inherits the sockets; of our environment only what it needs."""
        command = [sys.executable, "-s", "-P", "-m", "autograder.image", *arguments]
        names = ("PATH", "LANG", "HOME", *self.course.environment)
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

    def _fork(self, entry: str, sockets: list[socket.socket]) -> None:
        assert self.control is not None
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the channel will tell
            socket.send_fds(self.control, [entry.encode()], [s.fileno() for s in sockets])
        for s in sockets:
            s.close()

    def suite(self, job: bytes, deep: bool) -> Connection:
        """A channel to a new suite process, which has the parent of its workers and its job.

        It ends when the channel is closed. deep: also exercise torch before the first fork,
        which pays where many will be graded.
        """
        suite_end, zygote_end = socket.socketpair()
        ours, theirs = socket.socketpair()
        if self.forks:
            self._image(deep)
            self._fork(WORKER, [zygote_end])
            self._fork(SUITE, [suite_end, theirs])
        else:
            self._start([str(zygote_end.fileno()), "", WORKER], [zygote_end])
            fds = [str(suite_end.fileno()), "", SUITE, str(theirs.fileno())]
            self._start(fds, [suite_end, theirs])
        channel = Connection(ours.detach())
        with contextlib.suppress(BrokenPipeError):
            channel.send_bytes(job)
        return channel

    def close(self) -> None:
        """End every process, the deaf ones too."""
        for process in self.processes:
            if process.poll() is None:  # else its number may be somebody else's by now
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if self.control is not None:
            self.control.close()
        self.folder.cleanup()
        os.close(self.lock)


def _folder() -> tuple[tempfile.TemporaryDirectory[str], int]:
    """A folder for the jails, and its lock, which the kernel lets go when we end, however."""
    while True:
        folder = tempfile.TemporaryDirectory(prefix=FOLDER)
        with contextlib.suppress(FileNotFoundError):  # swept before it was locked
            lock = os.open(folder.name, os.O_RDONLY)
            with contextlib.suppress(OSError):  # where there are no locks nobody sweeps
                fcntl.flock(lock, fcntl.LOCK_EX)
            os.chmod(folder.name, 0o711)
            return folder, lock


def _sweep(parent: str) -> None:
    """Remove what commands that were killed left: empty folders whose lock nobody holds."""
    for folder in Path(parent).glob(f"{FOLDER}*"):
        with contextlib.suppress(OSError):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                folder.rmdir()
            finally:
                os.close(lock)


@dataclass(frozen=True)
class Plan:
    """How to grade: on what, by how many, behind which walls. tasks: only these, if any.

    warm: the processes to use; without them, a run makes its own.
    """

    course: Course
    lecture: Lecture
    device: str = "cpu"
    jobs: int = 1
    layers: tuple[str, ...] = ()
    start_method: str = "fork"
    tasks: tuple[str, ...] = ()
    warm: Warm | None = None

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
    """A suite process with the parent of its workers, and what it is busy with.

    image: from which it was forked, if it was; without that it can't live. starts: how many in a
    row, with this one, have not graded anybody.
    """

    channel: Connection
    image: subprocess.Popen[bytes] | None
    busy: deque[Submission] = field(default_factory=deque)
    starts: int = 1
    ready: bool = False

    @property
    def alone(self) -> bool:
        """Of one that ended: whether by itself, over what it was busy with.

        Not before it was ready, nor with its image, which takes all with it, idle ones too.
        """
        return self.ready and (self.image is None or self.image.poll() is None)

    def receive(self) -> Done:
        """What it tells next. Raises EOFError or OSError where it ended."""
        done = msgspec.msgpack.decode(self.channel.recv_bytes(), type=Done)
        self.ready |= done.ready
        if done.report is not None:
            self.starts = 0
        return done


class Pool:
    """The pairs of one grading run; closing it ends them."""

    def __init__(self, plan: Plan, keep_out: Iterable[Path], many: bool) -> None:
        self.own = plan.warm is None
        self.warm = plan.warm or Warm(plan.course, plan.start_method)
        self.many = many
        self.pairs: list[Pair] = []
        try:
            self.job = msgspec.msgpack.encode(plan.job(self.warm.folder.name, keep_out))
            self.pairs += [self._pair() for _ in range(plan.jobs)]
        except BaseException:
            self.close()
            raise

    def _pair(self) -> Pair:
        channel = self.warm.suite(self.job, deep=self.many)
        return Pair(channel, self.warm.processes[-1] if self.warm.forks else None)

    def restart(self, pair: Pair) -> None:
        """Another pair in the place of one that died."""
        pair.channel.close()
        if not pair.alone and pair.starts == STARTS:
            raise WorkerError(
                f"the suite process ended {STARTS} times before it could grade anybody;"
                " see what it printed, and grade again: what was finished is kept"
            )
        another = self._pair()
        another.starts = 1 if pair.alone else pair.starts + 1
        self.pairs[self.pairs.index(pair)] = another

    def close(self) -> None:
        if self.own:
            self.warm.close()
        for pair in self.pairs:
            pair.channel.close()
