"""CPU seconds of each lecture's hidden suite for the reference, after warm-up: under 2 each.

python bench/suites.py [LECTURE…]

The reference answers in the process of the suite, so that the CPU of both is counted and nothing
else.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
import torch

from autograder.course import find_course
from autograder.suite.collect import collect
from autograder.suite.run import run_on_reference

RUNS = 5
T = TypeVar("T")


def cpu_seconds(id: str) -> float:
    """The median CPU seconds of a run of a lecture's hidden tests."""
    torch.set_num_threads(1)
    course = find_course(Path(__file__).parent)
    found: list[float] = []
    suite = collect(course, course.lecture(id), "cpu")
    tests = [test for test in suite.tests if not test.visible]
    for _ in range(RUNS + 1):
        began = time.process_time()
        for test in tests:
            error = run_on_reference(suite, test)
            skipped = isinstance(error, pytest.skip.Exception)  # a data set is missing here
            assert error is None or skipped, (test.id, str(error))
        found.append(time.process_time() - began)
    return sorted(found[1:])[RUNS // 2]


def apart(function: Callable[[str], T], names: Iterable[str]) -> Iterator[T]:
    """The result of a function for each lecture, in a process for each: pytest collects once."""
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        yield from pool.imap(function, names)


def main(names: list[str]) -> None:
    lectures = find_course(Path(__file__).parent).lectures
    names = names or [lecture.id for lecture in lectures]
    print("| lecture | CPU seconds |\n|---|---|", flush=True)
    for name, seconds in zip(names, apart(cpu_seconds, names), strict=True):
        print(f"| {name} | {seconds:.3f} |", flush=True)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main(sys.argv[1:])
