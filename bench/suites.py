"""CPU seconds of each lecture's hidden suite for the reference, after warm-up: under 2 each.

python bench/suites.py [LECTURE…]

Suite and reference run in this one process, with the stand-in behind `Student`'s seam, so
that the CPU of both sides is counted and nothing else.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch

from autograder.course import HIDDEN, Course, Lecture, find_course
from autograder.plugin import Suite, collect

RUNS = 5


def cpu_seconds(course: Course, lecture: Lecture) -> tuple[int, float]:
    """(hidden tests, the median CPU seconds of a run of them all)."""
    found: list[float] = []
    suite = Suite(course, lecture, "cpu")

    def measure(suite: Suite) -> None:
        tests = [test for test in suite.tests if test.item.path.name == HIDDEN]
        for _ in range(RUNS + 1):
            began = time.process_time()
            for test in tests:
                error = suite.rehearse(test)
                assert error is None, (test.id, error)
            found.append(time.process_time() - began)

    collect(suite, measure)
    hidden = sum(test.item.path.name == HIDDEN for test in suite.tests)
    return hidden, sorted(found[1:])[RUNS // 2]


def measured(names: Iterable[str]) -> Iterator[tuple[str, float]]:
    """(lecture, CPU seconds) of each, in a process of its own: pytest collects once."""
    for name in names:
        command = [sys.executable, __file__, name]
        row = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        yield name, float(row.split("|")[3])


def main(names: list[str]) -> None:
    course = find_course(Path(__file__).parent)
    if len(names) == 1:
        torch.set_num_threads(1)
        count, seconds = cpu_seconds(course, course.lecture(names[0]))
        print(f"| {course.lecture(names[0]).id} | {count} | {seconds:.3f} |")
        return
    print("| lecture | CPU seconds |\n|---|---|", flush=True)
    for name, seconds in measured(names or [lecture.id for lecture in course.lectures]):
        print(f"| {name} | {seconds:.3f} |", flush=True)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main(sys.argv[1:])
