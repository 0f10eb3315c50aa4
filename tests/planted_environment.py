"""Where attacks are graded: a course, secrets to find, services to reach, a machine to spoil."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from attack import CANARY, LEFT, LIFTED, OUTSIDE, Attack

from autograder.course import SECRET_VARIABLE, Course, load_course
from autograder.memory import children
from autograder.pool import Warm

HERE = Path(__file__).parent
MINI = HERE / "courses" / "mini"
REFERENCE = MINI / "solutions" / "l01_sums" / "sums.py"
LIMITS = {"call": 0.5, "submission": 20.0, "memory_mib": 512, "kills_per_task": 1}

LOOSE = {  # limits that a layer consists of, and what they are without it
    "deadline": {"call": 20.0, "submission": 60.0, "cpu": 2},
    "output cap": {"output_kib": 2**20},
}


@dataclass
class Place:
    """A course with canaries in it, a neighbour, a home, old results, sockets that answer."""

    folder: Path
    port: int
    mark: str
    victims: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def suite(self) -> Path:
        return self.folder / "mini" / "solutions" / "l01_sums"

    @property
    def socket(self) -> str:
        return f"/tmp/{self.mark}"  # a socket's path has 107 bytes at most

    def places(self, attack: Attack) -> bytes:
        """The text of places.py: where an attacker would find what it looks for."""
        found = {
            "SUITE": str(self.suite),
            "NEIGHBOUR": str(self.folder / "class" / "neighbour"),
            "RESULTS": str(self.folder / "results"),
            "HOME": str(self.folder / "home"),
            "PLANTED": str(self.folder / "planted" / "file"),
            "TEMPORARY": str(self.folder / "temporary"),
            "SOCKET": self.socket,
            "PORT": self.port,
            "MARK": self.mark,
            "GRADER": self.victim(attack) if "GRADER" in attack.text() else 0,
        }
        return "".join(f"{name} = {value!r}\n" for name, value in found.items()).encode()

    def victim(self, attack: Attack) -> int:
        """A process that stands for the grader, one for each attack, with canaries about it."""
        if attack.name not in self.victims or attack.name in self.gone():
            self.victims[attack.name] = subprocess.Popen(
                [f"{CANARY} grader", "600"],
                executable=shutil.which("sleep"),
                env={"NOTE": CANARY},
                start_new_session=True,
            )
        return self.victims[attack.name].pid

    def gone(self) -> set[str]:
        """The attacks whose victim has died."""
        return {name for name, victim in self.victims.items() if victim.poll() is not None}

    def files(self) -> dict[str, bytes]:
        """All that is on disk, but for what Python compiled and what build.py made."""
        paths = [
            path
            for path in self.folder.rglob("*")
            if path.is_file() and not {"__pycache__", "entries"}.intersection(path.parts)
        ]
        return {str(path): path.read_bytes() for path in paths}

    def course(self, off: frozenset[str], limits: str) -> Course:
        """The tiny course with its guards lifted as `off` says."""
        lifted = [name.replace(" ", "_") for name in LIFTED if name in off]
        os.environ["LIFTED"] = ",".join(lifted)
        values: dict[str, object] = dict(LIMITS)
        for layer, loose in LOOSE.items():
            if layer in off:
                values |= loose
        if limits and "deadline" not in off:
            key, value = limits.split(" = ")
            values[key] = float(value)
        root = self.folder / "mini"
        text = (MINI / "course.toml").read_text().split("[limits]")[0]
        if lifted:
            text = text.replace('"numpy"]', '"numpy", "lifted"]')
            text += 'environment = ["PYTHONPATH", "LIFTED"]\n'
        text += "[limits]\n" + "".join(f"{key} = {value}\n" for key, value in values.items())
        (root / "course.toml").write_text(text)
        secret = root / "solutions" / ".secret"
        secret.unlink(missing_ok=True)
        os.environ.pop(SECRET_VARIABLE, None)
        if "secret" not in off:
            secret.write_text(f"{CANARY} file")
            os.environ[SECRET_VARIABLE] = f"{CANARY} in the environment"
        suite = (MINI / "solutions" / "l01_sums" / "test_hidden.py").read_text()
        if "hidden suite" in off:
            suite = suite.replace('@task("double")\ndef test_negative', "def negative")
        (self.suite / "test_hidden.py").write_text(f"{suite}\n\nNOTE = '{CANARY} in the suite'\n")
        return load_course(root)


@contextlib.contextmanager
def planted(folder: Path) -> Iterator[Place]:
    """A place that is gone afterwards, with all that listens in it."""
    shutil.copytree(MINI, folder / "mini", ignore=shutil.ignore_patterns("__pycache__"))
    mark = f"museum-{os.getpid()}-{os.urandom(4).hex()}"
    for path in (
        *("class/neighbour/sums.py", "results/neighbour.json", "home/.ssh/id_key"),
        *("results/to_write.json", "results/to_remove.json", "planted/file", "temporary/.keep"),
    ):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(f"{CANARY} of another")
    solution = folder / "mini" / "solutions" / "l01_sums" / "sums.py"
    solution.write_text(f"{solution.read_text()}\n\nNOTE = '{CANARY} in the solution'\n")
    (folder / "planted" / "solution.py").symlink_to(solution)
    shutil.copytree(solution.parent, folder / "planted" / "neighbour")
    environment = {"HOME": str(folder / "home"), "NOTE": CANARY, "PYTHONPATH": str(HERE)}
    with (
        mock.patch.dict(os.environ, environment),
        mock.patch.object(tempfile, "tempdir", str(folder / "temporary")),
        contextlib.ExitStack() as stack,
    ):
        port = stack.enter_context(listening(socket.AF_INET, ("127.0.0.1", 0)))[1]
        place = Place(folder, port, mark)
        stack.enter_context(listening(socket.AF_UNIX, place.socket))
        stack.enter_context(listening(socket.AF_UNIX, f"\0{mark}"))
        try:
            yield place
        finally:
            for victim in place.victims.values():
                victim.kill()
                victim.wait()
            os.unlink(place.socket)


@contextlib.contextmanager
def listening(family: int, address: object) -> Iterator[tuple[str, int]]:
    """A socket that answers everybody with a canary; its address."""
    line = socket.socket(family)
    line.bind(address)  # type: ignore[arg-type]
    line.listen()

    def answer() -> None:
        with contextlib.suppress(OSError):  # it was closed
            while True:
                with line.accept()[0] as caller, contextlib.suppress(OSError):
                    caller.sendall(f"{CANARY} of a service".encode())

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield line.getsockname()
    finally:
        line.shutdown(socket.SHUT_RDWR)
        line.close()
        thread.join()


@contextlib.contextmanager
def unchanged(place: Place, warm: Warm | None) -> Iterator[list[str]]:
    """In words, what isn't as it was before; in the end it is."""
    found: list[str] = []
    files, shared = place.files(), _shared()
    with survivors(warm) as left_behind:
        yield found
        if left_behind():
            found.append(LEFT)
    after = place.files()
    for path in sorted(files.keys() | after.keys()):
        if files.get(path) != after.get(path):
            found.append(f"{OUTSIDE}: {path}")
            if path in files:
                Path(path).write_bytes(files[path])
            else:
                os.unlink(path)
    found += [f"left in shared memory: {name}" for name in sorted(_shared() - shared)]


