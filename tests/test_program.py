"""What the lectures' programs share: each way that they can go wrong is one sentence."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest
import torch

from autograder.learn import program


def said(error: pytest.ExceptionInfo[SystemExit]) -> object:
    return error.value.code


def test_the_first_file_that_is_there_is_read(tmp_path: Path) -> None:
    """One that was named comes before all; the last of the others is the one that ships."""
    small, full, own = (tmp_path / name for name in ("small.txt", "full.txt", "own.txt"))
    for file in (small, own):
        file.write_text(f"{file.stem} " * 10)
    assert program.read_words(None, full, small) == (small, ["small"] * 10)
    full.write_text("full " * 10)
    assert program.read_words(None, full, small)[0] == full
    assert program.read_text(own, full, small) == (own, "own " * 10)


def test_what_can_not_be_read(tmp_path: Path) -> None:
    """Missing, no text, too short: which file, and what to do."""
    odd = tmp_path / "odd.txt"
    with pytest.raises(SystemExit) as error:
        program.read_text(None, odd)
    assert "odd.txt" in str(said(error))
    assert "`autograder data` fetches the full data sets" in str(said(error))
    odd.write_bytes(b"\xff\xfe")
    with pytest.raises(SystemExit, match="can't read"):
        program.read_text(odd)
    odd.write_text("one two")
    with pytest.raises(SystemExit, match="has 7 characters; 1,000 or more are needed"):
        program.read_text(odd, least=1000)
    with pytest.raises(SystemExit, match="has 2 words; 10 or more are needed"):
        program.read_words(odd)


def test_a_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """auto takes what there is."""
    assert program.device_of("cpu") == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert program.device_of("auto") == "cpu"
    with pytest.raises(SystemExit, match="--device nothing can't be used here"):
        program.device_of("nothing")


def test_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """A bar would be noise in a file; an empty line is none."""
    with program.ProgressLines(2) as tell:
        tell("step 1 [of 2]", 1)
        tell(done=2)
    assert capsys.readouterr().out == "step 1 [of 2]\n"


def test_a_bar_under_the_lines_in_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lines are there, too, brackets and all."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    with program.ProgressLines(2) as tell:
        tell("step 1 [of 2]", 1)
    assert "step 1 [of 2]" in capsys.readouterr().out


def test_pictures_need_matplotlib(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it there is a sentence, and the rest goes on; with it files, and where they are."""
    drawn: list[Path] = []
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    gallery = program.Pictures(tmp_path / "none")
    gallery.add("a.png", lambda plt, file: drawn.append(file))
    gallery.print_names()
    assert capsys.readouterr().out == (
        "Without matplotlib pictures are missing: pip install matplotlib\n"
    )
    monkeypatch.undo()
    pytest.importorskip("matplotlib", reason="needs matplotlib")
    gallery = program.Pictures(tmp_path / "some")

    def draw(plt: types.ModuleType, x: list[int], file: Path) -> None:
        figure, axes = plt.subplots()
        axes.plot(x)
        program.save(plt, figure, file, dpi=30)

    gallery.add("a.png", draw, [1, 2])
    gallery.print_names()
    assert (tmp_path / "some" / "a.png").stat().st_size > 100
    assert capsys.readouterr().out == f"\nPictures in {tmp_path / 'some'}/: a.png\n"
    assert drawn == []


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (NotImplementedError("f"), "sums.py: f is not written yet; `autograder check sums` shows"),
        (
            AttributeError("no", name="f", obj=types.ModuleType("sums")),
            "sums.py: there is no f; `autograder check sums` shows what is.",
        ),
        (ImportError("no module named y"), "sums.py can't be used: no module named y"),
        (PermissionError(13, "Permission denied"), "can't write the pictures: [Errno 13]"),
        (program.Stopped(), 130),
        (KeyboardInterrupt(), 130),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_each_end_has_its_sentence(error: BaseException, says: str | int) -> None:
    """And its exit code: 1 with a sentence, 130 after Ctrl-C."""

    def main() -> None:
        raise error

    with pytest.raises(SystemExit) as ended:
        program.run_main(main, "sums")
    code = said(ended)
    assert code == says if isinstance(says, int) else says in str(code)


def test_an_error_of_the_program_itself_is_shown() -> None:
    """An attribute of something else is no missing task."""

    def main() -> None:
        raise AttributeError("no", name="f", obj=3)

    with pytest.raises(AttributeError):
        program.run_main(main, "sums")
