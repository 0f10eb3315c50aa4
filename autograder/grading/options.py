"""What to grade with: lecture, device, processes, isolation."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from autograder.course import (
    LECTURE_FILE,
    MISTAKES,
    ORACLES,
    PROBES,
    Course,
    Lecture,
)
from autograder.errors import MachineError
from autograder.grading.messages import Setup
from autograder.sandbox import machine
from autograder.sandbox.forkserver import ENGINE, ForkServer


@dataclass(frozen=True)
class GradeOptions:
    """How to grade submissions to a lecture.

    layers: the isolation layers. tasks: only these, if any. fork_server: the processes to use;
    without it, a run makes its own.
    """

    course: Course
    lecture: Lecture
    device: str = "cpu"
    jobs: int = 1
    layers: tuple[str, ...] = ()
    start_method: str = "fork"
    tasks: tuple[str, ...] = ()
    fork_server: ForkServer | None = None

    @functools.cached_property
    def suite(self) -> str:
        """The digest of what decides a verdict; read once a run."""
        return suite_digest(self.lecture)

    def setup(self, folder: str, keep_out: Iterable[Path]) -> Setup:
        """The first message to a suite process. keep_out: folders that no worker may read."""
        names = self.course.environment
        return Setup(
            engine=ENGINE,
            root=str(self.course.root),
            lecture=self.lecture.id,
            device=self.device,
            layers=self.layers,
            readable=tuple(machine.readable_folders((self.course.root, *keep_out))),
            folder=folder,
            secret=self.course.secret,
            environment={name: os.environ[name] for name in names if name in os.environ},
            tasks=self.tasks,
        )


def choose_layers(isolation: str) -> tuple[str, ...]:
    """The layers to use.

    `strong` is an error where this machine lacks one, `basic` takes what there is, `none` none.
    """
    if isolation == "none":
        return ()
    layers = machine.available()
    if isolation == "strong" and not machine.strong(layers):
        lacking = [layer for layer in machine.RISK_WITHOUT if layer not in layers]
        raise MachineError(
            f"this machine lacks {', '.join(lacking)}: {machine.RISK_WITHOUT[lacking[0]]}."
            " `autograder doctor` lists what is there; --isolation basic grades without it"
        )
    return layers


def suite_digest(lecture: Lecture) -> str:
    """The digest of tasks, suites, reference and mistakes."""
    sha = hashlib.sha256()
    suites = (path.name for path in lecture.suites)
    for name in (LECTURE_FILE, MISTAKES, PROBES, ORACLES, *lecture.files, *suites):
        path = lecture.home / name
        if path.is_file() and not (lecture.released and name in lecture.files):
            sha.update(name.encode() + b"\0" + path.read_bytes())
    return f"sha256:{sha.hexdigest()}"
