"""The untrusted side: a warm parent that forks, and a child that jails itself and answers.

The parent (`zygote`) hears two things from its suite process: fork one, and end that one.
Sources, questions and answers go over the child's own socket and never through the parent.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import linecache
import os
import signal
import socket
import struct
import sys
import tempfile
import traceback
import types
from collections.abc import Callable
from typing import Any

from autograder import forbid, image, jail, state, wire

# parent's requests: what to do, and to which process; its answers: one number
REQUEST = struct.Struct("<cq")
ANSWER = struct.Struct("<q")
FORK, END = b"F", b"E"
TEXT_LIMIT = 2000  # characters of a message, an exception, a traceback
FRAMES = 6
PROBES_FILE = "<probes>"
# all that a submission finds in its environment, but for HOME and TMPDIR: its own folder
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}


def zygote(control: socket.socket) -> None:
    """Fork a jailed child for each request, end it on request; stop when the suite goes."""
    settings = _receive(control)
    probes = compile(settings["probes"], PROBES_FILE, "exec")
    jail._filter()
    me = os.getpid()
    users: dict[int, int] = {}  # child -> its own user, where that is one of the layers
    first_user = jail.OTHER_UID + me % 64 * 64
    while True:
        message, fds, _, _ = socket.recv_fds(control, REQUEST.size, 2)
        if len(message) < REQUEST.size:
            return
        what, pid = REQUEST.unpack(message)
        if what == END:
            os.kill(pid, signal.SIGKILL)
            if pid in users:
                jail.end_user(users.pop(pid))
            control.sendall(ANSWER.pack(_reap(pid, settings["cpu"])))
            continue
        user = next(uid for uid in range(first_user, first_user + 64) if uid not in users.values())
        pid = _fork(settings["layers"])
        if pid == 0:
            control.close()
            _child(fds[0], fds[1], {**settings, "user": user, "probes": probes}, me)
        if "uid" in settings["layers"]:
            users[pid] = user
        for fd in fds:
            os.close(fd)
        control.sendall(ANSWER.pack(pid))


def _reap(pid: int, cpu: int) -> int:
    """How a child ended.

    The first process of a namespace is deaf to SIGXCPU, and the limit ends it by a SIGKILL that
    looks like anybody's: the seconds that it used tell them apart.
    """
    _, status, used = os.wait4(pid, 0)
    spent = used.ru_utime + used.ru_stime >= cpu
    return signal.SIGXCPU if status == signal.SIGKILL and spent else status


def _fork(layers: list[str]) -> int:
    return jail.fork(jail.NAMESPACES) if "namespaces" in layers else os.fork()


def _child(fd: int, output: int, settings: dict[str, Any], parent: int) -> None:
    """Live as a child and never come back."""
    try:
        connection = _streams(fd, output, parent)
        try:
            folder = _enter(settings, parent)
        except BaseException as error:
            _send(connection, (0, "jail", f"{type(error).__name__}: {error}"))
            os._exit(1)
        _send(connection, (0, "ready"))
        Answering(connection, folder, settings["probes"]).loop()
    except BaseException:
        os._exit(70)
    os._exit(0)


def _streams(fd: int, output: int, parent: int) -> socket.socket:
    """Keep the socket and the output pipe, at numbers 3, 1 and 2; close all else."""
    os.setsid()
    jail.die_with_parent(parent)
    keep = os.dup(fd), os.dup(output)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (keep[1], 1), (keep[1], 2)):
        os.dup2(source, target)
    high = os.dup2(keep[0], 3) if keep[0] != 3 else 3
    os.closerange(4, os.sysconf("SC_OPEN_MAX"))
    sys.stdin = open(0, closefd=False)
    sys.stdout, sys.stderr = (
        open(n, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False) for n in (1, 2)
    )
    return socket.socket(fileno=high)


def _enter(settings: dict[str, Any], parent: int) -> str:
    """Put on the layers, outermost first; what needs rights comes before what takes them.

    Returns the child's own folder.
    """
    layers, folder = settings["layers"], settings["folder"]
    if "namespaces" in layers:
        jail.map_ids(settings["uid"], settings["gid"])
        jail.private_mounts()
        jail.private_folder(folder, settings["file_mib"])
        jail.limit_processes(settings["processes"])
    else:
        folder = tempfile.mkdtemp(dir=folder)
    image.load(settings["imports"])
    wire.use_device(settings["device"])
    wire.use_limits(settings["answer_mib"], settings["answer_depth"])
    if "uid" in layers:
        os.chown(folder, settings["user"], settings["user"])
        jail.become(settings["user"])
        jail.die_with_parent(parent)
    _surroundings(folder)
    if "rlimits" in layers:
        jail.limit(
            settings["memory_mib"],
            settings["cpu"],
            settings["file_mib"],
            settings["processes"],
            settings["open_files"],
        )
    if "namespaces" in layers:
        jail.drop_capabilities()
    if "landlock" in layers or "seccomp" in layers:
        jail.no_new_privileges()
    if "landlock" in layers:
        jail.restrict_files(settings["readable"], [folder, os.devnull])
    if "seccomp" in layers:
        jail.restrict_calls()
    return str(folder)


def _surroundings(folder: str) -> None:
    """An environment, a folder and a umask built from nothing."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(ENVIRONMENT, HOME=folder, TMPDIR=folder)
    tempfile.tempdir = None
    os.umask(0o077)
    sys.argv = [""]
    sys.path[:] = [folder, *(path for path in sys.path if path and path != folder)]
    sys.dont_write_bytecode = True


