"""Intake: whatever is handed in becomes sources, or one sentence; nothing is ever raised."""

from __future__ import annotations

import gzip
import io
import os
import re
import stat
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from autograder.errors import SubmissionError, UsageError
from autograder.grading.entries import Names, find_submissions, student_name
from autograder.grading.intake import ENTRY_LIMIT, FILE_LIMIT, _bounded, read_submission
from autograder.grading.submission import Submission

FUZZ = settings(
    max_examples=100,
    phases=[Phase.generate],
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
ONE = ["a.py"]
TWO = ["a.py", "b.py"]
GOOD = b"x = 1\n"

Files = dict[str, bytes]


def read(entry: Path, lecture: str, files: list[str]) -> Submission:
    return read_submission(student_name(entry), entry, lecture, files)


def as_folder(root: Path, files: Files) -> Path:
    for name, data in files.items():
        path = root / "alice" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root / "alice"


def as_zip(root: Path, files: Files) -> Path:
    with zipfile.ZipFile(root / "alice.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return root / "alice.zip"


def as_tar(root: Path, files: Files) -> Path:
    return tar_of(root, [(member(name, len(data)), data) for name, data in files.items()])


def member(
    name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, link: str = ""
) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = size, kind, link
    return info


def tar_of(root: Path, members: list[tuple[tarfile.TarInfo, bytes]]) -> Path:
    """Headers and contents as they are given, whether they fit or not."""
    blocks = [
        info.tobuf(tarfile.GNU_FORMAT) + data + bytes(-len(data) % 512) for info, data in members
    ]
    path = root / "alice.tar.gz"
    path.write_bytes(gzip.compress(b"".join(blocks) + bytes(1024), 1))
    return path


Pack = Callable[[Path, Files], Path]
each_form = pytest.mark.parametrize("pack", [as_folder, as_zip, as_tar])


def problem(entry: Path, files: list[str] = ONE) -> str:
    """The one sentence of a bad submission."""
    submission = read(entry, "l01", files)
    assert submission.problem
    assert submission.files == {}
    assert submission.problem.isprintable()
    return submission.problem


# What is taken


@each_form
def test_a_hand_in_is_its_sources(tmp_path: Path, pack: Pack) -> None:
    """Whatever its form: the same files, the same digest."""
    files = {"a.py": GOOD, "b.py": b"y = 2\n", "lib/c.py": b"", "notes.txt": b"\xff\0"}
    submission = read(pack(tmp_path, files), "l01", TWO)
    assert submission.problem == ""
    assert submission.files == {"a.py": GOOD, "b.py": b"y = 2\n", "lib/c.py": b""}
    assert submission.name == "alice"
    assert submission.digest == Submission(name="bob", files=submission.files).digest


def test_a_file_is_enough_for_a_lecture_of_one(tmp_path: Path) -> None:
    """Under any name."""
    (tmp_path / "alice.py").write_bytes(GOOD)
    assert read(tmp_path / "alice.py", "l01", ONE).files == {"a.py": GOOD}
    said = problem(tmp_path / "alice.py", TWO)
    assert said == "alice.py is one file; this lecture has a.py, b.py"


@each_form
@pytest.mark.parametrize("folder", ["", "homework/", "x/y/l01/"])
def test_the_files_may_lie_deeper(tmp_path: Path, pack: Pack, folder: str) -> None:
    """Paths are as if the lecture's files were alone."""
    files = {f"{folder}a.py": GOOD, f"{folder}lib/c.py": b"z = 3\n", "elsewhere/d.py": GOOD}
    found = read(pack(tmp_path, files), "l01", ONE).files
    assert found["a.py"] == GOOD
    assert found["lib/c.py"] == b"z = 3\n"
    assert ("elsewhere/d.py" in found) == (folder == "")


@each_form
def test_of_several_the_lecture_s_own_folder_is_taken(tmp_path: Path, pack: Pack) -> None:
    """Or else the top."""
    files = {"l01/a.py": b"right = 1\n", "l02/a.py": GOOD, "a.py": b"top = 1\n"}
    entry = pack(tmp_path, files)
    assert read(entry, "l01", ONE).files["a.py"] == b"right = 1\n"
    assert read(entry, "l09", ONE).files["a.py"] == b"top = 1\n"


@each_form
def test_what_machines_add_is_left_out(tmp_path: Path, pack: Pack) -> None:
    """A Mac's archive holds a second, binary file for each file; caches aren't sources."""
    binary = b"\0\5\x16\7\0\2\0\0Mac OS X        \xff"
    files = {"hw/a.py": GOOD, "__MACOSX/hw/._a.py": binary, "hw/._a.py": binary}
    files |= {".ipynb_checkpoints/a.py": b"old\xff", "hw/__pycache__/a.py": b"\0"}
    submission = read(pack(tmp_path, files), "l01", ONE)
    assert (submission.problem, submission.files) == ("", {"a.py": GOOD})


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    """Some editors write it."""
    entry = as_folder(tmp_path, {"a.py": b"\xef\xbb\xbfx = 1\r\n"})
    assert read(entry, "l01", ONE).problem == ""


def test_digests_tell_contents_apart() -> None:
    """Moving a byte from one file to the next is another submission; so is another problem."""
    hand_ins = [
        Submission(name="a", files={"x": b"1", "y": b"2"}),
        Submission(name="a", files={"x": b"12", "y": b""}),
        Submission(name="a", files={"x": b"1"}),
        Submission(name="a", files={}),
        Submission(name="a", problem="empty"),
        Submission(name="a", problem="full"),
    ]
    assert len({submission.digest for submission in hand_ins}) == len(hand_ins)


# What is refused, in a sentence


@each_form
@pytest.mark.parametrize(
    ("files", "said", "outcome"),
    [
        ({"l02.py": GOOD}, "no a.py in the submission; found l02.py: rename it", "missing"),
        ({"x.txt": GOOD}, "no a.py in the submission; it has no .py file", "missing"),
        ({"A.PY": GOOD}, "no a.py in the submission; it has no .py file", "missing"),
        ({"a.py": GOOD}, "there is no b.py beside a.py", "missing"),
        ({"a.py": GOOD, "x/b.py": GOOD}, "there is no b.py beside a.py", "missing"),
        ({"a.py": b"", "b.py": GOOD}, "a.py is empty", "missing"),
        ({"a.py": GOOD, "b.py": b" \n\t"}, "b.py is empty", "missing"),
        (
            {"x/a.py": GOOD, "y/a.py": GOOD},
            "a.py is in it 2 times (x, y); submit one of them",
            "refused",
        ),
        ({"a.py": b"x = '\xe9'"}, "a.py is not UTF-8 (byte 5); save it as UTF-8", "refused"),
        ({"a.py": b"x\0"}, "a.py holds a NUL byte; it is not a Python source", "refused"),
        ({"a.py": b"#" * (FILE_LIMIT + 1)}, "a.py is too large: 1 MiB a file", "refused"),
        (
            {f"{i}.py": b"#" * FILE_LIMIT for i in range(9)},
            "8.py is too large: 1 MiB a file, 8 MiB in all",
            "refused",
        ),
        (
            {f"{i}.txt": b"" for i in range(ENTRY_LIMIT + 1)},
            "more than 2000 files; submit your sources only",
            "refused",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_hand_in_is_one_sentence(
    tmp_path: Path, pack: Pack, files: Files, said: str, outcome: str
) -> None:
    """In each form the same one, and the outcome that its tests get."""
    entry = pack(tmp_path, files)
    assert said in problem(entry, TWO)
    assert read(entry, "l01", TWO).outcome == outcome


@pytest.mark.parametrize("pack", [as_zip, as_tar])
@pytest.mark.parametrize(
    "name", ["../a.py", "x/../../a.py", "/a.py", "\\a.py", "..\\a.py", "C:\\a.py", "c:a.py"]
)
def test_nothing_lies_outside(tmp_path: Path, pack: Pack, name: str) -> None:
    """Traversal and absolute names, of Unix and of Windows."""
    said = problem(pack(tmp_path, {"a.py": GOOD, name: GOOD}))
    assert said.endswith("would lie outside of the submission")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        path.name for path in tmp_path.glob("alice*")
    )


@pytest.mark.parametrize("pack", [as_zip, as_tar])
def test_a_name_is_shown_without_what_acts(tmp_path: Path, pack: Pack) -> None:
    """Escape codes and letters of other scripts become question marks; long ones are cut."""
    said = problem(pack(tmp_path, {"../\x1b[31m\u202e.py": GOOD}))
    assert said == "../?[31m?.py would lie outside of the submission"
    assert len(problem(pack(tmp_path, {"../" + "x" * 5000: GOOD}))) < 200
    assert "found ?.py: rename it" in problem(pack(tmp_path, {"漢.py": GOOD}))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (tarfile.SYMTYPE, "a.py is a link; submit the file itself"),
        (tarfile.LNKTYPE, "a.py is a link; submit the file itself"),
        (tarfile.CHRTYPE, "a.py is not a plain file"),
        (tarfile.BLKTYPE, "a.py is not a plain file"),
        (tarfile.FIFOTYPE, "a.py is not a plain file"),
    ],
)
def test_links_and_devices_in_a_tar(tmp_path: Path, kind: bytes, said: str) -> None:
    """A tar can hold anything that a disk can."""
    assert problem(tar_of(tmp_path, [(member("a.py", 0, kind, "/etc/passwd"), b"")])) == said


def test_links_in_a_zip_and_in_a_folder(tmp_path: Path) -> None:
    """To a file, to a folder, and the submission itself."""
    with zipfile.ZipFile(tmp_path / "alice.zip", "w") as archive:
        info = zipfile.ZipInfo("a.py")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    assert problem(tmp_path / "alice.zip") == "a.py is a link; submit the file itself"
    folder = as_folder(tmp_path, {"a.py": GOOD})
    (folder / "more").symlink_to("/etc")
    assert problem(folder) == "more is a link; submit the file itself"
    (tmp_path / "bob").symlink_to(folder)
    assert problem(tmp_path / "bob") == "bob is a link; submit the file itself"


def test_other_things_in_a_folder_are_left_out(tmp_path: Path) -> None:
    """A pipe has no end: it isn't read."""
    folder = as_folder(tmp_path, {"a.py": GOOD})
    os.mkfifo(folder / "b.py")
    assert read(folder, "l01", ONE).files == {"a.py": GOOD}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("second", ["a.py", "./a.py"])
def test_a_name_that_is_there_twice(tmp_path: Path, second: str) -> None:
    """Nobody knows which is meant."""
    with zipfile.ZipFile(tmp_path / "alice.zip", "w") as archive:
        archive.writestr("a.py", GOOD)
        archive.writestr(second, b"x = 2")
    twice = [(member(name, 5), b"x = 2") for name in ("a.py", second)]
    for entry in (tmp_path / "alice.zip", tar_of(tmp_path, twice)):
        assert problem(entry) == "a.py is in the archive twice"


# Bombs and broken archives


@each_form
def test_much_of_anything_is_refused(tmp_path: Path, pack: Pack) -> None:
    """256 MiB that compress to nothing, though no source is among them."""
    entry = pack(tmp_path, {"a.py": GOOD})
    if pack is as_folder:
        with (entry / "data.bin").open("wb") as file:
            file.truncate(2**29)
    elif pack is as_tar:
        tar_of(tmp_path, [(member("data.bin", 2**40), b"")])
    else:
        resize(entry, "a.py", 2**31)
        data = entry.read_bytes().replace(b"a.py", b"a.px")
        entry.write_bytes(data)
    assert problem(entry) == "unpacks to more than 256 MiB"


def resize(entry: Path, name: str, size: int) -> None:
    """Let a zip's directory and header announce another size."""
    data = entry.read_bytes()
    with zipfile.ZipFile(entry) as archive:
        old = archive.getinfo(name).file_size
    for mark, at in ((b"PK\1\2", 24), (b"PK\3\4", 22)):
        start = data.index(mark) + at
        assert data[start : start + 4] == old.to_bytes(4, "little")
        data = data[:start] + size.to_bytes(4, "little") + data[start + 4 :]
    entry.write_bytes(data)


def test_a_zip_that_says_small_and_unpacks_large(tmp_path: Path) -> None:
    """No more is read than was announced, and that doesn't fit its checksum."""
    entry = as_zip(tmp_path, {"a.py": b"#" * 2**26})
    resize(entry, "a.py", 10)
    tracemalloc.start()
    assert re.match(r"alice\.zip .*Bad CRC-32", problem(entry))
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


def test_a_stream_longer_than_a_source_may_be_is_not_read_to_its_end() -> None:
    """Whatever its archive had announced."""
    with pytest.raises(SubmissionError, match="a file of the archive is larger than it says"):
        _bounded(lambda: io.BytesIO(bytes(FILE_LIMIT + 1)))()
    assert len(_bounded(lambda: io.BytesIO(bytes(FILE_LIMIT)))()) == FILE_LIMIT


@pytest.mark.parametrize("kind", [b"x", b"g", b"L", b"K"], ids=["pax", "global", "name", "link"])
def test_a_bomb_in_a_tar_s_header(tmp_path: Path, kind: bytes) -> None:
    """A header's own extension counts, too: it isn't read into memory."""
    size = 2**26
    entry = tar_of(tmp_path, [(member("x", size, kind), bytes(size)), (member("a.py", 6), GOOD)])
    tracemalloc.start()
    problem(entry)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**24


@pytest.mark.parametrize(
    "before",
    [member("folder", 512, tarfile.DIRTYPE), member("a.py", 512, tarfile.REGTYPE)],
    ids=["folder of a size", "plain"],
)
def test_a_bomb_behind_a_header_that_readers_skip_differently(
    tmp_path: Path, before: tarfile.TarInfo
) -> None:
    """A folder has no contents, whatever size it announces: what follows is a header."""
    size = 2**26
    data = b"" if before.type == tarfile.DIRTYPE else b"x = 1\n".ljust(512)
    entry = tar_of(tmp_path, [(before, data), (member("x", size, b"x"), bytes(size))])
    tracemalloc.start()
    problem(entry)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**24


@pytest.mark.parametrize("kind", [b"0", b"x", b"g", b"L", b"S", b"Z"])
def test_a_negative_size_in_a_tar(tmp_path: Path, kind: bytes) -> None:
    """It neither loops nor makes room for something else."""
    assert problem(tar_of(tmp_path, [(member("a.py", -1024, kind), b"")]))


@pytest.mark.parametrize("pack", [as_zip, as_tar])
def test_a_truncated_archive(tmp_path: Path, pack: Pack) -> None:
    """Cut anywhere before its last sums, down to nothing."""
    entry = pack(tmp_path, {"a.py": GOOD * 99, "b.py": os.urandom(2000).hex().encode()})
    whole = entry.read_bytes()
    for length in range(0, len(whole) - 20, 97):
        entry.write_bytes(whole[:length])
        assert problem(entry, TWO).startswith(f"{entry.name} ")


def test_an_encrypted_zip_and_one_of_an_unknown_method(tmp_path: Path) -> None:
    """Flags in the header say so."""
    entry = as_zip(tmp_path, {"a.py": GOOD})
    whole = entry.read_bytes()
    for at, value, said in ((8, 1, "is encrypted"), (10, 99, "compression method")):
        data = bytearray(whole)
        data[whole.index(b"PK\1\2") + at] = data[whole.index(b"PK\3\4") + at - 2] = value
        entry.write_bytes(data)
        assert said in problem(entry)


@FUZZ
@given(st.data())
@pytest.mark.parametrize("pack", [as_zip, as_tar])
def test_a_damaged_archive_is_never_more_than_a_problem(
    tmp_path: Path, pack: Pack, data: st.DataObject
) -> None:
    """Bytes changed anywhere, before or after compression: sources or a sentence."""
    entry = pack(tmp_path, {"a.py": GOOD * 50, "b.py": b"y = 2\n" * 50})
    damaged = bytearray(entry.read_bytes())
    inner = pack is as_tar and data.draw(st.booleans())
    damaged = bytearray(gzip.decompress(damaged)) if inner else damaged
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    entry.write_bytes(gzip.compress(damaged, 1) if inner else damaged)
    submission = read(entry, "l01", TWO)
    assert bool(submission.files) != bool(submission.problem)


def test_what_can_t_be_opened_is_a_problem(tmp_path: Path) -> None:
    """A file that went away."""
    assert problem(tmp_path / "gone.py") == "gone.py can't be read: No such file or directory"
    assert problem(tmp_path / "gone.zip") == "gone.zip can't be read: No such file or directory"
    assert problem(tmp_path / "gone.tar.gz").startswith("gone.tar.gz ")
    (tmp_path / "text.zip").write_text("no archive")
    assert problem(tmp_path / "text.zip").startswith("text.zip is not a whole zip archive")
    (tmp_path / "text.tgz").write_text("no archive")
    assert problem(tmp_path / "text.tgz").startswith("text.tgz is not a whole tar archive")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """Nobody writes into it, so reading would never end."""
    for name in ("alice.py", "bob.zip", "carol.tar.gz"):
        os.mkfifo(tmp_path / name)
        assert problem(tmp_path / name) == f"{name} is not a plain file"


def test_names_that_are_no_text_stay_at_the_door(tmp_path: Path) -> None:
    """A tar's names are bytes; what is taken can be sent on to the process that grades it."""
    entry = tar_of(tmp_path, [(member("a.py", 6), GOOD), (member("\udcff.py", 6), GOOD)])
    submission = read(entry, "l01", ONE)
    msgspec.msgpack.encode([submission.files, submission.problem])


@pytest.mark.parametrize(
    "name", ["\udcff", "\udcff.zip", "\udcff.tgz", "\udcff.py", "\x1b[31m.zip"]
)
def test_an_entry_with_such_a_name_is_told_of(tmp_path: Path, name: str) -> None:
    """So is the name of the whole submission: one such would stop the grading of all."""
    entry = tmp_path / name
    if entry.suffix:
        entry.write_bytes(b"no archive, and not UTF-8: \xff")
    else:
        entry.symlink_to("/etc")
    submission = read(entry, "l01", ONE)
    assert submission.problem.isprintable()
    assert submission.problem
    msgspec.msgpack.encode([submission.files, submission.problem])


# A class


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ("alice.py", "alice"),
        ("alice.tar.gz", "alice"),
        ("alice.tgz", "alice"),
        ("alice.zip", "alice"),
        ("Ann O'Neil-Smith.zip", "Ann O_Neil-Smith"),
        ("a@b.org+1.py", "a@b.org+1"),
        ("Žofie 漢.py", "Žofie 漢"),
        ("a\n\x1b[31m<b>:?.py", "a___31m_b___"),
        ("..py", "_"),
        (" . .zip", "_"),
        ("\udcff.py", "_"),
        ("alice\u3164\uffa0\u200b.py", "alice___"),
        ("x" * 200 + ".py", "x" * 100),
    ],
)
def test_names_are_made_safe(entry: str, name: str) -> None:
    """They become file names and are printed: only what is safe in both stays."""
    assert student_name(Path(entry)) == name


