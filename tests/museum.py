"""The museum of attacks: what each folder of tests/attacks does, is stopped by, and does without.

`python tests/museum.py [NAME…]` grades all attacks behind all walls, then each without the wall
that stops it, and prints a line for each and the sums. It ends with 1 if anything isn't as the
headers say. tests/attacks/README.md explains the headers.
"""

from __future__ import annotations

import contextlib
import csv
import ctypes
import gzip
import html.parser
import importlib.util
import io
import os
import re
import select
import shutil
import socket
import stat
import subprocess
import sys
import tarfile
import tempfile
import threading
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock
from xml.etree import ElementTree

import msgspec
from beside import SUITE
from rich.console import Console

from autograder import batch, jail, report
from autograder.course import SECRET_VARIABLE, Course, load_course
from autograder.pool import Plan, Warm
from autograder.submission import Submission, find_submissions, read_submission
from autograder.verdict import Report, harmless

HERE = Path(__file__).parent
ATTACKS = HERE / "attacks"
MINI = HERE / "courses" / "mini"
REFERENCE = MINI / "solutions" / "l01_sums" / "sums.py"
CANARY = "CANARY"
POINTS = {"double": 1, "row_sums": 2, "share": 3, "Counter": 2, "extra": 1}
LIMITS = {"call": 0.5, "submission": 20.0, "memory_mib": 512, "kills_per_task": 1}

JAIL = ("landlock", "seccomp", "namespaces", "rlimits")
LIFTED = (  # guards that tests/lifted.py takes off
    *("numbers", "decoder", "wire limits", "capped text"),
    *("fresh child", "restored", "gate", "renderers"),
)
BESIDE = ("another process", "plain data")
LAYERS = (  # in the order of tests/attacks/README.md
    *JAIL,
    *BESIDE,
    *("numbers", "decoder", "wire limits", "capped text", "deadline", "output cap"),
    *("fresh child", "restored", "gate", "secret", "hidden suite", "intake", "renderers"),
)
LOOSE = {  # limits that a layer consists of, and what they are without it
    "deadline": {"call": 20.0, "submission": 60.0, "cpu": 2},
    "output cap": {"output_kib": 2**20},
}
# Signs of an attack that are seen on the machine: to know whose they are, it is graded alone.
LEFT, CHANGED, OUTSIDE = "left a process behind", "a neighbour changed", "a file outside"
BEGINNER = ("if x is None:", "    return 2 * x", 'einsum("nm->n", x)', 'einsum("nm->m", x)')


@dataclass(frozen=True)
class Without:
    """What is seen of an attack while some layers are off. by: who catches it then, if anybody."""

    off: frozenset[str]
    by: str = ""
    pattern: str = ""
    reason: str = ""  # why it isn't tried

    def said(self) -> str:
        if self.reason:
            return "not tried"
        return f"caught by {self.by}" if self.by else "got in"


@dataclass(frozen=True)
class Attack:
    """One folder of the museum, as its header describes it."""

    name: str
    tries: str
    layers: frozenset[str]
    outcomes: frozenset[str]
    pattern: str
    others: frozenset[str]
    task: str
    limits: str
    without: tuple[Without, ...]

    @property
    def folder(self) -> Path:
        return ATTACKS / self.name

    @property
    def builds(self) -> bool:
        """Whether it is an archive or a name: something that a build.py makes."""
        return (self.folder / "build.py").is_file()

    def gone(self) -> set[str]:
        """The attacks whose victim has died."""
        return {name for name, victim in self.victims.items() if victim.poll() is not None}

    def files(self) -> dict[str, bytes]:
        """What the student hands in."""
        paths = [path for path in self.folder.rglob("*.py") if "__pycache__" not in path.parts]
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in paths}

    def text(self) -> str:
        return b"".join(self.files().values()).decode()


class HeaderError(Exception):
    """A header that isn't of the form that tests/attacks/README.md describes."""


