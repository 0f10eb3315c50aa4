"""The suite process: collect a lecture's suite, then grade what comes until the channel closes."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from autograder.course import PROBES, SECRET_VARIABLE, Course, Lecture, load_course
from autograder.errors import AutograderError, MachineError, WorkerError
from autograder.grading import messages
from autograder.grading.grade import Grader
from autograder.grading.messages import AskWrongAnswers, Failed, Graded, Ready, Reply, WrongAnswers
from autograder.grading.options import GradeOptions
from autograder.sandbox import preload, syscalls, wire
from autograder.sandbox.forkserver import ENGINE
from autograder.sandbox.messages import Settings
from autograder.sandbox.workers import WorkerServer
from autograder.suite.collect import collect


def serve(control: socket.socket, channel: socket.socket) -> None:
    """control: to the worker server; channel: to the command."""
    connection = Connection(channel.detach())
    try:
        setup = messages.decode_setup(connection.recv_bytes())
        grader = _grader(setup, control)
        preload.freeze()
        _send(connection, Ready())
        while True:
            request = messages.decode_request(connection.recv_bytes())
            if isinstance(request, AskWrongAnswers):
                _send(connection, WrongAnswers(grader.wrong_answers()))
            else:
                _send(connection, Graded(grader.grade(request)))
    except (EOFError, BrokenPipeError, ConnectionResetError, WorkerError):
        return  # the command or the worker server has ended; the command sees it
    except AutograderError as error:
        _send(connection, Failed(str(error), error.exit_code))


def _grader(setup: messages.Setup, control: socket.socket) -> Grader:
    if setup.engine != ENGINE:
        raise MachineError(f"the suite process runs {ENGINE}, the command {setup.engine}")
    os.environ.update(setup.environment)
    os.environ[SECRET_VARIABLE] = setup.secret
    course = load_course(Path(setup.root))
    lecture = course.lecture(setup.lecture)
    server = WorkerServer(control, _settings(setup, course, lecture))
    preload.load(["torch"])
    _need_device(setup.device)
    wire.use_device(setup.device)
    wire.use_limits(course.limits.answer_mib, course.limits.answer_depth)
    options = GradeOptions(course, lecture, setup.device, layers=setup.layers, tasks=setup.tasks)
    return Grader(options, collect(course, lecture, setup.device), server)


def _settings(setup: messages.Setup, course: Course, lecture: Lecture) -> Settings:
    probes = lecture.home / PROBES
    return Settings(
        layers=setup.layers,
        readable=setup.readable,
        imports=course.imports,
        folder=setup.folder,
        device=setup.device,
        limits=course.limits,
        user=(os.getuid(), os.getgid()),
        program=syscalls.program() if "seccomp" in setup.layers else b"",
        probes=probes.read_text(encoding="utf-8") if probes.is_file() else "",
    )


def _need_device(device: str) -> None:
    import torch

    there: dict[str, Callable[[], bool]] = {
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
    }
    if device in there and not there[device]():
        raise MachineError(f"this machine has no {device} device; use --device cpu")


def _send(connection: Connection, reply: Reply) -> None:
    connection.send_bytes(messages.encode(reply))