def test_a_folder_keeps_its_whole_name(tmp_path: Path) -> None:
    """alice.py/ is no file."""
    (tmp_path / "alice.py").mkdir()
    assert student_name(tmp_path / "alice.py") == "alice.py"


def test_two_of_one_name_keep_a_report_each(tmp_path: Path) -> None:
    """Under names that are as safe as the first."""
    names = Names()
    entries = ["alice", "alice.py", "alice.zip", "a:b.py", "a?b.py", "\udcff.py", "\udcfe.py"]
    entries += ["x" * 240 + ".py", "x" * 240 + ".zip", "漢" * 84 + ".py"]
    given = [names.distinct(Path(e)) for e in entries]
    assert len(set(given)) == len(entries)
    for name in given:
        (tmp_path / f".{name}.tmp").touch()
        assert name.isprintable()
        assert name == student_name(Path(name + ".py")) or len(name) > 90


def test_a_class_is_the_entries_of_a_folder(tmp_path: Path) -> None:
    """By name; what can't be a submission is left out, links are left to be refused."""
    for name in ("bob", "__MACOSX", ".git", "__pycache__"):
        (tmp_path / name).mkdir()
    for name in (
        "alice.py",
        "carol.zip",
        "dan.tar.gz",
        "eve.tgz",
        "list.csv",
        ".DS_Store",
        ".x.py",
    ):
        (tmp_path / name).touch()
    (tmp_path / "fay").symlink_to("/etc")
    names = [path.name for path in find_submissions(tmp_path)]
    assert names == ["alice.py", "bob", "carol.zip", "dan.tar.gz", "eve.tgz", "fay"]


def test_a_class_without_anybody(tmp_path: Path) -> None:
    """No folder, or none in it."""
    with pytest.raises(UsageError, match="there is no such folder of submissions"):
        find_submissions(tmp_path / "gone")
    (tmp_path / "list.csv").touch()
    said = r"no submissions in it: expected a folder, \.zip, \.tar\.gz or \.py per student"
    with pytest.raises(UsageError, match=said):
        find_submissions(tmp_path)