def load_attacks(names: Sequence[str] = ()) -> dict[str, Attack]:
    """All attacks by name, or those that are asked for."""
    folders = sorted(path for path in ATTACKS.iterdir() if path.is_dir() and path.name[0] != "_")
    return {f.name: load_attack(f) for f in folders if not names or f.name in names}


def load_attack(folder: Path) -> Attack:
    """The record of one folder. Raises `HeaderError`."""
    path = folder / "sums.py"
    path = path if path.is_file() else folder / "build.py"
    lines = []
    for line in path.read_text().splitlines():
        if not line.startswith("# "):
            break
        key, colon, value = line[2:].partition(": ")
        if not colon:
            raise HeaderError(f"{folder.name}: no `key: value`: {line}")
        lines.append((key, value))
    try:
        return _attack(folder.name, lines)
    except (KeyError, ValueError) as error:
        raise HeaderError(f"{folder.name}: {error!r}") from None


def _attack(name: str, lines: Sequence[tuple[str, str]]) -> Attack:
    header = {key: value for key, value in lines if not key.startswith("without")}
    layers = _layers(header["stopped by"])
    outcomes, pattern = _seen(header["seen"])
    without = [
        _without(_layers(key.removeprefix("without")) or layers, value)
        for key, value in lines
        if key.startswith("without")
    ]
    if not without or without[0].off != layers:
        raise ValueError("no line says what comes without the layer that stops it")
    return Attack(
        name=name,
        tries=header["tries"],
        layers=layers,
        outcomes=frozenset(outcomes.split(" or ")),
        pattern=pattern,
        others=frozenset(header.get("others", "passed").split()),
        task=header.get("task", "double"),
        limits=header.get("limits", ""),
        without=tuple(without),
    )


def _layers(text: str) -> frozenset[str]:
    names = frozenset(filter(None, (part.strip() for part in text.split(","))))
    if not names.issubset(LAYERS):
        raise ValueError(f"not a layer: {', '.join(sorted(names.difference(LAYERS)))}")
    return names


def _seen(text: str) -> tuple[str, str]:
    """`failed, "pattern"` in its two parts."""
    first, _, quoted = text.partition(", ")
    if quoted and not (quoted.startswith('"') and quoted.endswith('"')):
        raise ValueError(f"not in quotes: {quoted}")
    return first, quoted[1:-1]


def _without(off: frozenset[str], text: str) -> Without:
    if text.startswith("not tried: "):
        return Without(off, reason=text.removeprefix("not tried: "))
    by, pattern = _seen(text)
    if by == "got in":
        return Without(off, pattern=pattern or f"GOT IN|{CANARY}")
    if by not in LAYERS:
        raise ValueError(f"not a layer: {by}")
    return Without(off, by, pattern)


# What is planted


