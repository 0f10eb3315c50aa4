"""Where attacks are graded: a course, secrets to find, services to reach, files to damage."""

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

from attack import CANARY, GUARDS, LEFT, OUTSIDE, Attack

from autograder.course import SECRET_VARIABLE, Course, load_course
from autograder.sandbox import forkserver
from autograder.sandbox.forkserver import ForkServer
from autograder.sandbox.memory import children

HERE = Path(__file__).parent
MINI = HERE / "courses" / "mini"
REFERENCE = MINI / "solutions" / "l01_sums" / "sums.py"
LIMITS = {"call": 0.5, "submission": 20.0, "memory_mib": 512, "kills_per_task": 1}

LOOSE: dict[str, dict[str, float]] = {  # limits that are a layer, and what they are without it
    "deadline": {"call": 20.0, "submission": 60.0, "cpu": 2},
    "output cap": {"output_kib": 2**20},
}


@dataclass
class Place:
    """A course, a neighbour, a home, old results and sockets that answer, each with a canary."""

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
        """The text of places.py: where an attack finds what it looks for."""
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
        """A process in the role of the grader, one for each attack, with canaries in its
        command line and environment.
        """
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
        """All files on disk, except those that Python compiled or a build.py made."""
        paths = [
            path
            for path in self.folder.rglob("*")
            if path.is_file() and not {"__pycache__", "entries"}.intersection(path.parts)
        ]
        return {str(path): path.read_bytes() for path in paths}

    def course(self, off: frozenset[str], limits: str) -> Course:
        """The tiny course without the layers in `off`, as far as a course decides on them."""
        values: dict[str, object] = dict(LIMITS)
        for layer, loose in LOOSE.items():
            if layer in off:
                values |= loose
        if limits and "deadline" not in off:
            key, value = limits.split(" = ")
            values[key] = float(value)
        root = self.folder / "mini"
        text = (MINI / "course.toml").read_text().split("[limits]")[0]
        if off.intersection(GUARDS):
            text = text.replace('"numpy"]', '"numpy", "disabled_guards"]')
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
def disabled(off: frozenset[str]) -> Iterator[None]:
    """Fork servers that start meanwhile can import tests/disabled_guards.py, with these names."""
    names = [name.replace(" ", "_") for name in GUARDS if name in off]
    variables = {"PYTHONPATH": str(HERE), "DISABLED": ",".join(names)} if names else {}
    with mock.patch.dict(forkserver.ENVIRONMENT, variables):
        yield


@contextlib.contextmanager
def planted(folder: Path) -> Iterator[Place]:
    """A place in this folder; its sockets and processes end afterwards."""
    shutil.copytree(MINI, folder / "mini", ignore=shutil.ignore_patterns("__pycache__"))
    mark = f"attacks-{os.getpid()}-{os.urandom(4).hex()}"
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
    environment = {"HOME": str(folder / "home"), "NOTE": CANARY}
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
def listening(family: int, address: str | tuple[str, int]) -> Iterator[tuple[str, int]]:
    """A socket that answers each caller with a canary; its address."""
    listener = socket.socket(family)
    listener.bind(address)
    listener.listen()

    def answer() -> None:
        with contextlib.suppress(OSError):  # it was closed
            while True:
                with listener.accept()[0] as caller, contextlib.suppress(OSError):
                    caller.sendall(f"{CANARY} of a service".encode())

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield listener.getsockname()
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@contextlib.contextmanager
def unchanged(place: Place, server: ForkServer | None) -> Iterator[list[str]]:
    """A list of the changes to the machine, in words; they are undone at the end."""
    found: list[str] = []
    files, shared = place.files(), _shared()
    with survivors(server) as left_behind:
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
    """What all processes of a machine share by name: files in shared memory, segments, queues."""
    tables = [path.read_text() for path in Path("/proc/sysvipc").glob("*")]
    rows = {" ".join(line.split()[:2]) for text in tables for line in text.splitlines()}
    return rows | {path.name for path in Path("/dev/shm").glob("*")}


@contextlib.contextmanager
def survivors(server: ForkServer | None = None) -> Iterator[Callable[[], list[int]]]:
    """Adopt the processes that outlive a grading run; the function lists those that don't end.

    server: the fork server whose processes may outlive the run.
    """
    libc = ctypes.CDLL(None)
    libc.prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    known = set(children(os.getpid()))

    def find() -> list[int]:
        ours = known | {process.pid for process in (server.processes if server else [])}
        return [pid for pid in children(os.getpid()) if pid not in ours and not _ends(pid)]

    yield find
    while left := find():  # their own processes are adopted next
        for pid in left:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
    libc.prctl(36, 0, 0, 0, 0)


def _ends(pid: int) -> bool:
    """Whether a process ends within a moment."""
    fd = os.pidfd_open(pid)
    ended = bool(select.select([fd], [], [], 5.0)[0])
    os.close(fd)
    if ended:
        os.waitpid(pid, 0)
    return ended
