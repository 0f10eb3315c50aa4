"""A worker: isolate the process, layer by layer, then answer questions about one submission."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import types

from autograder.sandbox import isolation, messages, preload, wire
from autograder.sandbox.inside import requests

# all that a submission finds in its environment, but for HOME and TMPDIR: its own folder
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}


def run(
    socket_file: int,
    output_file: int,
    settings: messages.Settings,
    probes: types.CodeType,
    user: int,
    parent: int,
) -> None:
    """Be a worker; never return."""
    try:
        connection = _streams(socket_file, output_file, parent)
        try:
            folder = _isolate(settings, user, parent)
            module = _probes(probes)
        except BaseException as error:
            messages.send(connection, messages.NotReady(f"{type(error).__name__}: {error}"))
            os._exit(1)
        messages.send(connection, messages.Ready())
        requests.RequestLoop(connection, folder, module).run()
    except EOFError:
        os._exit(0)  # the suite process has closed
    except BaseException:
        os._exit(70)
    os._exit(0)


def _probes(code: types.CodeType) -> types.ModuleType:
    """The lecture's probes, which run beside the submission by design."""
    module = sys.modules["autograder.probes"] = types.ModuleType("autograder.probes")
    exec(code, vars(module))
    return module


def _streams(socket_file: int, output_file: int, parent: int) -> socket.socket:
    """Keep the socket and the output pipe, at numbers 3, 1 and 2; close all else."""
    os.setsid()
    isolation.die_with_parent(parent)
    keep = os.dup(socket_file), os.dup(output_file)
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


def _isolate(settings: messages.Settings, user: int, parent: int) -> str:
    """Apply the layers: what needs rights comes before what takes them away.

    Returns the worker's private folder.
    """
    layers, folder, limits = settings.layers, settings.folder, settings.limits
    if "namespaces" in layers:
        isolation.map_ids(*settings.user)
        isolation.private_mounts()
        isolation.private_folder(folder, limits.file_mib)
        isolation.limit_processes(limits.processes)
    else:
        folder = tempfile.mkdtemp(dir=folder)
    preload.load(settings.imports)
    wire.use_device(settings.device)
    wire.use_limits(limits.answer_mib, limits.answer_depth)
    if "uid" in layers:
        os.chown(folder, user, user)
        isolation.become(user)
        isolation.die_with_parent(parent)
    _surroundings(folder)
    if "rlimits" in layers:
        isolation.limit(limits)
    if "namespaces" in layers:
        isolation.drop_capabilities()
    if "landlock" in layers or "seccomp" in layers:
        isolation.no_new_privileges()
    if "landlock" in layers:
        isolation.restrict_files(settings.readable, [folder, os.devnull])
    if "seccomp" in layers:
        isolation.restrict_calls(settings.program)
    return folder


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