class Answering:
    """A child's life: the sources first, then a question and an answer at a time."""

    def __init__(self, connection: socket.socket, folder: str, probes: types.CodeType) -> None:
        self.connection = connection
        self.folder = folder
        self.files: list[str] = []  # that have tasks
        self.modules: dict[str, types.ModuleType] = {}
        # The probes are the suite's own; they run on this side of the wall by design.
        self.probes = sys.modules["autograder.probes"] = types.ModuleType("autograder.probes")
        exec(probes, vars(self.probes))
        self.kept: state.Kept | None = None  # from its import on

    def loop(self) -> None:
        while True:
            request = _receive(self.connection)
            answer = self.answer(request)
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(BaseException):  # theirs now, perhaps
                    stream.flush()
            _send(self.connection, answer)

    def answer(self, request: dict[str, Any]) -> tuple[Any, ...]:
        number = request["number"]
        try:
            state.settle(request["seed"], self.folder)
            if self.kept is not None and request.get("first"):
                self.kept.restore()
            with forbid.only(request.get("forbid", ())):
                value = getattr(self, "do_" + request["do"])(request)
            return number, "value", wire.encode(value)
        except Changed as error:
            return number, "changed", f"{error}"[:TEXT_LIMIT]
        except (wire.WireError, forbid.ForbiddenCall) as error:
            return number, "refused", f"{error}"[:TEXT_LIMIT]
        except BaseException as error:
            if _out_of_memory(error):
                return number, "refused", "it needs more memory than it may have"
            return number, *self.told(error)

    def do_sources(self, request: dict[str, Any]) -> dict[str, str]:
        """Write the files and shut the gates; task -> the forbidden call that its sources say.

        Nothing of theirs has run yet.
        """
        tasks = request["tasks"]
        for name in sorted({name for _, _, rules in tasks.values() for name in rules}):
            forbid.guard(name)
        for path, data in request["files"].items():
            target = os.path.join(self.folder, path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as file:
                file.write(data)
        self.files = list(dict.fromkeys(file for file, _, _ in tasks.values()))
        found: dict[str, str] = {}
        for file_name in self.files:
            of_file = {id: rest for id, (file, *rest) in tasks.items() if file == file_name}
            found |= forbid.search(request["files"][file_name], of_file)
        return found

    def do_import(self, _: dict[str, Any]) -> None:
        """Import the tasks' files; what they are now is what each test begins with."""
        for file_name in self.files:
            name = file_name.removesuffix(".py")
            sys.modules.pop(name, None)
            importlib.invalidate_caches()
            self.modules[file_name] = importlib.import_module(name)
        self.kept = state.Kept()

    def do_call(self, request: dict[str, Any]) -> Any:
        target: Any = self.modules[request["file"]]
        for part in request["name"].split("."):
            target = getattr(target, part)
        return _unchanged(target, request, request["args"], request["kwargs"])

    def do_probe(self, request: dict[str, Any]) -> Any:
        probe = functools.partial(
            getattr(self.probes, request["name"]), self.modules[request["file"]]
        )
        return _unchanged(probe, request, request["args"], {})

    def told(self, error: BaseException) -> tuple[str, str, str, str]:
        """("raised" or "missing", class name, message, where), as text and capped."""
        try:
            text = str(error)[:TEXT_LIMIT]
        except BaseException:
            text = "(its text could not be made)"
        try:
            frames = traceback.extract_tb(error.__traceback__)
            where = self.where(error, frames)
            kind = "raised"
            if isinstance(error, AttributeError) and self.absent(error, frames[-1].filename):
                kind = "missing"
        except BaseException:
            kind, where = "raised", ""
        return kind, type(error).__name__[:100], text, where

    def absent(self, error: AttributeError, file: str) -> bool:
        """Whether a probe, or we, asked the submission for a name that it doesn't have."""
        owner = error.obj if isinstance(error.obj, type) else type(error.obj)
        theirs = owner.__module__ in {name.removesuffix(".py") for name in self.modules}
        asked = file in (PROBES_FILE, __file__)
        return asked and (theirs or type(error.obj) is types.ModuleType)

    def where(self, error: BaseException, frames: Any) -> str:
        """The lines of the submission that the exception came through, innermost last."""
        lines = []
        for frame in frames:
            name = os.path.relpath(frame.filename, self.folder)
            if not name.startswith("..") and os.path.isabs(frame.filename):
                source = frame.line or linecache.getline(frame.filename, frame.lineno).strip()
                lines.append(f"{name}, line {frame.lineno}, in {frame.name}: {source}")
        if isinstance(error, SyntaxError) and error.filename:
            name = os.path.basename(error.filename)
            lines.append(f"{name}, line {error.lineno}: {(error.text or '').strip()}")
        return "\n".join(line[:200] for line in lines[-FRAMES:])


class Changed(Exception):
    """A call left something that is not its own changed."""


def _unchanged(
    function: Callable[..., Any], request: dict[str, Any], args: Any, kwargs: dict[str, Any]
) -> Any:
    """Call a function, and look whether its arguments and torch's modes are as before."""
    torch = sys.modules.get("torch")
    given = [] if request["mutates"] else [*args, *kwargs.values()]
    before = [wire.encode(value) for value in given]
    value = function(*args, **kwargs)
    for i, (data, one) in enumerate(zip(before, given, strict=True)):
        if data != _bytes(one):
            raise Changed(
                f"{request['name']} changed its argument {i + 1}, which belongs to its caller;"
                " work on a copy"
            )
    if torch and not torch.is_grad_enabled():
        raise Changed(
            f"{request['name']} turned gradients off and not on again;"
            " write `with torch.no_grad():` around the lines that need it"
        )
    if torch and torch.get_default_dtype() != torch.float32:
        raise Changed(f"{request['name']} changed torch's default dtype; give dtype= instead")
    return value


def _bytes(value: Any) -> bytes:
    try:
        return wire.encode(value)
    except wire.WireError:
        return b""


def _out_of_memory(error: BaseException) -> bool:
    """Python's and torch's way to say it."""
    if isinstance(error, MemoryError):
        return True
    return type(error) is RuntimeError and "can't allocate memory" in str(error)


def _send(connection: socket.socket, value: Any) -> None:
    connection.sendall(wire.frame(value))


def _receive(connection: socket.socket) -> Any:
    length = wire.frame_length(_exactly(connection, 4))
    return wire.decode(_exactly(connection, length))


def _exactly(connection: socket.socket, length: int) -> bytearray:
    buffer = bytearray(length)
    view = memoryview(buffer)
    while view:
        count = connection.recv_into(view)
        if count == 0:
            os._exit(0)  # nobody is there to answer to
        view = view[count:]
    return buffer
