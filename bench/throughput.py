"""Submissions per second, against plain pytest in a fresh process for each, in one run.

python bench/throughput.py [LECTURE] [--class N] [--plain N] [--jobs N]

The class is the reference and the catalogued mistakes in turn: right and wrong ones, none that
loops. The kit grades it with all isolation layers and writes full reports; start-up is counted.
Plain pytest runs the same two suites on the first of the same submissions, in the same
process as the student's code, N at a time, and writes nothing.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from autograder.course import ORACLES, PROBES, Course, Lecture, find_course
from autograder.diagnosis.mistakes import load_mistakes, reference_files, wrong_files
from autograder.grading.options import GradeOptions, choose_layers
from autograder.teach.classes import grade_class

CONFTEST = """
import importlib.util, sys, pathlib, pytest, torch
from autograder.suite.rng import Random

def load(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

class Student:
    def __init__(self, module): self.module = module
    def __getattr__(self, name): return getattr(self.module, name)
    def run(self, probe, *args): return probe(self.module, *args)

HERE = pathlib.Path(__file__).parent
@pytest.fixture
def student(): return Student(load(HERE / "FILE", "submission"))
@pytest.fixture(scope="session")
def reference(): return load(pathlib.Path("HOME") / "FILE", "reference")
@pytest.fixture
def rng(request): return Random(1)
@pytest.fixture
def device(): return "cpu"
def pytest_configure(config): config.addinivalue_line("markers", "task(id): a task")
"""


def write_class(lecture: Lecture, folder: Path, count: int) -> list[Path]:
    """`count` submissions: the reference, then each mistake, again and again."""
    kinds = [reference_files(lecture), *(wrong_files(lecture, m) for m in load_mistakes(lecture))]
    entries = []
    for i, files in zip(range(count), itertools.cycle(kinds), strict=False):
        entry = folder / f"s{i:04d}"
        entry.mkdir(parents=True)
        for name, data in files.items():
            (entry / name).write_bytes(data)
        entries.append(entry)
    return entries


def kit(course: Course, lecture: Lecture, submissions: Path, jobs: int, layers: str) -> float:
    """Seconds for the class, from nothing to the last report."""
    options = GradeOptions(course, lecture, jobs=jobs, layers=choose_layers(layers))
    with tempfile.TemporaryDirectory() as out:
        began = time.perf_counter()
        count = len(grade_class(options, submissions, Path(out)))
        seconds = time.perf_counter() - began
        assert count == len(list(Path(out, lecture.id).glob("*.json")))
    return seconds


def plain(lecture: Lecture, entries: list[Path], jobs: int) -> float:
    """Seconds for plain pytest, `jobs` fresh processes at a time."""
    conftest = CONFTEST.replace("FILE", lecture.files[0]).replace("HOME", str(lecture.home))
    for entry in entries:
        (entry / "conftest.py").write_text(conftest)
        helpers = [lecture.home / name for name in (PROBES, ORACLES)]
        for file in filter(Path.is_file, (*lecture.suites, *helpers)):
            shutil.copy(file, entry)

    def one(entry: Path) -> int:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(entry)]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        command += ["-c", os.devnull, "--rootdir", str(entry)]
        return subprocess.run(command, capture_output=True, env=environment).returncode

    one(entries[0])  # the disk's cache
    began = time.perf_counter()
    with ThreadPoolExecutor(jobs) as pool:
        codes = list(pool.map(one, entries))
    assert set(codes) <= {0, 1}, codes
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("lecture", nargs="?", default="1")
    parser.add_argument("--class", dest="size", type=int, default=300)
    parser.add_argument("--plain", type=int, default=16)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    course = find_course(Path(__file__).parent)
    lecture = course.lecture(options.lecture)
    with tempfile.TemporaryDirectory() as folder:
        entries = write_class(lecture, Path(folder, "class"), options.size)
        isolated = kit(course, lecture, Path(folder, "class"), options.jobs, "strong")
        bare = kit(course, lecture, Path(folder, "class"), options.jobs, "none")
        alone = plain(lecture, entries[: options.plain], options.jobs)
    rate, open_rate, plain_rate = (
        options.size / isolated,
        options.size / bare,
        options.plain / alone,
    )
    print(f"{lecture.id}, {options.jobs} jobs, start-up counted")
    print(f"kit, isolated      {options.size:5} in {isolated:6.2f} s  {rate:6.1f} a second")
    print(f"kit, not isolated  {options.size:5} in {bare:6.2f} s  {open_rate:6.1f} a second")
    print(f"plain pytest       {options.plain:5} in {alone:6.2f} s  {plain_rate:6.2f} a second")
    print(
        f"kit / plain pytest: {rate / plain_rate:.1f} times;"
        f" isolation costs {isolated / bare:.2f} times"
    )


if __name__ == "__main__":
    main()
