"""The submissions of an attack, read by the intake or without it."""

from __future__ import annotations

import gzip
import importlib.util
import shutil
import stat
import tarfile
import types
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from attack import ATTACKS, Attack
from planted_environment import REFERENCE, Place

from autograder.grading.entries import Names, find_submissions
from autograder.grading.intake import read_submission
from autograder.grading.submission import Submission
from autograder.verdict import Outcome


def submissions_of(attack: Attack, place: Place, names: Names, plainly: bool) -> list[Submission]:
    """The attack's submissions; most have one. names: those of the class."""
    if not attack.builds:
        given = {
            "honest.py": REFERENCE.read_bytes(),
            "tools.py": (ATTACKS / "tools.py").read_bytes(),
            "places.py": place.places(attack),
        }
        return [Submission(name=attack.name, files={**given, **attack.files()})]
    entries = place.folder / "entries" / attack.name
    shutil.rmtree(entries, ignore_errors=True)
    entries.mkdir(parents=True)
    _built(attack).build(entries, REFERENCE.read_bytes(), place.folder / "planted")
    found = []
    for entry in find_submissions(entries):
        if plainly:
            found.append(read_plainly(_plain_name(names, entry), entry))
        else:
            name = names.distinct(entry)
            found.append(read_submission(name, entry, "l01_sums", ["sums.py"]))
    return found


def _plain_name(names: Names, entry: Path) -> str:
    """The entry's own name, with all its characters, and a number where it is taken."""
    name, number = entry.name, 2
    while name in names.taken:
        name, number = f"{entry.name}-{number}", number + 1
    names.taken.add(name)
    return name


def _built(attack: Attack) -> types.ModuleType:
    """The module of a build.py, which is ours."""
    spec = importlib.util.spec_from_file_location(attack.name, attack.folder / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_plainly(name: str, entry: Path) -> Submission:
    """A submission without an intake: all that is in the entry, under any path."""
    files: dict[str, bytes] = {}
    notes: list[str] = []
    try:
        for path, data, note in _members(entry):
            notes.append(note)
            if path.endswith(".py"):
                files[path.replace("\\", "/")] = data
    except Exception as error:  # the intake would have refused the entry
        return Submission(name=name, problem=f"{type(error).__name__}: {error}")
    size = sum(int(note) for note in notes if note.isdigit())
    seen = sorted({note for note in notes if not note.isdigit()})
    seen += [f"unpacked {size // 2**20} MiB"] if size > 256 * 2**20 else []
    seen += [f"{len(notes)} entries"] if len(notes) > 2000 else []
    if seen:
        return Submission(name=name, problem=", ".join(seen))
    if "sums.py" in files:
        return Submission(name=name, files=files)
    problem = f"missing: there is {', '.join(files)}"
    return Submission(name=name, files=files, problem=problem, outcome=Outcome.MISSING)


def _members(entry: Path) -> Iterator[tuple[str, bytes, str]]:
    """(path, data, its size or its kind) of each part; of a large part its beginning."""
    if entry.is_dir():
        for path in sorted(entry.rglob("*")):
            yield path.relative_to(entry).as_posix(), path.read_bytes(), "0"
    elif entry.suffix == ".zip":
        with zipfile.ZipFile(entry) as archive:
            for info in archive.infolist():
                link = stat.S_ISLNK(info.external_attr >> 16)
                with archive.open(info) as stream:
                    yield info.filename, *_read(stream, "a link outside" if link else "")
    elif entry.name.endswith(".tar.gz"):
        with gzip.open(entry) as unzipped, tarfile.open(fileobj=unzipped) as packed:
            for member in packed:
                if member.issym() or member.islnk():
                    yield member.name, b"", "a link outside"
                elif not member.isfile():
                    yield member.name, b"", "a pipe or device"
                else:
                    part = packed.extractfile(member)
                    assert part is not None
                    yield member.name, *_read(part, "")
    else:
        yield "sums.py", entry.read_bytes(), "0"


def _read(stream: IO[bytes], note: str) -> tuple[bytes, str]:
    first, size = b"", 0
    while data := stream.read(2**20):
        first, size = first or data, size + len(data)
    return first, note or str(size)
