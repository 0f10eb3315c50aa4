"""kill -9 of each process of ours at random moments of a class's grading; what it did to reports.

python tests/faults.py [SEED]     a row for each kind of process; exit code 1 if a student lost

A class of twelve is graded by the real command. Amid it a process is killed, several in one run,
each some milliseconds after so many reports are told. If the command didn't finish the class, it
is called once more. Then every student has a report, whole, the only one and the same as that of
a run that nobody disturbed.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from conftest import MINI

from autograder.memory import children
from autograder.stub import cut

# kind of process -> (kills in all, kills in one run)
FEW = {"image": (24, 2), "command": (24, 3)}
MANY = {"suite": (100, 5), "zygote": (100, 5), "child": (100, 5)}
FAULTS = ("lost", "doubled", "half written", "changed", "orphans")
MORE = ("left behind", "tracebacks", "gave up")
PATIENCE = 10.0  # seconds in which a process that was killed is gone
REFERENCE = (MINI / "solutions" / "l01_sums" / "sums.py").read_text()
BODIES = {
    "right": "return 2 * x",
    "named": "return x * x",
    "wrong": "return 3 * x",
    "raises": "raise ValueError('odd')",
    "exits": "import os; os._exit(3)",
    "crashes": "import ctypes; ctypes.string_at(0)",
    "refused": "return lambda: x",
    "prints": "print('twice'); return 2 * x",
    "chance": "return float(torch.rand(1))",
    "slow": "import time; time.sleep(0.1); return 2 * x",
    "slower": "import time; time.sleep(0.3); return x * x",
}


@dataclass
class Place:
    """A course, a class, an empty temporary folder; the reports of a run that nobody disturbed."""

    folder: Path
    untouched: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shutil.copytree(MINI, self.course, ignore=shutil.ignore_patterns("__pycache__"))
        toml = self.course / "course.toml"
        # a machine that is busy with our kills must not make an honest student late
        toml.write_text(toml.read_text().replace("call = 1.0", "call = 60.0"))
        toml.write_text(toml.read_text().replace("submission = 20.0", "submission = 300.0"))
        texts = {name: REFERENCE.replace("return 2 * x", body) for name, body in BODIES.items()}
        for name, text in {**texts, "stub": cut(REFERENCE, "sums.py")}.items():
            (self.folder / "class" / name).mkdir(parents=True)
            (self.folder / "class" / name / "sums.py").write_text(text)
        self.temporary.mkdir()

    @property
    def course(self) -> Path:
        return self.folder / "mini"

    @property
    def temporary(self) -> Path:
        return self.folder / "tmp"

    @property
    def results(self) -> Path:
        return self.folder / "results" / "l01_sums"

    def reports(self) -> dict[str, bytes]:
        """The bytes of each report, seconds aside; no bytes where it can't be read."""
        return {path.stem: _plainly(path) for path in self.results.glob("*.json")}


def _plainly(path: Path) -> bytes:
    try:
        json.loads(path.read_bytes())
    except ValueError:
        return b""
    return re.sub(rb'"seconds": ?[\d.e-]+', b"", path.read_bytes())