@dataclass
class Place:
    """A course with canaries in it, a neighbour, a home, old results, sockets that answer."""

    folder: Path
    port: int
    mark: str
    victims: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def suite(self) -> Path:
        return self.folder / "mini" / "solutions" / "l01_sums"

    @property
    def socket(self) -> str:
        return f"/tmp/{self.mark}"  # a socket's path has 107 bytes at most

    def places(self, attack: Attack) -> bytes:
        """The text of places.py: where an attacker would find what it looks for."""
        found = {
            "SUITE": str(self.suite),
            "NEIGHBOUR": str(self.folder / "class" / "neighbour"),
            "RESULTS": str(self.folder / "results"),
            "HOME": str(self.folder / "home"),
            "PLANTED": str(self.folder / "planted" / "file"),
            "TEMPORARY": str(self.folder / "temporary"),
            "SOCKET": self.socket,
            "PORT": self.port,
            "MARK": self.mark,
            "GRADER": self.victim(attack) if "GRADER" in attack.text() else 0,
        }
        return "".join(f"{name} = {value!r}\n" for name, value in found.items()).encode()

    def victim(self, attack: Attack) -> int:
        """A process that stands for the grader, one for each attack, with canaries about it."""
        if attack.name not in self.victims or attack.name in self.gone():
            self.victims[attack.name] = subprocess.Popen(
                [f"{CANARY} grader", "600"],
                executable=shutil.which("sleep"),
                env={"NOTE": CANARY},
                start_new_session=True,
            )
        return self.victims[attack.name].pid

    def gone(self) -> set[str]:
        """The attacks whose victim has died."""
        return {name for name, victim in self.victims.items() if victim.poll() is not None}

    def files(self) -> dict[str, bytes]:
        """All that is on disk, but for what Python compiled and what build.py made."""
        paths = [
            path
            for path in self.folder.rglob("*")
            if path.is_file() and not {"__pycache__", "entries"}.intersection(path.parts)
        ]
        return {str(path): path.read_bytes() for path in paths}

    def course(self, off: frozenset[str], limits: str) -> Course:
        """The tiny course with its guards lifted as `off` says."""
        lifted = [name.replace(" ", "_") for name in LIFTED if name in off]
        os.environ["LIFTED"] = ",".join(lifted)
        values: dict[str, object] = dict(LIMITS)
        for layer, loose in LOOSE.items():
            if layer in off:
                values |= loose
        if limits and "deadline" not in off:
            key, value = limits.split(" = ")
            values[key] = float(value)
        root = self.folder / "mini"
        text = (MINI / "course.toml").read_text().split("[limits]")[0]
        if lifted:
            text = text.replace('"numpy"]', '"numpy", "lifted"]')
            text += 'environment = ["PYTHONPATH", "LIFTED"]\n'
        text += "[limits]\n" + "".join(f"{key} = {value}\n" for key, value in values.items())
        (root / "course.toml").write_text(text)
        secret = root / "solutions" / ".secret"
        secret.unlink(missing_ok=True)
        os.environ.pop(SECRET_VARIABLE, None)
        if "secret" not in off:
            secret.write_text(f"{CANARY} file")
            os.environ[SECRET_VARIABLE] = f"{CANARY} in the environment"
        suite = (MINI / "solutions" / "l01_sums" / "test_hidden.py").read_text()
        if "hidden suite" in off:
            suite = suite.replace('@task("double")\ndef test_negative', "def negative")
        (self.suite / "test_hidden.py").write_text(f"{suite}\n\nNOTE = '{CANARY} in the suite'\n")
        return load_course(root)


@contextlib.contextmanager
def planted(folder: Path) -> Iterator[Place]:
    """A place that is gone afterwards, with all that listens in it."""
    shutil.copytree(MINI, folder / "mini", ignore=shutil.ignore_patterns("__pycache__"))
    mark = f"museum-{os.getpid()}-{os.urandom(4).hex()}"
    for path in (
        *("class/neighbour/sums.py", "results/neighbour.json", "home/.ssh/id_key"),
        *("results/to_write.json", "results/to_remove.json", "planted/file", "temporary/.keep"),
    ):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(f"{CANARY} of another")
    solution = folder / "mini" / "solutions" / "l01_sums" / "sums.py"
    solution.write_text(f"{solution.read_text()}\n\nNOTE = '{CANARY} in the solution'\n")
    (folder / "planted" / "solution.py").symlink_to(solution)
    shutil.copytree(solution.parent, folder / "planted" / "neighbour")
    environment = {"HOME": str(folder / "home"), "NOTE": CANARY, "PYTHONPATH": str(HERE)}
    with (
        mock.patch.dict(os.environ, environment),
        mock.patch.object(tempfile, "tempdir", str(folder / "temporary")),
        contextlib.ExitStack() as stack,
    ):
        port = stack.enter_context(listening(socket.AF_INET, ("127.0.0.1", 0)))[1]
        place = Place(folder, port, mark)
        stack.enter_context(listening(socket.AF_UNIX, place.socket))
        stack.enter_context(listening(socket.AF_UNIX, f"\0{mark}"))
        try:
            yield place
        finally:
            for victim in place.victims.values():
                victim.kill()
                victim.wait()
            os.unlink(place.socket)


