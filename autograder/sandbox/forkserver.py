"""The fork server: it imports torch once, knows no course, and forks other processes.

The first half runs in the fork server, the second half (`ForkServer`) in the command. Python's
`multiprocessing.forkserver` does not serve: it inherits the environment, listens on a socket that
has a path, pickles what it runs, and its processes outlive a killed command.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self

import msgspec

import autograder
from autograder.sandbox import isolation, preload
from autograder.sandbox.folders import PrivateFolders

ENGINE = str(Path(autograder.__file__).resolve())
# All that a forked process finds in its environment: one thread each, and the same order of sets
# of text every time, since the same work must get the same report.
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
}
# Import the engine of the command, whatever `autograder` is installed; then `main`.
BOOT = """
import importlib.util, sys
engine = sys.stdin.buffer.readline().decode().rstrip("\\n")
spec = importlib.util.spec_from_file_location("autograder", engine)
sys.modules["autograder"] = module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
from autograder.sandbox import forkserver
forkserver.main(engine, sys.stdin.buffer.read())
"""


class Start(msgspec.Struct, frozen=True):
    """How a fresh interpreter begins: as a fork server, or with an entry of its own (spawn)."""

    files: tuple[int, ...]  # of its sockets
    imports: tuple[str, ...] = ()
    warm_up: bool = False
    entry: str = ""  # module:function


def main(engine: str, start: bytes) -> None:
    """Run a fresh interpreter as `start` says."""
    if engine != ENGINE:
        sys.exit(f"autograder: {ENGINE} was imported in the place of {engine}; start again")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command
    isolation.die_with_parent(os.getppid())
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    settings = msgspec.msgpack.decode(start, type=Start)
    preload.load(settings.imports)
    if settings.warm_up:
        _warm_up()
    if settings.entry:
        _run(settings.entry, settings.files)
    preload.freeze()
    serve(socket.socket(fileno=settings.files[0]))


def serve(control: socket.socket) -> None:
    """Fork a process for each request (`module:function`), which gets the sockets with it."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them: the kernel reaps
    me = os.getpid()
    while True:
        message, files, _, _ = socket.recv_fds(control, 256, 4)
        if not message:
            return
        pid = os.fork()
        if pid == 0:
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            isolation.die_with_parent(me)
            _run(msgspec.msgpack.decode(message, type=Start).entry, files)
        for file in files:
            os.close(file)


def _run(entry: str, files: Iterable[int]) -> None:
    """Call an entry with its sockets, and exit."""
    code = 1
    try:
        module, _, name = entry.partition(":")
        function: Callable[..., None] = getattr(importlib.import_module(module), name)
        function(*(socket.socket(fileno=file) for file in files))
        code = 0
    except (KeyboardInterrupt, EOFError, BrokenPipeError, ConnectionResetError):
        pass  # the process that asked has ended
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


def _warm_up() -> None:
    """Use the parts of torch that import more at first use: seconds, spent before the forks."""
    torch = sys.modules.get("torch")
    if torch is None:
        return
    functional = torch.nn.functional
    layer = torch.nn.Sequential(torch.nn.Embedding(5, 4), torch.nn.LayerNorm(4))
    layer.append(torch.nn.Linear(4, 5))
    optimizer = torch.optim.AdamW(layer.parameters())
    tokens = torch.tensor([[0, 1, 2]])
    loss = torch.nn.CrossEntropyLoss()(layer(tokens).view(3, 5), tokens.view(3))
    loss.backward()
    optimizer.step()
    q = torch.ones(2, 3, 4)
    functional.scaled_dot_product_attention(q, q, q, is_causal=True)
    functional.batch_norm(q, None, None, training=True)
    torch.einsum("bij,bkj->bik", q, q)
    torch.testing.assert_close(q, q.clone())


class ForkServer:
    """The command's handle: starts processes by fork from the server, or fresh ones by spawn.

    Nothing is started before the first request; `close` ends every process.
    """

    def __init__(self, imports: Iterable[str], start_method: str = "fork") -> None:
        self.imports = tuple(imports)
        self.forks = start_method == "fork"
        self.folders = PrivateFolders()
        self.processes: list[subprocess.Popen[bytes]] = []
        self.control: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, entry: str, sockets: list[socket.socket], warm_up: bool = False) -> None:
        """Start a process that calls `entry` with the sockets, which are closed here.

        warm_up: use torch once before the first fork, which pays where many are graded.
        """
        if self.forks:
            self._ensure_server(warm_up)
            self._fork(entry, sockets)
        else:
            self._spawn(sockets, entry=entry)

    def server(self) -> subprocess.Popen[bytes] | None:
        """The server's process, on which what it forked depends; None where processes are fresh."""
        return self.processes[-1] if self.forks else None

    def _ensure_server(self, warm_up: bool) -> None:
        """Start the server if there is none or it has ended."""
        if self.control is not None:
            # The server never writes, so a readable socket means closed.
            closed = select.select([self.control], [], [], 0)[0]
            if not closed and self.processes[-1].poll() is None:
                return
            self.control.close()
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._spawn([theirs], imports=self.imports, warm_up=warm_up)

    def _spawn(self, sockets: list[socket.socket], **start: object) -> None:
        """A fresh interpreter with an environment built from nothing and a neutral command line."""
        files = tuple(s.fileno() for s in sockets)
        process = subprocess.Popen(
            [sys.executable, "-s", "-P", "-c", BOOT],
            pass_fds=files,
            stdin=subprocess.PIPE,
            env=ENVIRONMENT,
            start_new_session=True,
        )
        self.processes.append(process)
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
            settings = msgspec.msgpack.encode(Start(files, **start))  # type: ignore[arg-type]
            pipe.write(f"{ENGINE}\n".encode() + settings)
        for s in sockets:
            s.close()

    def _fork(self, entry: str, sockets: list[socket.socket]) -> None:
        assert self.control is not None
        message = msgspec.msgpack.encode(Start((), entry=entry))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the channel closes too
            socket.send_fds(self.control, [message], [s.fileno() for s in sockets])
        for s in sockets:
            s.close()

    def close(self) -> None:
        """End every process, including those that ignore signals."""
        for process in self.processes:
            if process.poll() is None:  # else its number may belong to another process by now
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if self.control is not None:
            self.control.close()
        self.folders.close()
