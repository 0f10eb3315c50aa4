"""Let pytest run a suite against a student and record verdicts."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import io
import operator
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from _pytest.outcomes import OutcomeException
from _pytest.runner import runtestprotocol

from autograder import wire
from autograder.child import OUTPUT_KEPT
from autograder.course import ORACLES, PROBES, VISIBLE, Course, Lecture, Task
from autograder.errors import AnswerError, CourseError, MachineError, WorkerError, nearest
from autograder.session import Answer, Session
from autograder.student import PROBES_MODULE, Student
from autograder.suite import Different, Random, use_tolerances
from autograder.verdict import Outcome, TestResult, harmless

WHY_KEPT = 4000  # characters
FIXTURES = ("student", "reference", "rng", "device", "tell")
# Of pytest's own: they cost more than a test does, and what they give isn't used here.
SLOW_PLUGINS = ("logging-plugin", "capturemanager", "unraisableexception", "warnings")


@dataclass
class Test:
    """One collected test."""

    item: pytest.Function
    id: str
    task: Task
    visible: bool
    says: str
    seed: int

    __test__ = False

    @functools.cached_property
    def params(self) -> dict[str, Any]:
        """The arguments of its case, if it is parametrised."""
        callspec = getattr(self.item, "callspec", None)
        return dict(callspec.params) if callspec else {}

    @functools.cached_property
    def wants(self) -> tuple[str, ...]:
        """Our fixtures among its arguments."""
        return tuple(name for name in self.item.fixturenames if name in FIXTURES)

    @functools.cached_property
    def simple(self) -> bool:
        """Whether it is a plain function of our fixtures: pytest's protocol has nothing to do.

        That protocol costs some 0.3 ms a test, more than most tests do.
        """
        marks = {mark.name for mark in self.item.iter_markers()}
        known = {*FIXTURES, *self.params}.issuperset(self.item.fixturenames)
        return known and self.item.cls is None and marks <= {"task", "parametrize"}


@dataclass
class Ran:
    """A test's result, with the answers that it got."""

    test: Test
    result: TestResult
    answers: list[Answer]


@dataclass
class Now:
    """What the fixtures give to the test that runs now."""

    student: Student | None = None
    test: Test | None = None
    error: BaseException | None = None
    skipped: str = ""
    told: list[str] = field(default_factory=list)

    def caught(self, error: BaseException) -> None:
        if isinstance(error, pytest.skip.Exception):
            self.skipped = str(error)
        else:
            self.error = self.error or error


