"""Read a folder, an archive or a file as one checked set of sources."""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from autograder.errors import SubmissionError
from autograder.grading.submission import Submission
from autograder.sandbox.text import sanitize
from autograder.verdict import Outcome

FILE_LIMIT = 2**20  # bytes of one source
TOTAL_LIMIT = 8 * 2**20
ENTRY_LIMIT = 2000
UNPACKED_LIMIT = 256 * 2**20
ARCHIVES = (".zip", ".tar.gz", ".tgz")
# What reading a broken archive raises, from the zip and tar modules and from those below.
DAMAGED: tuple[type[Exception], ...]
DAMAGED = (OSError, EOFError, RuntimeError, ValueError, KeyError, zlib.error)
DAMAGED += (zipfile.BadZipFile, tarfile.TarError)
Entry = tuple[str, int, Callable[[], bytes]]  # path, size, reader
IGNORED = {"__pycache__", "__MACOSX", ".git", ".ipynb_checkpoints", ".DS_Store"}


def read_submission(name: str, entry: Path, lecture: str, files: Sequence[str]) -> Submission:
    """One submission to a lecture that consists of `files`; never raises for a bad one."""
    try:
        found = dict(_sources(entry, files))
        return Submission(name=name, files=_choose(found, lecture, files))
    except SubmissionError as error:
        return Submission(name=name, problem=sanitize(str(error)), outcome=Outcome(error.outcome))
    except DAMAGED as error:
        what = error.strerror if isinstance(error, OSError) and error.strerror else error
        return Submission(name=name, problem=sanitize(f"{entry.name} can't be read: {what}"))


