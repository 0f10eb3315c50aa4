"""Grade one submission, and print the kit's own functions on the way.

    CHECKOUT/.venv/bin/python bench/hops.py CHECKOUT

A hop is a call of one of the kit's functions: from the command to the first test of a submission
(in the command and in the suite process), and from a test's question to the submission's function
(in the suite process and in the worker). It runs in the checkout's interpreter, so that two
versions can be compared; it leaves nothing behind.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import traceback
from collections.abc import Iterable
from multiprocessing.connection import Connection
from pathlib import Path

import autograder
from autograder.cli import cli

KIT = str(Path(autograder.__file__).parent)
# what a test of the suite, and the function of the submission, run first
NOTE = """__import__("pathlib").Path({file!r}).write_text("\\n".join(
        f.filename + " " + f.name for f in __import__("traceback").extract_stack()))
    """
PRINT = """print("\\n".join("STACK " + f.filename + " " + f.name
        for f in __import__("traceback").extract_stack()))
    """


def functions(stack: Iterable[str]) -> list[str]:
    """`file.function` of the kit's frames in lines of `path function`."""
    frames = [line.split(" ", 1) for line in stack if line.startswith(KIT)]
    names = [f"{Path(path).stem}.{name}" for path, name in frames]
    return [name for name in names if "<" not in name and not name.startswith(("fork", "image"))]


def prepare(root: Path, folder: Path) -> None:
    """A copy of the small course whose first test notes its stack, and a class of one."""
    shutil.copytree(root / "tests" / "courses" / "mini", folder / "mini")
    lecture = folder / "mini" / "solutions" / "l01_sums"
    suite = lecture / "test_visible.py"
    test, body = "close(student.double(3), 6)", "return 2 * x"
    note = NOTE.format(file=str(folder / "suite"))
    suite.write_text(suite.read_text().replace(test, note + test, 1))
    entry = folder / "class" / "ada"
    entry.mkdir(parents=True)
    text = (lecture / "sums.py").read_text()
    (entry / "sums.py").write_text(text.replace(body, PRINT + body, 1))


def main(root: Path) -> None:
    sent: list[list[str]] = []
    send = Connection.send_bytes

    def noted(self: Connection, *rest: object) -> None:
        sent.append([f"{f.filename} {f.name}" for f in traceback.extract_stack()])
        send(self, *rest)  # type: ignore[arg-type]

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(root, folder)
        os.chdir(folder / "mini")
        Connection.send_bytes = noted  # type: ignore[method-assign, assignment]
        arguments = ["grade", "1", str(folder / "class"), "--out", str(folder / "out")]
        cli.main([*arguments, "--jobs", "1"], standalone_mode=False)
        output = next((folder / "out").rglob("*.json")).read_text()
        worker = re.findall(r"STACK (.+?)\\n", output)
        suite = (folder / "suite").read_text().splitlines()
    to_test = functions(sent[-1]) + functions(suite)
    print(f"{len(to_test)} hops to the first test: {' > '.join(to_test)}")
    print(f"in the worker, to the function: {' > '.join(functions(worker))}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