@dataclass
class Suite:
    """One lecture's tests, collected once; `run` asks them of a submission."""

    course: Course
    lecture: Lecture
    device: str
    tests: list[Test] = field(default_factory=list)
    now: Now = field(default_factory=Now)
    references: dict[str, ModuleType] = field(default_factory=dict)
    sound: dict[str, bool] = field(default_factory=dict)

    def run(
        self,
        session: Session,
        tests: Sequence[Test] | None = None,
        stubs: frozenset[str] = frozenset(),
    ) -> list[Ran]:
        """Each test's verdict. stubs: the names that the submission left as they were."""
        tests = self.tests if tests is None else tests
        ran = []
        for i, test in enumerate(tests):
            following = tests[i + 1] if i + 1 < len(tests) else None
            ran.append(self._one(session, test, following, stubs))
        return ran

    def _one(
        self, session: Session, test: Test, following: Test | None, stubs: frozenset[str]
    ) -> Ran:
        student = session.begin(test.task, test.seed)
        began = time.perf_counter()
        error, skipped = self._protocol(test, following, student)
        if session.forgiven():
            return self._one(session, test, following, stubs)
        seconds = time.perf_counter() - began
        told = "\n".join(self.now.told)
        result = TestResult(
            id=test.id,
            visible=test.visible,
            outcome="passed",
            says=test.says,
            told=harmless(told, WHY_KEPT),
            output=harmless(session.printed, OUTPUT_KEPT),
            seconds=seconds,
        )
        if skipped:
            result.outcome, result.reason = "skipped", skipped
        elif isinstance(error, (MachineError, WorkerError)):
            raise error  # it happened while the test asked, and is no verdict
        elif error is not None:
            self._judge(result, error, test)
            if result.outcome != "broken" and stubs.intersection(test.task.stubs):
                result.outcome, result.reason, result.why = "missing", "the stub is untouched", ""
        result.why = harmless(result.why, WHY_KEPT)
        return Ran(test, result, session.answers)

    def _protocol(
        self, test: Test, following: Test | None, student: Student
    ) -> tuple[BaseException | None, str]:
        """(what the test raised, why it was skipped)."""
        self.now = now = Now(student=student, test=test)
        if test.simple:
            try:
                test.item.obj(**self._arguments(test))
            except (Exception, OutcomeException) as error:
                now.caught(error)
        else:
            test.item._report_sections.clear()
            test.item.user_properties.clear()
            runtestprotocol(test.item, log=False, nextitem=following.item if following else None)
        return now.error, now.skipped

    def _arguments(self, test: Test) -> dict[str, Any]:
        """What a simple test asks for, made as the fixtures of `Engine` make it."""
        made = dict(test.params)
        for name in test.wants:
            made[name] = self.fixture(name, test)
        return made

    def fixture(self, name: str, test: Test) -> Any:
        """The value of one of our fixtures."""
        if name == "rng":
            return Random(test.seed, self.device)
        if name == "device":
            return self.device
        if name == "student":
            return self.now.student
        if name == "tell":
            return self.now.told.append
        if test.visible:
            raise CourseError(f"{test.id}: a visible test can't ask the reference")
        return self.reference(test.task)

    def _judge(self, result: TestResult, error: BaseException, test: Test) -> None:
        """Whose fault an exception is, and what it says."""
        result.why = _text(error)
        if isinstance(error, AnswerError):
            result.outcome = _outcome(error)
            result.reason = result.outcome
        elif isinstance(error, Different):
            result.outcome, result.reason = "failed", error.reason
        elif isinstance(error, (AssertionError, pytest.fail.Exception)):
            result.outcome, result.reason = "failed", "not as the test's sentence says"
        elif self._sound(test):
            result.outcome, result.reason = "failed", "the answer is of a kind that can't be used"
            result.why = f"the answer could not be used: {type(error).__name__}: {result.why}"
        else:
            result.outcome, result.reason = "broken", "the test itself fails"
            result.why = f"{type(error).__name__}: {result.why}"
        if result.outcome == "failed" and not self._sound(test):
            result.outcome, result.reason = "broken", "the reference fails this test too"

    def _sound(self, test: Test) -> bool:
        """Whether the test passes the reference: then what went wrong was the submission's."""
        if test.id not in self.sound:
            before = self.now
            self.sound[test.id] = self.lecture.released or self.rehearse(test) is None
            self.now = before
        return self.sound[test.id]

    def rehearse(self, test: Test) -> BaseException | None:
        """What a test raises when it is asked of the reference, here in this process."""
        return self._protocol(test, None, Student(self._ask_reference, test.task.file))[0]

    def _ask_reference(self, request: dict[str, Any]) -> Any:
        """Answer in this process, with our own code: the stand-in behind the same seam."""
        assert self.now.test is not None
        # as over there: what can't cross isn't answered, and the arguments are copies
        request = wire.decode(wire.encode(request))
        with contextlib.redirect_stdout(io.StringIO()):
            module = self.reference(self.now.test.task)
            if request["do"] == "probe":
                probe = getattr(sys.modules[PROBES_MODULE], request["name"])
                target: Any = functools.partial(probe, module)
            else:
                target = operator.attrgetter(request["name"])(module)
            answer = target(*request["args"], **request.get("kwargs", {}))
        return wire.decode(wire.encode(answer))

    def reference(self, task: Task) -> ModuleType:
        """The reference solution, imported here, where no submission is."""
        if self.lecture.released:
            raise CourseError(
                f"{self.lecture.id}/{VISIBLE}: a visible suite can't ask the reference: a released"
                " course has none; let torch, arithmetic or a literal say what is right"
            )
        if task.file not in self.references:
            path = self.lecture.home / task.file
            self.references[task.file] = _import_file(f"reference.{path.stem}", path)
        return self.references[task.file]


def _import_helper(path: Path) -> None:
    """Import what both suites use under its bare name, whatever else is on the path."""
    sys.modules.pop(path.stem, None)
    if path.is_file():
        try:
            _import_file(path.stem, path)
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            raise CourseError(f"{path}: the file can't be imported: {said}") from error


