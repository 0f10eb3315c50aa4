"""Let pytest collect a lecture's suites; each test with its task, its title and its seed."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from autograder.course import ORACLES, PROBES, VISIBLE, Course, Lecture, Task
from autograder.errors import CourseError, nearest
from autograder.suite.compare import use_tolerances
from autograder.suite.reference import Reference, import_helper

FIXTURES = ("student", "reference", "rng", "device", "tell")
ARGUMENTS = [
    *("--collect-only", "-q", "-s", "--tb=native", "--disable-plugin-autoload"),
    *("-p", "no:cacheprovider", "-c", os.devnull),
    *("--import-mode=importlib", "--noconftest", "--assert=plain"),
]


@dataclass(frozen=True)
class Test:
    """One collected test: a plain function, and the values of its row if it is one of a family."""

    function: Callable[..., object]
    id: str
    task: Task
    visible: bool
    title: str
    seed: int
    values: Mapping[str, Any]
    fixtures: tuple[str, ...]

    __test__ = False  # not a test class, whatever pytest thinks of its name


@dataclass
class Suite:
    """A lecture's collected tests, and the reference that they may ask."""

    course: Course
    lecture: Lecture
    device: str
    tests: list[Test]
    reference: Reference
    reference_passes: dict[str, bool] = field(default_factory=dict)  # test id -> whether


def collect(course: Course, lecture: Lecture, device: str) -> Suite:
    """The suite of a lecture. Raises `CourseError` where it doesn't fit the lecture."""
    use_tolerances(course.tolerances.get(device, {}) or course.tolerances.get("cpu", {}))
    for name in (PROBES, ORACLES):
        import_helper(lecture.home / name)
    items = _collected(lecture)
    tests = [_test(course, lecture, item) for item in items]
    tested = {test.task.id for test in tests}
    for task in () if lecture.released else lecture.tasks:
        if task.id not in tested:
            raise CourseError(f'{lecture.home}: task "{task.id}" has no test; write one')
    return Suite(course, lecture, device, tests, Reference(lecture))


class _Collector:
    """A pytest plugin that keeps what was collected."""

    def __init__(self) -> None:
        self.items: list[pytest.Item] = []
        self.failures: list[str] = []

    def pytest_configure(self, config: pytest.Config) -> None:
        config.addinivalue_line("markers", "task(id): the task that a test belongs to")

    @pytest.fixture(name="student")
    def _student(self) -> None: ...

    @pytest.fixture(name="reference")
    def _reference(self) -> None: ...

    @pytest.fixture(name="rng")
    def _rng(self) -> None: ...

    @pytest.fixture(name="device")
    def _device(self) -> None: ...

    @pytest.fixture(name="tell")
    def _tell(self) -> None: ...

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failures.append(str(report.longrepr).strip()[-600:])

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.items = list(session.items)


def _collected(lecture: Lecture) -> Sequence[pytest.Item]:
    collector, output = _Collector(), io.StringIO()
    arguments = [*ARGUMENTS, "--rootdir", str(lecture.home), *map(str, lecture.suites)]
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        pytest.main(arguments, plugins=[collector])
    if collector.failures:
        raise CourseError(f"{lecture.home}: a suite can't be imported:\n{collector.failures[0]}")
    if not collector.items:
        raise CourseError(f"{lecture.home}: no tests found:\n{output.getvalue()[-600:]}")
    return collector.items


def _test(course: Course, lecture: Lecture, item: pytest.Item) -> Test:
    """An item as a test. Raises `CourseError` where it isn't a plain function of a task."""
    where = f"{item.path}: {item.name}"
    mark = item.get_closest_marker("task")
    if mark is None:
        raise CourseError(f'{where}: belongs to no task; write @task("…") above it')
    if not isinstance(item, pytest.Function) or item.cls is not None:
        raise CourseError(f"{where}: a test is a plain function, not a method")
    case = getattr(item, "callspec", None)
    values = dict(case.params) if case else {}
    fixtures = [name for name in item.fixturenames if name not in values]
    if unknown := [name for name in fixtures if name not in FIXTURES]:
        raise CourseError(
            f"{where}: there is no fixture {unknown[0]}{nearest(unknown[0], FIXTURES)}"
            f" (there are: {', '.join(FIXTURES)})"
        )
    foreign = {mark.name for mark in item.iter_markers()} - {"task", "parametrize"}
    if foreign:
        raise CourseError(f"{where}: @pytest.mark.{min(foreign)} has no effect here; remove it")
    task = _task(lecture, _filled(mark.args[0], values, where), where)
    title = " ".join(_filled(item.function.__doc__ or "", values, where).split())
    if not title:
        raise CourseError(f"{where}: has no docstring; it is the title that students read")
    visible = item.path.name == VISIBLE
    if visible and "reference" in fixtures:
        raise CourseError(f"{where}: a visible test can't ask the reference")
    id = f"{item.path.name}::{item.name}"
    seed = _seed("" if visible else course.secret, lecture, id)
    return Test(item.function, id, task, visible, title, seed, values, tuple(fixtures))


def _task(lecture: Lecture, id: str, where: str) -> Task:
    tasks = {task.id: task for task in lecture.tasks}
    if id not in tasks:
        raise CourseError(f'{where}: there is no task "{id}" in lecture.toml{nearest(id, tasks)}')
    return tasks[id]


def _filled(text: str, values: Mapping[str, Any], where: str) -> str:
    """A text of a family of tests, with the row's values for its {names}."""
    if not values:
        return text
    try:
        return text.format(**values)
    except (LookupError, ValueError, AttributeError) as error:
        raise CourseError(
            f'{where}: can\'t fill in "{text.strip()[:60]}": {type(error).__name__}: {error};'
            " name columns of @each, and write {{ for a brace"
        ) from None


def _seed(secret: str, lecture: Lecture, id: str) -> int:
    """The seed of a test's random inputs; a visible test has the same for every secret."""
    digest = hashlib.sha256(f"{secret}/{lecture.id}/{id}".encode()).digest()
    return int.from_bytes(digest[:6], "little")