def _shared() -> set[str]:
    """What all processes of a machine share by name: files in memory, segments, queues."""
    tables = [path.read_text() for path in Path("/proc/sysvipc").glob("*")]
    rows = {" ".join(line.split()[:2]) for text in tables for line in text.splitlines()}
    return rows | {path.name for path in Path("/dev/shm").glob("*")}


@contextlib.contextmanager
def survivors(warm: Warm | None = None) -> Iterator[Callable[[], list[int]]]:
    """Whoever outlives a grading run becomes our child; asked, it says who doesn't end.

    warm: processes that are to outlive it.
    """
    libc = ctypes.CDLL(None)
    libc.prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    known = set(children(os.getpid()))

    def find() -> list[int]:
        ours = known | {process.pid for process in (warm.processes if warm else [])}
        return [pid for pid in children(os.getpid()) if pid not in ours and not _ends(pid)]

    yield find
    while left := find():  # theirs become ours, too
        for pid in left:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
    libc.prctl(36, 0, 0, 0, 0)


def _ends(pid: int) -> bool:
    """Whether a process that was killed is gone within a moment."""
    fd = os.pidfd_open(pid)
    ended = bool(select.select([fd], [], [], 5.0)[0])
    os.close(fd)
    if ended:
        os.waitpid(pid, 0)
    return ended