class Run:
    """The real command in a process of its own, and what it has told of so far."""

    def __init__(self, place: Place, before: str = "", **environment: str) -> None:
        """before: what a shell does first, as root with mounts of its own."""
        command = [sys.executable, "-m", "autograder.cli", "grade", "1", place.folder / "class"]
        command += ["--out", place.results.parent, "--jobs", "2"]
        if before:
            command = ["unshare", "-m", "sh", "-e", "-c", f'{before}\nexec "$@"', "sh", *command]
        self.process = subprocess.Popen(
            command,
            cwd=place.course,
            env=os.environ | {"TMPDIR": str(place.temporary)} | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert self.process.stderr is not None
        self.stream = self.process.stderr
        self.said = b""
        self.open = True

    @property
    def told(self) -> list[str]:
        """The students whose reports are told of, in their order."""
        lines = self.said.decode(errors="replace")
        return re.findall(r"^\d+/\d+ (\S+): .*\n", lines, re.MULTILINE)

    def follow(self, seconds: float | None = None) -> None:
        """Hear what it tells for so long, or until it tells something."""
        if self.open and select.select([self.stream], [], [], seconds)[0]:
            data = os.read(self.stream.fileno(), 65536)
            self.said += data
            self.open = bool(data)

    def linger(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while self.open and (left := until - time.monotonic()) > 0:
            self.follow(left)

    def finish(self) -> int:
        while self.open:
            self.follow()
        self.stream.close()
        return self.process.wait()


def kill(run: Run, kind: str, reports: int, chance: random.Random) -> int:
    """Kill one process of this kind in a moment after so many reports; how many were killed."""
    while run.open and len(run.told) < reports:
        run.follow()
    while run.open and not processes(run, kind):
        run.follow(0.005)
    early = 4.0 if kind in FEW else 1.0
    run.linger(chance.uniform(0, 0.2 if reports else early))
    while run.open:
        if found := processes(run, kind):
            with contextlib.suppress(ProcessLookupError):
                os.kill(chance.choice(found), signal.SIGKILL)
                return 1
        run.follow(0.005)
    return 0


def processes(run: Run, kind: str) -> list[int]:
    """The living processes of a kind: the image is the command's child, the others are below."""
    if kind == "command":
        return [run.process.pid]
    images = [pid for pid in children(run.process.pid) if b"autograder.image" in _command(pid)]
    if kind == "image":
        return images
    forked = [pid for image in images for pid in children(image)]
    zygotes = [pid for pid in forked if _sockets(pid) == 1]
    if kind == "child":
        return [pid for zygote in zygotes for pid in children(zygote)]
    return zygotes if kind == "zygote" else [pid for pid in forked if _sockets(pid) > 1]


def _command(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _sockets(pid: int) -> int:
    """How many sockets a process holds, those aside that come with a child's output pipe.

    A zygote has one, to its suite process; that has two, to its zygote and to the command.
    """
    held = {}
    for link in Path(f"/proc/{pid}/fd").glob("*"):
        with contextlib.suppress(OSError):
            held[int(link.name)] = os.readlink(link)
    ours = {what for number, what in held.items() if number <= 2}
    kinds = Counter(what.split(":")[0] for what in held.values() if what not in ours)
    return kinds["socket"] - kinds["pipe"]


@contextlib.contextmanager
def orphanage() -> Iterator[None]:
    """Whoever outlives its parent becomes our child, so that `orphans` can count it."""
    libc = ctypes.CDLL(None)
    libc.prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    try:
        yield
    finally:
        libc.prctl(36, 0, 0, 0, 0)


def orphans() -> int:
    """How many live on after their command; they are ended."""
    count = 0
    until = time.monotonic() + PATIENCE
    while found := children(os.getpid()):  # a dead one's children become ours, too
        for pid in found:
            fd = os.pidfd_open(pid)
            if not select.select([fd], [], [], max(0.0, until - time.monotonic()))[0]:
                count += 1
                os.kill(pid, signal.SIGKILL)
            os.close(fd)
            os.waitpid(pid, 0)
    return count


def disturb(place: Place, kind: str, kills: int, chance: random.Random) -> Counter[str]:
    """One class graded with so many kills amid it, and what came of it.

    A command that is killed is called again.
    """
    shutil.rmtree(place.results.parent, ignore_errors=True)
    seen: Counter[str] = Counter(runs=1)
    run = Run(place)
    for reports in sorted(chance.sample(range(len(place.untouched)), kills)):
        if kind == "command" and seen["kills"]:
            run.finish()
            seen.update(after(place, run))
            run = Run(place)
        seen["kills"] += kill(run, kind, reports, chance)
    code = run.finish()
    seen.update(after(place, run))
    if code != 0:
        seen["broken"] = len(broken(place))
        seen["gave up"] += code != (-signal.SIGKILL if kind == "command" else 5)
        run = Run(place)
        seen["gave up"] += run.finish() != 0
        seen.update(after(place, run))
    seen["changed"] += len(broken(place))
    seen["lost"] += len(place.untouched.keys() - place.reports().keys())
    seen["half written"] += len(list(place.results.glob("*.tmp")))
    seen["left behind"] += len(list(place.temporary.iterdir()))
    return seen


def broken(place: Place) -> list[str]:
    return [name for name, report in place.reports().items() if b'"broken"' in report]


def after(place: Place, run: Run) -> Counter[str]:
    """What is wrong after a run, finished or not."""
    reports = place.reports()
    whole = {name: report for name, report in reports.items() if report}
    same = {name for name, report in whole.items() if report == place.untouched.get(name)}
    return Counter(
        {
            "doubled": len(run.told) - len(set(run.told)) + len(whole.keys() - place.untouched),
            "half written": len(reports) - len(whole),
            "changed": len(whole.keys() - same - set(broken(place))),
            "orphans": orphans(),
            "tracebacks": b"Traceback" in run.said,
        }
    )


def undisturbed(folder: Path) -> Place:
    """A place with the reports of a run that nobody disturbs."""
    place = Place(folder)
    run = Run(place)
    assert run.finish() == 0, run.said.decode()
    place.untouched = place.reports()
    assert place.untouched.keys() == {*BODIES, "stub"}
    return place


def campaign(place: Place, kind: str, seed: int) -> Counter[str]:
    """So many kills of one kind as are due."""
    wanted, at_once = (FEW | MANY)[kind]
    seen: Counter[str] = Counter()
    chance = random.Random(f"{seed}/{kind}")
    while seen["kills"] < wanted:
        seen.update(disturb(place, kind, min(at_once, wanted - seen["kills"]), chance))
    return seen


def main(arguments: list[str]) -> int:
    seed = int(arguments[0]) if arguments else random.SystemRandom().randrange(10**6)
    columns = ("kills", "runs", *FAULTS, *MORE, "broken")
    print(f"seed {seed}; broken: of these, mended by the next run")  # noqa: T201
    print("| killed | " + " | ".join(columns) + " |")  # noqa: T201
    print("|---|" + "---|" * len(columns), flush=True)  # noqa: T201
    rows = {}
    with tempfile.TemporaryDirectory(prefix="faults-") as folder, orphanage():
        place = undisturbed(Path(folder))
        for kind in FEW | MANY:
            rows[kind] = row = campaign(place, kind, seed)
            print(f"| {kind} | " + " | ".join(str(row[c]) for c in columns) + " |", flush=True)  # noqa: T201
    for kinds in (FEW, MANY):
        total = sum((rows[kind] for kind in kinds), Counter[str]())
        sums = ", ".join(f"{total[fault]} {fault}" for fault in FAULTS)
        print(f"{total['kills']} kills{' of image and command' * (kinds is FEW)}: {sums}")  # noqa: T201
    return int(any(row[fault] for row in rows.values() for fault in (*FAULTS, *MORE)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