@contextlib.contextmanager
def listening(family: int, address: object) -> Iterator[tuple[str, int]]:
    """A socket that answers everybody with a canary; its address."""
    line = socket.socket(family)
    line.bind(address)  # type: ignore[arg-type]
    line.listen()

    def answer() -> None:
        with contextlib.suppress(OSError):  # it was closed
            while True:
                with line.accept()[0] as caller, contextlib.suppress(OSError):
                    caller.sendall(f"{CANARY} of a service".encode())

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield line.getsockname()
    finally:
        line.shutdown(socket.SHUT_RDWR)
        line.close()
        thread.join()


# What is handed in


def hand_in(attack: Attack, place: Place, names: batch.Names, plainly: bool) -> list[Submission]:
    """The attack's submissions; of most, one. names: those of the class."""
    if not attack.builds:
        given = {
            "honest.py": REFERENCE.read_bytes(),
            "tools.py": (ATTACKS / "tools.py").read_bytes(),
            "places.py": place.places(attack),
        }
        return [Submission(attack.name, {**given, **attack.files()})]
    entries = place.folder / "entries" / attack.name
    shutil.rmtree(entries, ignore_errors=True)
    entries.mkdir(parents=True)
    _built(attack).build(entries, REFERENCE.read_bytes(), place.folder / "planted")
    found = []
    for entry in find_submissions(entries):
        read = take_plainly(entry) if plainly else read_submission(entry, "l01_sums", ["sums.py"])
        found.append(names.distinct(read, entry))
    return found


