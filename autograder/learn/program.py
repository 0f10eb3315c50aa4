"""What the demo programs (main.py) share: data, a device, progress, pictures, an end."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Stopped(Exception):
    """Ctrl-C during training, after the program has shown its results so far."""


def read_text(path: Path | None, *instead: Path, least: int = 1) -> tuple[Path, str]:
    """(the file that is read, its text): `path`, or the first of `instead` that is there.

    least: how many characters are needed.
    """
    path = path or next((file for file in instead if file.is_file()), instead[-1])
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        sys.exit(f"can't read {path}: {error}; `autograder data` fetches the full data sets")
    if len(text) < least:
        sys.exit(f"{path} has {len(text)} characters; {least:,} or more are needed")
    return path, text


def read_words(path: Path | None, *instead: Path) -> tuple[Path, list[str]]:
    """(the file that is read, its words in their order), ten or more of them."""
    path, text = read_text(path, *instead, least=0)
    words = text.split()
    if len(words) < 10:
        sys.exit(f"{path} has {len(words)} words; 10 or more are needed to split them")
    return path, words


def device_of(name: str) -> str:
    """The device that is meant, if this machine has it; `auto`: the best that it has."""
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError, NotImplementedError):
        sys.exit(f"--device {name} can't be used here; --device auto takes what there is")
    return name


class ProgressLines:
    """Shows progress: a bar below the lines in a terminal, else the lines alone.

    >>> with ProgressLines(100) as progress:      # doctest: +SKIP
    ...     progress("step 10  loss 2.5", 10)
    """

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.bar: Any = None

    def __enter__(self) -> Callable[..., None]:
        if sys.stdout.isatty():
            from rich.progress import Progress

            self.bar = Progress(transient=True)
            self.bar.start()
            self.task = self.bar.add_task("training", total=self.steps)
        return self.show

    def __exit__(self, *_: object) -> None:
        if self.bar:
            self.bar.stop()

    def show(self, line: str = "", done: int | None = None) -> None:
        """line: to be printed, if any; done: how many steps, if that has changed."""
        if self.bar:
            if line:
                self.bar.console.print(line, highlight=False, markup=False)
            self.bar.update(self.task, completed=done)
        elif line:
            print(line, flush=True)  # noqa: T201  for a person


def plotting() -> Any:
    """matplotlib.pyplot without a window; None and a sentence where it isn't installed."""
    try:
        import matplotlib
    except ImportError:
        print("Without matplotlib pictures are missing: pip install matplotlib")  # noqa: T201
        return None
    matplotlib.use("Agg")
    import matplotlib.pyplot

    return matplotlib.pyplot


def save(plt: Any, figure: Any, file: Path, dpi: int = 120) -> None:
    """Write a figure and close it."""
    figure.tight_layout()
    figure.savefig(file, dpi=dpi)
    plt.close(figure)


def write_graph(source: str, path: Path) -> Path:
    """DOT text as `path`.svg; as `path`.dot where graphviz's `dot` program isn't installed.

    Raises graphviz.CalledProcessError where dot can't read it.
    """
    if shutil.which("dot") is None:
        path = path.with_suffix(".dot")
        path.write_text(source, encoding="utf-8")
        return path
    import graphviz

    path = path.with_suffix(".svg")
    path.write_bytes(graphviz.Source(source).pipe(format="svg"))
    return path


class Pictures:
    """The drawn pictures and their folder."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.files: list[str] = []
        self.plt = plotting()
        out.mkdir(parents=True, exist_ok=True)

    def add(self, name: str, draw: Callable[..., None], *what: object) -> None:
        """`draw(plt, *what, file)`, if there is something to draw with."""
        if self.plt:
            draw(self.plt, *what, self.out / name)
            self.files.append(name)

    def print_names(self) -> None:
        if self.files:
            print(f"\nPictures in {self.out}/: {', '.join(self.files)}")  # noqa: T201


def run_main(main: Callable[[], None], name: str) -> None:
    """Call a demo program of NAME.py; each way to end has its message and exit code."""
    try:
        main()
    except NotImplementedError as error:
        sys.exit(f"{name}.py: {error} is not written yet; `autograder check {name}` shows what is.")
    except AttributeError as error:
        if getattr(error.obj, "__name__", "") != name:
            raise
        sys.exit(f"{name}.py: there is no {error.name}; `autograder check {name}` shows what is.")
    except ImportError as error:
        sys.exit(f"{name}.py can't be used: {error}")
    except OSError as error:
        sys.exit(f"can't write the pictures: {error}; choose another folder with --out")
    except Stopped:
        sys.exit(130)
    except KeyboardInterrupt:
        print("\nstopped")  # noqa: T201
        sys.exit(130)
