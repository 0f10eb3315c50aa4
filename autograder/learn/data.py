"""The full data sets: a manifest of what is too large to ship, fetched and checked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from autograder.course import Course, read_toml
from autograder.errors import MachineError, UsageError, nearest

MANIFEST = "manifest.toml"
CHUNK = 2**16  # bytes


class DataFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of the manifest."""

    name: str
    what: str
    url: str
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """data/manifest.toml."""

    file: tuple[DataFile, ...]


@dataclass
class Progress:
    """What pooch tells its progress to: bytes at a time."""

    tell: Callable[[int], None]
    total: int = 0

    def update(self, count: int) -> None:
        self.tell(count)

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


def fetch(course: Course, file: DataFile, tell: Callable[[int], None]) -> Path:
    """Download a file, check its hash, and only then put it in its place."""
    import pooch
    import requests

    folder = course.root / "data"
    progress: Any = Progress(tell)
    downloader = pooch.HTTPDownloader(progressbar=progress, chunk_size=CHUNK)
    pooch.get_logger().setLevel("ERROR")
    try:
        pooch.retrieve(file.url, f"sha256:{file.sha256}", file.name, folder, downloader=downloader)
    except (requests.RequestException, OSError) as error:
        raise MachineError(
            f"{file.name} can't be fetched ({type(error).__name__}); are you offline? Put the"
            f" file of {file.url} into {folder} yourself"
        ) from None
    except ValueError:
        raise MachineError(
            f"{file.url} has sent something else than {file.name} (its sha256 differs);"
            " nothing was kept"
        ) from None
    return folder / file.name