def _built(attack: Attack) -> object:
    """The module of a build.py, which is ours."""
    spec = importlib.util.spec_from_file_location(attack.name, attack.folder / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def take_plainly(entry: Path) -> Submission:
    """What becomes of a hand-in without an intake: whatever is in it, under whatever name."""
    files: dict[str, bytes] = {}
    notes: list[str] = []
    try:
        for name, data, note in _members(entry):
            notes.append(note)
            if name.endswith(".py"):
                files[name.replace("\\", "/")] = data
    except Exception as error:  # this is the intake that isn't there
        return Submission(entry.name, problem=f"{type(error).__name__}: {error}")
    size = sum(int(note) for note in notes if note.isdigit())
    told = sorted({note for note in notes if not note.isdigit()})
    told += [f"unpacked {size // 2**20} MiB"] if size > 256 * 2**20 else []
    told += [f"{len(notes)} entries"] if len(notes) > 2000 else []
    if told:
        return Submission(entry.name, problem=", ".join(told))
    outcome = "refused" if "sums.py" in files else "missing"
    problem = "" if "sums.py" in files else f"missing: there is {', '.join(files)}"
    return Submission(entry.name, files, problem, outcome)


def _members(entry: Path) -> Iterator[tuple[str, bytes, str]]:
    """(name, data, size or what it is) of each part; of what is large only the size."""
    if entry.is_dir():
        for path in sorted(entry.rglob("*")):
            yield path.relative_to(entry).as_posix(), path.read_bytes(), "0"
    elif entry.suffix == ".zip":
        with zipfile.ZipFile(entry) as archive:
            for info in archive.infolist():
                link = stat.S_ISLNK(info.external_attr >> 16)
                with archive.open(info) as stream:
                    yield info.filename, *_read(stream, "a link outside" if link else "")
    elif entry.name.endswith(".tar.gz"):
        with gzip.open(entry) as stream, tarfile.open(fileobj=stream) as packed:
            for member in packed:
                if member.issym() or member.islnk():
                    yield member.name, b"", "a link outside"
                elif not member.isfile():
                    yield member.name, b"", "a pipe or device"
                else:
                    part = packed.extractfile(member)
                    assert part is not None
                    yield member.name, *_read(part, "")
    else:
        yield "sums.py", entry.read_bytes(), "0"


def _read(stream: object, note: str) -> tuple[bytes, str]:
    first, size = b"", 0
    while data := stream.read(2**20):  # type: ignore[attr-defined]
        first, size = first or data, size + len(data)
    return first, note or str(size)


# What is seen


@dataclass
class Seen:
    """What came of one attack: its task's and the others' outcomes, and all that was told."""

    outcome: str
    others: set[str]
    told: str
    gained: bool
    reports: list[Report] = field(default_factory=list)

    @property
    def got_in(self) -> bool:
        return bool(re.search(f"GOT IN|{CANARY}", self.told)) or self.gained


@dataclass
class Run:
    """One class graded: what is seen of each attack, of the neighbours and of the machine."""

    seen: dict[str, Seen]
    neighbours: dict[str, Report]
    machine: list[str]


def grade(
    place: Place,
    attacks: Mapping[str, Attack],
    off: frozenset[str] = frozenset(),
    limits: str = "",
    neighbours: bool = True,
    jobs: int = 2,
    warm: Warm | None = None,
) -> Run:
    """Grade the attacks in one class, honest neighbours among them, without the layers in `off`.

    What they changed is seen, and undone.
    """
    course = place.course(off, limits)
    names = batch.Names()
    class_: list[Submission] = []
    owner: dict[str, str] = {}
    for attack in attacks.values():
        handed = hand_in(attack, place, names, "intake" in off)
        class_ += handed
        owner |= {one.name: attack.name for one in handed}
    honest = honest_ones() if neighbours else {}
    layers = tuple(layer for layer in jail.available() if layer not in off)
    plan = Plan(course, course.lectures[0], jobs=jobs, layers=layers, warm=warm)
    with unchanged(place) as machine:
        reports = list(batch.grade_submissions(plan, [*class_, *honest.values()], many=True))
    found: dict[str, list[Report]] = defaultdict(list)
    for one in reports:
        found[owner.get(one.submission, one.submission)].append(one)
    gone = place.gone()
    return Run(
        {
            name: _see(attack, found[name], name in gone, "renderers" in off)
            for name, attack in attacks.items()
        },
        {name: found[name][0] for name in honest},
        machine,
    )


@contextlib.contextmanager
def unchanged(place: Place) -> Iterator[list[str]]:
    """In words, what isn't as it was before; in the end it is."""
    found: list[str] = []
    files, shared = place.files(), _shared()
    with survivors() as left_behind:
        yield found
        if left_behind():
            found.append(LEFT)
    after = place.files()
    for path in sorted(files.keys() | after.keys()):
        if files.get(path) != after.get(path):
            found.append(f"{OUTSIDE}: {path}")
            if path in files:
                Path(path).write_bytes(files[path])
            else:
                os.unlink(path)
    found += [f"left in shared memory: {name}" for name in sorted(_shared() - shared)]


def honest_ones() -> dict[str, Submission]:
    """Two neighbours: one who has it right, one who makes a known mistake and prints."""
    right = REFERENCE.read_text()
    wrong = right.replace(*BEGINNER[2:]).replace("return 2 * x", 'print("x is", x)\n    return x')
    assert wrong.count('"nm->m"') == 1
    return {
        name: Submission(name, {"sums.py": text.encode()})
        for name, text in (("honest", right), ("beginner", wrong))
    }


def _shared() -> set[str]:
    """What all processes of a machine share by name: files in memory, segments, queues."""
    tables = [path.read_text() for path in Path("/proc/sysvipc").glob("*")]
    rows = {" ".join(line.split()[:2]) for text in tables for line in text.splitlines()}
    return rows | {path.name for path in Path("/dev/shm").glob("*")}


def _see(attack: Attack, reports: list[Report], gone: bool, plainly: bool) -> Seen:
    outcomes = [{task.id: task.outcome for task in report.tasks} for report in reports]
    told = ["the victim is gone"] if gone else []
    for found in reports:
        told += [found.problem, found.output]
        for task in found.tasks:
            if task.id == attack.task:
                told.append(task.outcome)
                told += [part for test in task.tests for part in (test.why, test.output)]
    told += [f"acts in {form}" for form in acting(reports, plainly)]
    others = {found[id] for found in outcomes for id in found if id != attack.task}
    told.append(f"others: {' '.join(sorted(others))}")
    own = sorted({found[attack.task] for found in outcomes})
    passed = {id for found in outcomes for id, outcome in found.items() if outcome == "passed"}
    most = sum(POINTS[id] for id in POINTS if id != attack.task or id in passed)
    partly = attack.task == "row_sums" or "visible_answers" in attack.name
    return Seen(
        outcome=" and ".join(own),
        others=others,
        told="\n".join(told) + "".join(t for r in reports for t in texts(r) if CANARY in t),
        gained="passed" not in attack.outcomes
        and ("passed" in own or any(r.score > most + partly for r in reports)),
        reports=reports,
    )


def texts(value: object) -> list[str]:
    """Each text of a report."""
    value = msgspec.to_builtins(value)
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts(item)]
    return [text for item in value for text in texts(item)] if isinstance(value, list) else []