def _import_file(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Engine:
    """The pytest plugin: fixtures, and a run loop that hands the collected suite to `serve`."""

    def __init__(self, suite: Suite, serve: Callable[[Suite], None]) -> None:
        self.suite = suite
        self.serve = serve
        self.failure: BaseException | None = None
        self.collected: list[str] = []

    @pytest.fixture
    def student(self) -> Any:
        return self._fixture("student")

    @pytest.fixture
    def reference(self) -> Any:
        """The module of the task's file, as a probe sees the student's."""
        return self._fixture("reference")

    @pytest.fixture
    def rng(self) -> Any:
        """On the CPU, seeded by the course's secret and the test's id."""
        return self._fixture("rng")

    @pytest.fixture
    def device(self) -> Any:
        return self._fixture("device")

    @pytest.fixture
    def tell(self) -> Any:
        """`tell(line)`: what a check ends with, whether the test passes or not."""
        return self._fixture("tell")

    def _fixture(self, name: str) -> Any:
        assert self.suite.now.test is not None
        return self.suite.fixture(name, self.suite.now.test)

    def pytest_configure(self, config: pytest.Config) -> None:
        config.addinivalue_line("markers", "task(id): the task that a test belongs to")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> pytest.TestReport:
        """Keep the exception itself; pytest's traceback would cost more than the test."""
        error = call.excinfo.value if call.excinfo else None
        skipped = isinstance(error, pytest.skip.Exception)
        if error is not None:
            self.suite.now.caught(error)
        assert call.when != "collect"
        return pytest.TestReport(
            nodeid=item.nodeid,
            location=item.location,
            keywords={},
            outcome="skipped" if skipped else "failed" if error else "passed",
            longrepr=None,
            when=call.when,
            duration=call.duration,
        )

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.collected.append(str(report.longrepr).strip()[-600:])

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        home = self.suite.lecture.home
        try:
            if self.collected:
                raise CourseError(f"{home}: a suite can't be imported:\n{self.collected[0]}")
            for name in SLOW_PLUGINS:
                session.config.pluginmanager.unregister(name=name)
            self.suite.tests = _tests(self.suite, session.items)
            self.serve(self.suite)
        except BaseException as error:
            self.failure = error
        return True


def collect(suite: Suite, serve: Callable[[Suite], None]) -> None:
    """Let pytest collect the lecture's suites, then call `serve` with them.

    Raises `CourseError` where the suites don't fit the lecture, and what `serve` raises.
    """
    tolerances = suite.course.tolerances
    use_tolerances(tolerances.get(suite.device, {}) or tolerances.get("cpu", {}))
    engine = Engine(suite, serve)
    silent = io.StringIO()
    arguments = ["-q", "--tb=native", "--disable-plugin-autoload", "-p", "no:cacheprovider"]
    arguments += ["-s", "-c", os.devnull, "--rootdir", str(suite.lecture.home)]
    arguments += [
        "--import-mode=importlib",
        "--noconftest",
        "--assert=plain",
        "-p",
        "no:unraisableexception",
    ]
    for name in (PROBES, ORACLES):
        _import_helper(suite.lecture.home / name)
    with contextlib.redirect_stdout(silent), contextlib.redirect_stderr(silent):
        pytest.main([*arguments, *map(str, suite.lecture.suites)], plugins=[engine])
    if engine.failure is not None:
        raise engine.failure
    if not suite.tests:
        raise CourseError(f"{suite.lecture.home}: no tests found:\n{silent.getvalue()[-600:]}")


def _tests(suite: Suite, items: Sequence[pytest.Item]) -> list[Test]:
    """The collected items with their tasks; both must know each other."""
    tasks = {task.id: task for task in suite.lecture.tasks}
    tests = []
    for item in items:
        assert isinstance(item, pytest.Function)
        mark = item.get_closest_marker("task")
        where = f"{item.path}: {item.name}"
        if mark is None:
            raise CourseError(f'{where}: belongs to no task; write @task("…") above it')
        case = getattr(item, "callspec", None)
        params = dict(case.params) if case else {}
        task_id = _filled(mark.args[0], params, where)
        if task_id not in tasks:
            hint = nearest(task_id, tasks)
            raise CourseError(f'{where}: there is no task "{task_id}" in lecture.toml{hint}')
        says = " ".join(_filled(item.function.__doc__ or "", params, where).split())
        if not says:
            raise CourseError(f"{where}: has no docstring; it is the sentence that students read")
        visible = item.path.name == VISIBLE
        id = f"{item.path.name}::{item.name}"
        secret = "" if visible else suite.course.secret
        seed = hashlib.sha256(f"{secret}/{suite.lecture.id}/{id}".encode()).digest()
        number = int.from_bytes(seed[:6], "little")
        tests.append(Test(item, id, tasks[task_id], visible, says, number))
    tested = {test.task.id for test in tests}
    if not suite.lecture.released:
        for id in tasks:
            if id not in tested:
                raise CourseError(f'{suite.lecture.home}: task "{id}" has no test; write one')
    return tests


def _filled(text: str, params: dict[str, Any], where: str) -> str:
    """A text of a family of tests, with the case's values for its {names}."""
    if not params:
        return text
    try:
        return text.format(**params)
    except (LookupError, ValueError, AttributeError) as error:
        raise CourseError(
            f'{where}: can\'t fill in "{text.strip()[:60]}": {type(error).__name__}: {error};'
            " name columns of @each, and write {{ for a brace"
        ) from None


def _text(error: BaseException) -> str:
    """An exception's text; one that holds a huge integer of theirs can't be made."""
    try:
        return str(error)
    except Exception as another:
        return f"(its text could not be made: {type(another).__name__})"


def _outcome(error: AnswerError) -> Outcome:
    return error.outcome  # type: ignore[return-value]  # each class names one of them
