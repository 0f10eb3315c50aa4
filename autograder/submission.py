"""Intake: folder, archive or file to one checked set of sources."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from autograder.errors import SubmissionError, UsageError
from autograder.verdict import harmless

FILE_LIMIT = 2**20  # bytes of one source
TOTAL_LIMIT = 8 * 2**20
ENTRY_LIMIT = 2000
UNPACKED_LIMIT = 256 * 2**20
ARCHIVES = (".zip", ".tar.gz", ".tgz")
# What reading a broken archive raises, from the zip and tar modules and from those below.
DAMAGED: tuple[type[Exception], ...]
DAMAGED = (OSError, EOFError, RuntimeError, ValueError, KeyError, zlib.error)
DAMAGED += (zipfile.BadZipFile, tarfile.TarError)
IGNORED = {"__pycache__", "__MACOSX", ".git", ".ipynb_checkpoints", ".DS_Store"}


@dataclass(frozen=True)
class Submission:
    """One student's hand-in: its sources, or the sentence that says why there are none."""

    name: str
    files: dict[str, bytes] = field(default_factory=dict)
    problem: str = ""
    outcome: str = "refused"

    @property
    def digest(self) -> str:
        """Of names and contents: two hand-ins with the same digest get the same report."""
        sha = hashlib.sha256(self.problem.encode("utf-8", "replace"))
        for path, data in sorted(self.files.items()):
            sha.update(f"\0{path}\0{len(data)}\0".encode("utf-8", "replace") + data)
        return f"sha256:{sha.hexdigest()}"


def find_submissions(folder: Path) -> list[Path]:
    """One entry per student, in the order of their names."""
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder of submissions")
    entries = [
        path
        for path in sorted(folder.iterdir())
        if path.name not in IGNORED and not path.name.startswith(".") and _may_be_one(path)
    ]
    if not entries:
        raise UsageError(
            f"{folder}: no submissions in it: expected a folder, .zip, .tar.gz or .py per student"
        )
    return entries


def student_name(entry: Path) -> str:
    """alice.tar.gz -> alice. Only what is safe in a file's name stays."""
    name = entry.name
    for ending in (*ARCHIVES, ".py"):
        if not entry.is_dir() and name.endswith(ending):
            name = name[: -len(ending)]
            break
    return safe_name(name)


def safe_name(name: str) -> str:
    """What is left of a name when it must be a file's name: at most 100 characters, 200 bytes."""
    unseen = "\u115f\u1160\u3164\uffa0"  # letters that nobody sees
    clean = re.sub(rf"[^\w.@+ -]|[{unseen}]", "_", name).strip(" .")
    return clean[:100].encode()[:200].decode(errors="ignore").strip(" .") or "_"


def read_submission(entry: Path, lecture: str, files: Sequence[str]) -> Submission:
    """One student's hand-in for a lecture that consists of `files`; never raises for a bad one."""
    name = student_name(entry)
    try:
        found = dict(_sources(entry, files))
        return Submission(name, _choose(found, lecture, files))
    except SubmissionError as error:
        return Submission(name, problem=harmless(str(error)), outcome=error.outcome)
    except DAMAGED as error:
        what = error.strerror if isinstance(error, OSError) and error.strerror else error
        return Submission(name, problem=harmless(f"{entry.name} can't be read: {what}"))


def _may_be_one(path: Path) -> bool:
    return path.is_dir() or path.name.endswith((*ARCHIVES, ".py")) or path.is_symlink()


def _sources(entry: Path, files: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """(path, contents) of every Python file."""
    if entry.is_symlink():
        raise SubmissionError(f"{entry.name} is a link; hand in the thing itself")
    if entry.is_dir():
        yield from _capped(_folder(entry))
    elif not stat.S_ISREG(entry.stat().st_mode):  # a pipe would never end
        raise SubmissionError(f"{entry.name} is not a plain file")
    elif entry.name.endswith(".zip"):
        yield from _capped(_zip(entry))
    elif entry.name.endswith(ARCHIVES):
        yield from _capped(_tar(entry))
    elif len(files) == 1:
        yield from _capped(iter([(files[0], entry.stat().st_size, entry.read_bytes)]))
    else:
        raise SubmissionError(f"{entry.name} is one file; this lecture has {', '.join(files)}")


def _capped(entries: Iterator[tuple[str, int, object]]) -> Iterator[tuple[str, bytes]]:
    """Read what is small enough, checking what was promised against what comes."""
    total = everything = 0
    seen: set[str] = set()
    for count, (path, size, read) in enumerate(entries, 1):
        if count > ENTRY_LIMIT:
            raise SubmissionError(f"more than {ENTRY_LIMIT} files; hand in your sources only")
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
        data = read()  # type: ignore[operator]
        yield path, _checked(path, data)


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


def _folder(root: Path) -> Iterator[tuple[str, int, object]]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(n for n in folders if n not in IGNORED)
        for name in (*folders, *sorted(names)):
            path = Path(folder, name)
            inside = path.relative_to(root).as_posix()
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                raise SubmissionError(f"{_shown(inside)} is a link; hand in the thing itself")
            if stat.S_ISREG(mode):
                yield inside, path.stat().st_size, path.read_bytes


def _zip(file: Path) -> Iterator[tuple[str, int, object]]:
    try:
        with zipfile.ZipFile(file) as archive:
            for entry in archive.infolist():
                path = _inside(entry.filename)
                if stat.S_ISLNK(entry.external_attr >> 16):
                    raise SubmissionError(f"{_shown(path)} is a link; hand in the thing itself")
                if not entry.is_dir():
                    yield path, entry.file_size, _bounded(lambda e=entry: archive.open(e))
    except (zipfile.BadZipFile, ValueError, KeyError) as error:
        raise SubmissionError(f"{file.name} is not a whole zip archive: {error}") from None


def _tar(file: Path) -> Iterator[tuple[str, int, object]]:
    try:
        with gzip.open(file) as stream:
            bounded: Any = _Bounded(stream)
            archive = tarfile.open(fileobj=bounded, mode="r:")  # noqa: SIM115  nothing to close
            for entry in archive:
                path = _inside(entry.name)
                if entry.issym() or entry.islnk():
                    raise SubmissionError(f"{_shown(path)} is a link; hand in the thing itself")
                if not entry.isfile() and not entry.isdir():
                    raise SubmissionError(f"{_shown(path)} is not a plain file")
                if entry.isfile():
                    yield path, entry.size, _bounded(lambda e=entry: archive.extractfile(e))
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


def _bounded(opener: object) -> object:
    """A reader that stops beyond the limit, whatever size the archive had announced."""

    def read() -> bytes:
        with opener() as stream:  # type: ignore[operator]
            data: bytes = stream.read(FILE_LIMIT + 1)
        if len(data) > FILE_LIMIT:
            raise SubmissionError("a file of the archive is larger than it says")
        return data

    return read


def _inside(name: str) -> str:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", name):
        raise SubmissionError(f"{_shown(name)} would lie outside of the hand-in")
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
        raise SubmissionError(f"there is no {first} in the hand-in{there}", "missing")
    if len(homes) > 1 and "." not in homes and len(named) != 1:
        places = ", ".join(_shown(home) for home in sorted(homes)[:3])
        raise SubmissionError(f"{first} is in it {len(homes)} times ({places}); hand in one")
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