class _Page(html.parser.HTMLParser):
    """The elements and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found |= {tag, *(name for name, _ in attributes if name.startswith("on"))}


def acting(reports: Sequence[Report], plainly: bool = False) -> list[str]:
    """The formats in which something of the reports would act. plainly: without our escaping."""
    with plain_renderers() if plainly else contextlib.nullcontext():
        found = [("json", any(harmless(t, len(t)) != t for r in reports for t in texts(r)))]
        found.append(("terminal", _terminal_acts(reports)))
        rows = csv.reader(io.StringIO(report.to_csv(reports)))
        found.append(("csv", any(c.lstrip()[:1] in ("=", "+", "-", "@") for r in rows for c in r)))
        page = _Page()
        page.feed(report.to_html(reports))
        found.append(("html", bool(page.found & {"script", "img", "svg", "onload", "onerror"})))
        try:
            ElementTree.fromstring(report.to_junit(reports))
        except ElementTree.ParseError:
            found.append(("junit", True))
    return [form for form, acts in found if acts]


def _terminal_acts(reports: Sequence[Report]) -> bool:
    out = io.StringIO()
    console = Console(file=out, width=200, color_system=None)
    console.print(report.class_table(reports))
    for one in reports:
        console.print(report.student_text(one))
    return harmless(out.getvalue(), 10**9) != out.getvalue()


@contextlib.contextmanager
def plain_renderers() -> Iterator[None]:
    """The renderers without what makes a submission's text harmless in them."""
    import jinja2

    own = jinja2.Environment
    with (
        mock.patch.object(report, "harmless", lambda text, most=0: text),
        mock.patch.object(report, "_cell", lambda text: text),
        mock.patch.object(jinja2, "Environment", lambda **k: own(**{**k, "autoescape": False})),
    ):
        yield


@contextlib.contextmanager
def survivors() -> Iterator[Callable[[], list[int]]]:
    """Whoever outlives a grading run becomes our child; asked, it says who doesn't end."""
    libc = ctypes.CDLL(None)
    libc.prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    known = set(_children())

    def find() -> list[int]:
        return [pid for pid in _children() if pid not in known and not _ends(pid)]

    yield find
    while left := find():  # theirs become ours, too
        for pid in left:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
    libc.prctl(36, 0, 0, 0, 0)


def _children() -> list[int]:
    tasks = Path("/proc/self/task").glob("*/children")
    return [int(pid) for task in tasks for pid in task.read_text().split()]


def _ends(pid: int) -> bool:
    """Whether a process that was killed is gone within a moment."""
    fd = os.pidfd_open(pid)
    ended = bool(select.select([fd], [], [], 1.0)[0])
    os.close(fd)
    if ended:
        os.waitpid(pid, 0)
    return ended