def _sources(entry: Path, files: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """(path, contents) of every Python file."""
    if entry.is_symlink():
        raise SubmissionError(f"{entry.name} is a link; submit the file itself")
    if entry.is_dir():
        entries = _folder(entry)
    elif not stat.S_ISREG(entry.stat().st_mode):  # a pipe would never end
        raise SubmissionError(f"{entry.name} is not a plain file")
    elif entry.name.endswith(".zip"):
        entries = _zip(entry)
    elif entry.name.endswith(ARCHIVES):
        entries = _tar(entry)
    elif len(files) == 1:
        entries = _single(entry, files[0])
    else:
        raise SubmissionError(f"{entry.name} is one file; this lecture has {', '.join(files)}")
    with contextlib.closing(entries):  # whatever is wrong with it, an archive is closed at once
        yield from _capped(entries)


def _single(entry: Path, name: str) -> Generator[Entry]:
    """A file by itself stands for the lecture's only file."""
    yield name, entry.stat().st_size, entry.read_bytes


def _capped(entries: Iterator[Entry]) -> Iterator[tuple[str, bytes]]:
    """Read what is small enough, checking what was promised against what comes."""
    total = everything = 0
    seen: set[str] = set()
    for count, (path, size, read) in enumerate(entries, 1):
        if count > ENTRY_LIMIT:
            raise SubmissionError(f"more than {ENTRY_LIMIT} files; submit your sources only")
        everything += size
        if everything > UNPACKED_LIMIT:
            raise SubmissionError(f"unpacks to more than {UNPACKED_LIMIT // 2**20} MiB")
        parts = PurePosixPath(path).parts
        if not path.endswith(".py") or parts[-1].startswith("._") or IGNORED.intersection(parts):
            continue
        if not _is_text(path):
            raise SubmissionError(f"{_shown(path)} has a name that isn't UTF-8; rename it")
        total += size
        if size > FILE_LIMIT or total > TOTAL_LIMIT:
            raise SubmissionError(
                f"{_shown(path)} is too large: {FILE_LIMIT // 2**20} MiB a file,"
                f" {TOTAL_LIMIT // 2**20} MiB in all"
            )
        if path in seen:
            raise SubmissionError(f"{_shown(path)} is in the archive twice")
        seen.add(path)
        yield path, _checked(path, read())


def _checked(path: str, data: bytes) -> bytes:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SubmissionError(
            f"{_shown(path)} is not UTF-8 (byte {error.start}); save it as UTF-8"
        ) from None
    if "\0" in text:
        raise SubmissionError(f"{_shown(path)} holds a NUL byte; it is not a Python source")
    return data


def _folder(root: Path) -> Generator[Entry]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(n for n in folders if n not in IGNORED)
        for name in (*folders, *sorted(names)):
            path = Path(folder, name)
            inside = path.relative_to(root).as_posix()
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                raise SubmissionError(f"{_shown(inside)} is a link; submit the file itself")
            if stat.S_ISREG(mode):
                yield inside, path.stat().st_size, path.read_bytes


def _zip(file: Path) -> Generator[Entry]:
    try:
        with zipfile.ZipFile(file) as archive:
            for entry in archive.infolist():
                path = _inside(entry.filename)
                if stat.S_ISLNK(entry.external_attr >> 16):
                    raise SubmissionError(f"{_shown(path)} is a link; submit the file itself")
                if not entry.is_dir():
                    yield path, entry.file_size, _bounded(partial(archive.open, entry))
    except (zipfile.BadZipFile, ValueError, KeyError) as error:
        raise SubmissionError(f"{file.name} is not a whole zip archive: {error}") from None


def _tar(file: Path) -> Generator[Entry]:
    try:
        with gzip.open(file) as stream:
            bounded: Any = _Bounded(stream)
            archive = tarfile.open(fileobj=bounded, mode="r:")  # noqa: SIM115  nothing to close
            for entry in archive:
                path = _inside(entry.name)
                if entry.issym() or entry.islnk():
                    raise SubmissionError(f"{_shown(path)} is a link; submit the file itself")
                if not entry.isfile() and not entry.isdir():
                    raise SubmissionError(f"{_shown(path)} is not a plain file")
                if entry.isfile():
                    yield path, entry.size, _bounded(partial(archive.extractfile, entry))
    except (tarfile.TarError, ValueError, EOFError, OSError) as error:
        raise SubmissionError(f"{file.name} is not a whole tar archive: {error}") from None


class _Bounded:
    """What a tar is read from. tarfile reads a header's extension at once, whatever its length."""

    def __init__(self, stream: gzip.GzipFile) -> None:
        self.stream = stream
        self.seek, self.tell = stream.seek, stream.tell

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= 2 * FILE_LIMIT:
            raise SubmissionError("a part of the archive is too large")
        return self.stream.read(size)


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _bounded(opener: Callable[[], Any]) -> Callable[[], bytes]:
    """A reader that stops beyond the limit, whatever size the archive had announced."""

    def read() -> bytes:
        with opener() as stream:
            data: bytes = stream.read(FILE_LIMIT + 1)
        if len(data) > FILE_LIMIT:
            raise SubmissionError("a file of the archive is larger than it says")
        return data

    return read


def _inside(name: str) -> str:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", name):
        raise SubmissionError(f"{_shown(name)} would lie outside of the submission")
    return path.as_posix()


def _choose(found: dict[str, bytes], lecture: str, files: Sequence[str]) -> dict[str, bytes]:
    """The lecture's files and what lies beside them, with paths as if they were alone."""
    first = files[0]
    homes = [str(PurePosixPath(path).parent) for path in found if PurePosixPath(path).name == first]
    homes = [home for home in homes if not IGNORED.intersection(PurePosixPath(home).parts)]
    named = [home for home in homes if PurePosixPath(home).name == lecture]
    if not homes:
        python = sorted(_shown(path) for path in found)
        there = f"; found {', '.join(python[:3])}: rename it" if python else "; it has no .py file"
        raise SubmissionError(f"there is no {first} in the submission{there}", "missing")
    if len(homes) > 1 and "." not in homes and len(named) != 1:
        places = ", ".join(_shown(home) for home in sorted(homes)[:3])
        raise SubmissionError(f"{first} is in it {len(homes)} times ({places}); submit one of them")
    home = named[0] if len(named) == 1 else "." if "." in homes else homes[0]
    chosen = {
        PurePosixPath(path).relative_to(home).as_posix(): data
        for path, data in found.items()
        if home == "." or PurePosixPath(path).is_relative_to(home)
    }
    for name in files:
        if name not in chosen:
            raise SubmissionError(f"there is no {name} beside {first}", "missing")
        if not chosen[name].strip():
            raise SubmissionError(f"{name} is empty", "missing")
    return chosen


def _shown(path: str) -> str:
    """A path of theirs, fit for a sentence of ours."""
    return re.sub(r"[^\x20-\x7e]", "?", path)[:120]
