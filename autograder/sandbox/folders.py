"""The folder in which the private folders of submissions lie; none is left behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from pathlib import Path

from autograder.errors import MachineError

PREFIX = "autograder-submissions-"


class PrivateFolders:
    """One command's folder. The kernel releases its lock when the command ends, however."""

    def __init__(self) -> None:
        try:
            _sweep(tempfile.gettempdir())
        except FileNotFoundError as error:
            raise MachineError(f"{error.strerror}; set TMPDIR to an existing directory") from None
        self.folder, self.lock = _locked_folder()

    @property
    def path(self) -> str:
        return self.folder.name

    def close(self) -> None:
        self.folder.cleanup()
        os.close(self.lock)


def _locked_folder() -> tuple[tempfile.TemporaryDirectory[str], int]:
    while True:
        folder = tempfile.TemporaryDirectory(prefix=PREFIX)
        with contextlib.suppress(FileNotFoundError):  # another command swept it before the lock
            lock = os.open(folder.name, os.O_RDONLY)
            with contextlib.suppress(OSError):  # where there are no locks nobody sweeps
                fcntl.flock(lock, fcntl.LOCK_EX)
            os.chmod(folder.name, 0o711)
            return folder, lock


def _sweep(parent: str) -> None:
    """Remove the empty folders of killed commands: those whose lock nobody holds."""
    for folder in Path(parent).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                folder.rmdir()
            finally:
                os.close(lock)