# Without another process: pytest, with the submission imported beside the tests


def grade_beside(place: Place, attacks: Mapping[str, Attack]) -> dict[str, Seen]:
    """What comes of attacks where the tests import them; only those that harm that process alone.

    tests/beside.py runs them, in a process of its own.
    """
    folders = {name: place.folder / "entries" / name for name in attacks}
    for name, attack in attacks.items():
        shutil.rmtree(folders[name], ignore_errors=True)
        for path, data in hand_in(attack, place, batch.Names(), False)[0].files.items():
            (folders[name] / path).parent.mkdir(parents=True, exist_ok=True)
            (folders[name] / path).write_bytes(data)
        (folders[name] / "test_beside.py").write_text(SUITE.format(canary=CANARY))
    command = [sys.executable, str(HERE / "beside.py"), *map(str, folders.values())]
    subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    return {name: _see_beside(attacks[name], folder) for name, folder in folders.items()}


def _see_beside(attack: Attack, folder: Path) -> Seen:
    said = (folder / "said").read_text(errors="replace")[-20_000:]
    code = (folder / "code").read_text()
    verdicts = dict(re.findall(r"test_beside.py::test_(\w+) .*?(PASSED|FAILED|SKIPPED)", said))
    ended = re.search(r"=+ .*(passed|failed|error|skipped|xfailed).* in [\d.]+s", said)
    told = [said, f"exit code {code}", str(verdicts), "" if ended else "no verdicts"]
    right = "passed" in attack.outcomes
    mine = {verdicts.get(name, "") for name in ("three", "negative")}
    return Seen(
        outcome=f"exit code {code}",
        others=set(verdicts.values()),
        told="\n".join(told),
        gained=not right and (code == "0" or "PASSED" in mine),
    )


# What should be seen


def faults(attack: Attack, seen: Seen) -> list[str]:
    """In words, what isn't as the attack's header says it is behind all walls."""
    found = []
    if not set(seen.outcome.split(" and ")) <= attack.outcomes:
        found.append(f"is {seen.outcome}")
    if not seen.others <= attack.others:
        found.append(f"others are {', '.join(sorted(seen.others))}")
    if not re.search(attack.pattern, seen.told):
        found.append(f"nothing says {attack.pattern!r}")
    if seen.got_in:
        found.append("got in")
    if seen.gained:
        found.append("gained points")
    found += [line for line in seen.told.splitlines() if re.match("acts in|the victim", line)]
    if any(len(batch.report_json(r)) > 200_000 for r in seen.reports):
        found.append("the report is large")
    return found


def faults_without(without: Without, seen: Seen) -> list[str]:
    """In words, what isn't as a line `without` says."""
    if not re.search(without.pattern, seen.told):
        if not without.by and without.pattern.startswith("GOT IN|") and seen.gained:
            return []
        return [f"without {_names(without.off)} nothing says {without.pattern!r}"]
    if without.by and seen.got_in:
        return [f"without {_names(without.off)} it got in"]
    return []


def _names(layers: Iterable[str]) -> str:
    return ", ".join(sorted(layers, key=LAYERS.index))


def behind_all_walls(place: Place, attacks: Mapping[str, Attack]) -> Run:
    """The class of them all; those with limits of their own in classes of their own."""
    whole = Run({}, {}, [])
    for limits in sorted({attack.limits for attack in attacks.values()}):
        some = {name: a for name, a in attacks.items() if a.limits == limits}
        run = grade(place, some, limits=limits, neighbours=not limits)
        whole.seen |= run.seen
        whole.neighbours |= run.neighbours
        whole.machine += run.machine
    return whole


def without_their_walls(
    place: Place, attacks: Mapping[str, Attack]
) -> Iterator[tuple[str, Without, Seen]]:
    """Each attack in each of the ways that its header names."""
    with Warm(place.course(frozenset(), "")) as warm:
        for pairs in _groups(attacks):
            seen = _seen_without(place, pairs, warm)
            yield from ((attack.name, without, seen[attack.name]) for attack, without in pairs)


