"""A process that has imported what is slow, and forks others from itself.

It knows no course, no submission and no secret: what it forks hears those over its own
socket. `python -m autograder.image FD IMPORTS` serves fork requests on the socket FD;
with an entry (`module:function`) after it, it calls that on the socket instead and forks
nothing.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterable

from autograder import jail

DEEP = "deep"  # among the imports: also exercise what torch imports at first use


def load(imports: Iterable[str]) -> None:
    """Import modules, those that aren't installed left out; one thread, whatever they like."""
    for name in imports:
        if name == DEEP:
            _exercise()
            continue
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        if name == "torch":
            module.set_num_threads(1)
            module.ones(2).add(1)  # it looks at the processor once, and complains in a jail


def freeze() -> None:
    """Keep the collector off what is shared, or its first full run copies every page."""
    gc.collect()
    gc.freeze()


def serve(control: socket.socket) -> None:
    """Fork a process for each request `module:function`, which gets the sockets sent with it."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them: the kernel reaps
    me = os.getpid()
    while True:
        message, fds, _, _ = socket.recv_fds(control, 256, 4)
        if not message:
            return
        pid = os.fork()
        if pid == 0:
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            jail.die_with_parent(me)
            _call(message.decode(), fds)
        for fd in fds:
            os.close(fd)


def _call(entry: str, fds: Iterable[int]) -> None:
    """Run an entry to its end, and this process with it."""
    code = 1
    try:
        module, _, name = entry.partition(":")
        function: Callable[..., None] = getattr(importlib.import_module(module), name)
        function(*(socket.socket(fileno=fd) for fd in fds))
        code = 0
    except (KeyboardInterrupt, BrokenPipeError, ConnectionResetError):
        pass  # whoever asked for it is gone
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


def _exercise() -> None:
    """What torch imports at first use, used once: seconds, paid before the forks."""
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


def main(arguments: list[str]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who started us
    jail.die_with_parent(os.getppid())
    fd, imports, *entry = arguments
    load(filter(None, imports.split(",")))
    if entry:
        _call(entry[0], [int(fd), *map(int, entry[1:])])
    freeze()
    serve(socket.socket(fileno=int(fd)))


if __name__ == "__main__":
    main(sys.argv[1:])
