"""The worker server: fork an isolated worker for each request, end it on request.

Sources, questions and answers go over a worker's own socket and never through this process.
"""

from __future__ import annotations

import os
import signal
import socket

from autograder.sandbox import isolation, messages
from autograder.sandbox.inside import requests, worker

USERS = 64  # user ids of one server, where that is a layer


def serve(control: socket.socket) -> None:
    """Answer `Fork` and `End` until the suite process closes."""
    settings = messages.receive(control, messages.Settings)
    probes = compile(settings.probes, requests.PROBES_FILE, "exec")
    me = os.getpid()
    users: dict[int, int] = {}  # worker -> its own user, where that is one of the layers
    first = isolation.OTHER_UID + me % USERS * USERS
    while True:
        try:
            request, files = messages.receive_with_files(control, messages.ServerRequest)
        except EOFError:
            return
        if isinstance(request, messages.End):
            os.kill(request.pid, signal.SIGKILL)
            if request.pid in users:
                isolation.end_user(users.pop(request.pid))
            messages.send(control, messages.Number(_reap(request.pid, settings.limits.cpu)))
            continue
        user = next(uid for uid in range(first, first + USERS) if uid not in users.values())
        pid = _fork(settings.layers)
        if pid == 0:
            control.close()
            worker.run(files[0], files[1], settings, probes, user, me)
        if "uid" in settings.layers:
            users[pid] = user
        for file in files:
            os.close(file)
        messages.send(control, messages.Number(pid))


def _reap(pid: int, cpu: int) -> int:
    """The wait status of a worker.

    The first process of a namespace ignores SIGXCPU, and the limit ends it by SIGKILL: the CPU
    time shows which it was.
    """
    _, status, used = os.wait4(pid, 0)
    spent = used.ru_utime + used.ru_stime >= cpu
    return signal.SIGXCPU if status == signal.SIGKILL and spent else status


def _fork(layers: tuple[str, ...]) -> int:
    return isolation.fork(isolation.NAMESPACES) if "namespaces" in layers else os.fork()