def _groups(attacks: Mapping[str, Attack]) -> list[list[tuple[Attack, Without]]]:
    """Attacks that are graded together; alone where the machine shows whether they got in."""
    groups: dict[tuple[str, ...], list[tuple[Attack, Without]]] = defaultdict(list)
    for attack in attacks.values():
        for without in attack.without:
            if not without.reason:
                alone = any(sign in without.pattern for sign in (LEFT, CHANGED, OUTSIDE))
                key = (_names(without.off), attack.name if alone else "")
                groups[key].append((attack, without))
    return list(groups.values())


def _seen_without(
    place: Place, pairs: Sequence[tuple[Attack, Without]], warm: Warm
) -> dict[str, Seen]:
    some = {attack.name: attack for attack, _ in pairs}
    off = pairs[0][1].off
    if off & set(BESIDE):
        return grade_beside(place, some)
    alone = len(pairs) == 1
    mine = None if off & set(LIFTED) else warm  # what is lifted is lifted in the image
    run = grade(place, some, off, neighbours=alone, jobs=1 if alone else 2, warm=mine)
    if alone:
        told = [*run.machine, *_changed(run.neighbours)]
        run.seen[pairs[0][0].name].told += "\n" + "\n".join(told)
    return run.seen


def _changed(neighbours: Mapping[str, Report]) -> list[str]:
    return [CHANGED] if neighbours["honest"].score < sum(POINTS.values()) else []


def without_seconds(one: Report) -> bytes:
    return re.sub(rb'"seconds": ?[\d.e-]+', b"", batch.report_json(one))


def changed_neighbours(place: Place, run: Run) -> list[str]:
    """The neighbours who aren't graded as they are without attackers."""
    alone = grade(place, {}).neighbours
    return [n for n in alone if without_seconds(alone[n]) != without_seconds(run.neighbours[n])]


def main(names: Sequence[str]) -> int:
    attacks = load_attacks(names)
    with tempfile.TemporaryDirectory(prefix="museum-") as folder, planted(Path(folder)) as place:
        run = behind_all_walls(place, attacks)
        changed = changed_neighbours(place, run)
        wrong = {name: faults(attack, run.seen[name]) for name, attack in attacks.items()}
        for name, without, seen in without_their_walls(place, attacks):
            wrong[name] += faults_without(without, seen)
    print_table(attacks, run, wrong)
    for line in run.machine:
        print(line)
    print(sums(attacks, run, changed))
    return int(any(wrong.values()) or bool(run.machine) or bool(changed))


def print_table(attacks: Mapping[str, Attack], run: Run, wrong: Mapping[str, list[str]]) -> None:
    """A line for each attack, and under it what isn't as it should be."""
    width = max(map(len, attacks))
    for name, attack in attacks.items():
        row = (_names(attack.layers), run.seen[name].outcome, attack.without[0].said())
        print(f"{name:<{width}}  {row[0]:<16} {row[1]:<10} {row[2]}")
        for fault in wrong[name]:
            print(f"    WRONG: {fault}")


def sums(attacks: Mapping[str, Attack], run: Run, changed: Sequence[str]) -> str:
    """The last line of the table."""
    gained = sum(seen.gained for seen in run.seen.values())
    leaked = sum(CANARY in seen.told for seen in run.seen.values())
    processes = run.machine.count(LEFT)
    first = [attack.without[0] for attack in attacks.values()]
    caught, untried = sum(bool(w.by) for w in first), sum(bool(w.reason) for w in first)
    return (
        f"{len(attacks)} attacks: {gained} points gained, {leaked} canaries leaked,"
        f" {len(changed)} neighbours changed, {processes} processes and"
        f" {len(run.machine) - processes} files left; without their layer"
        f" {len(first) - caught - untried} got in, {caught} were caught by another,"
        f" {untried} not tried"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
