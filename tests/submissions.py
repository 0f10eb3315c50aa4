"""What an attack hands in, through the intake or as it comes."""

from __future__ import annotations

import gzip
import importlib.util
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from attack import ATTACKS, Attack
from scene import REFERENCE, Place

from autograder import batch
from autograder.submission import Submission, find_submissions, read_submission


def hand_in(attack: Attack, place: Place, names: batch.Names, plainly: bool) -> list[Submission]:
    """The attack's submissions; of most, one. names: those of the class."""
    if not attack.builds:
        given = {
            "honest.py": REFERENCE.read_bytes(),
            "tools.py": (ATTACKS / "tools.py").read_bytes(),
            "places.py": place.places(attack),
        }
        return [Submission(attack.name, {**given, **attack.files()})]
    entries = place.folder / "entries" / attack.name
    shutil.rmtree(entries, ignore_errors=True)
    entries.mkdir(parents=True)
    _built(attack).build(entries, REFERENCE.read_bytes(), place.folder / "planted")
    found = []
    for entry in find_submissions(entries):
        read = take_plainly(entry) if plainly else read_submission(entry, "l01_sums", ["sums.py"])
        found.append(names.distinct(read, entry))
    return found


def _built(attack: Attack) -> object:
    """The module of a build.py, which is ours."""
    spec = importlib.util.spec_from_file_location(attack.name, attack.folder / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def take_plainly(entry: Path) -> Submission:
    """What becomes of a hand-in without an intake: whatever is in it, under whatever name."""
    files: dict[str, bytes] = {}
    notes: list[str] = []
    try:
        for name, data, note in _members(entry):
            notes.append(note)
            if name.endswith(".py"):
                files[name.replace("\\", "/")] = data
    except Exception as error:  # this is the intake that isn't there
        return Submission(entry.name, problem=f"{type(error).__name__}: {error}")
    size = sum(int(note) for note in notes if note.isdigit())
    told = sorted({note for note in notes if not note.isdigit()})
    told += [f"unpacked {size // 2**20} MiB"] if size > 256 * 2**20 else []
    told += [f"{len(notes)} entries"] if len(notes) > 2000 else []
    if told:
        return Submission(entry.name, problem=", ".join(told))
    outcome = "refused" if "sums.py" in files else "missing"
    problem = "" if "sums.py" in files else f"missing: there is {', '.join(files)}"
    return Submission(entry.name, files, problem, outcome)


def _members(entry: Path) -> Iterator[tuple[str, bytes, str]]:
    """(name, data, size or what it is) of each part; of what is large only the size."""
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
        with gzip.open(entry) as stream, tarfile.open(fileobj=stream) as packed:
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


def _read(stream: object, note: str) -> tuple[bytes, str]:
    first, size = b"", 0
    while data := stream.read(2**20):  # type: ignore[attr-defined]
        first, size = first or data, size + len(data)
    return first, note or str(size)
