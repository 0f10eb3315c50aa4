"""A cold `check` against a bare `import torch`, in one run: at most 1.6 times.

python bench/cold.py [LECTURE]

The work that is checked is the reference: every test runs. The two alternate, so that
whatever else the machine does falls on both.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from autograder.course import find_course

RUNS = 7


def seconds(command: list[str], cwd: Path) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=cwd, capture_output=True, check=True)
    return time.perf_counter() - began


def main() -> None:
    course = find_course(Path(__file__).parent)
    lecture = course.lecture(sys.argv[1] if len(sys.argv) > 1 else "1")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / lecture.id).mkdir()
        for name in lecture.files:
            shutil.copy(lecture.home / name, Path(folder) / lecture.id / name)
        bare = [sys.executable, "-c", "import torch"]
        check = [sys.executable, "-m", "autograder.cli", "check", lecture.id, "--work", folder]
        times = [(seconds(bare, course.root), seconds(check, course.root)) for _ in range(RUNS)]
    torch, ours = (statistics.median(column) for column in zip(*times, strict=True))
    print(f"import torch {torch:.2f} s; check {lecture.id} {ours:.2f} s: {ours / torch:.2f} times")


if __name__ == "__main__":
    main()
