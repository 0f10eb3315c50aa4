"""Kill processes of the engine (kill -9) while a class is graded, and check the reports.

python tests/faults.py [SEED]     a row for each kind of process; exit code 1 for a lost report

The real command grades a class of twelve. Meanwhile some of its processes are killed, each a
random time after a random number of reports. If the command didn't finish the class, it runs
once more. Then there must be one whole report for each submission, the same as after a run
without kills.
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

from autograder.sandbox.memory import children
from autograder.suite.stub import cut

# kind of process -> (kills in all, kills in one run)
FEW = {"fork server": (24, 2), "command": (24, 3)}
MANY = {"suite process": (100, 5), "worker server": (100, 5), "worker": (100, 5)}
FAULTS = ("lost", "doubled", "half written", "changed", "orphans")
MORE = ("left behind", "tracebacks", "gave up")
PATIENCE = 10.0  # seconds in which a killed process must be gone
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
    """A course, a class, an empty temporary folder; the reports of a run without kills."""

    folder: Path
    untouched: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shutil.copytree(MINI, self.course, ignore=shutil.ignore_patterns("__pycache__"))
        toml = self.course / "course.toml"
        # no deadline may pass while the machine is busy with the kills
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
        """The bytes of each report without its seconds; no bytes where it can't be read."""
        return {path.stem: _plainly(path) for path in self.results.glob("*.json")}


def _plainly(path: Path) -> bytes:
    try:
        json.loads(path.read_bytes())
    except ValueError:
        return b""
    return re.sub(rb'"seconds": ?[\d.e-]+', b"", path.read_bytes())


class Run:
    """The real command in a process of its own, and its output so far."""

    def __init__(self, place: Place, before: str = "", **environment: str) -> None:
        """before: commands for a shell, as root with mounts of its own, before the command."""
        command = [sys.executable, "-m", "autograder.cli", "grade", "1"]
        command += [str(place.folder / "class"), "--out", str(place.results.parent), "--jobs", "2"]
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
        self.output = b""
        self.open = True

    @property
    def finished(self) -> list[str]:
        """The students whose reports the command has announced, in their order."""
        lines = self.output.decode(errors="replace")
        return re.findall(r"^\d+/\d+ (\S+): .*\n", lines, re.MULTILINE)

    def follow(self, seconds: float | None = None) -> None:
        """Read output, or wait for so long until there is some."""
        if self.open and select.select([self.stream], [], [], seconds)[0]:
            data = os.read(self.stream.fileno(), 65536)
            self.output += data
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
    """Kill one process of this kind, soon after so many reports; how many were killed."""
    while run.open and len(run.finished) < reports:
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
    """The living processes of a kind: the command starts the fork server, that all others."""
    if kind == "command":
        return [run.process.pid]
    servers = [pid for pid in children(run.process.pid) if b"forkserver.main" in _command(pid)]
    if kind == "fork server":
        return servers
    forked = [pid for server in servers for pid in children(server)]
    if kind == "suite process":
        return [pid for pid in forked if _sockets(pid) > 1]
    worker_servers = [pid for pid in forked if _sockets(pid) == 1]
    if kind == "worker server":
        return worker_servers
    return [pid for server in worker_servers for pid in children(server)]


def _command(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _sockets(pid: int) -> int:
    """How many sockets a process holds, without those to workers, which have a pipe each.

    A worker server has one, to its suite process; that has two, the other is to the command.
    """
    held = {}
    for link in Path(f"/proc/{pid}/fd").glob("*"):
        with contextlib.suppress(OSError):
            held[int(link.name)] = os.readlink(link)
    ours = {what for number, what in held.items() if number <= 2}
    kinds = Counter(what.split(":")[0] for what in held.values() if what not in ours)
    return kinds["socket"] - kinds["pipe"]


@contextlib.contextmanager
def adoption() -> Iterator[None]:
    """Adopt the processes that outlive their parent, so that `orphans` can count them."""
    libc = ctypes.CDLL(None)
    libc.prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    try:
        yield
    finally:
        libc.prctl(36, 0, 0, 0, 0)


def orphans() -> int:
    """How many processes outlive their command; they are ended."""
    count = 0
    until = time.monotonic() + PATIENCE
    while found := children(os.getpid()):  # their own processes are adopted next
        for pid in found:
            fd = os.pidfd_open(pid)
            if not select.select([fd], [], [], max(0.0, until - time.monotonic()))[0]:
                count += 1
                os.kill(pid, signal.SIGKILL)
            os.close(fd)
            os.waitpid(pid, 0)
    return count


def disturb(place: Place, kind: str, kills: int, chance: random.Random) -> Counter[str]:
    """Grade a class once with so many kills, and count the faults.

    A command that is killed runs again.
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
    """The faults after a run, finished or not."""
    reports = place.reports()
    whole = {name: report for name, report in reports.items() if report}
    same = {name for name, report in whole.items() if report == place.untouched.get(name)}
    return Counter(
        {
            "doubled": len(run.finished)
            - len(set(run.finished))
            + len(whole.keys() - place.untouched.keys()),
            "half written": len(reports) - len(whole),
            "changed": len(whole.keys() - same - set(broken(place))),
            "orphans": orphans(),
            "tracebacks": b"Traceback" in run.output,
        }
    )


def undisturbed(folder: Path) -> Place:
    """A place with the reports of a run without kills."""
    place = Place(folder)
    run = Run(place)
    assert run.finish() == 0, run.output.decode()
    place.untouched = place.reports()
    assert place.untouched.keys() == {*BODIES, "stub"}
    return place


def campaign(place: Place, kind: str, seed: int) -> Counter[str]:
    """All kills of one kind of process."""
    wanted, at_once = (FEW | MANY)[kind]
    seen: Counter[str] = Counter()
    chance = random.Random(f"{seed}/{kind}")
    while seen["kills"] < wanted:
        seen.update(disturb(place, kind, min(at_once, wanted - seen["kills"]), chance))
    return seen


def main(arguments: list[str]) -> int:
    seed = int(arguments[0]) if arguments else random.SystemRandom().randrange(10**6)
    columns = ("kills", "runs", *FAULTS, *MORE, "broken")
    print(f"seed {seed}; broken: reports of the first run that the next run replaced")  # noqa: T201
    print("| killed | " + " | ".join(columns) + " |")  # noqa: T201
    print("|---|" + "---|" * len(columns), flush=True)  # noqa: T201
    rows = {}
    with tempfile.TemporaryDirectory(prefix="faults-") as folder, adoption():
        place = undisturbed(Path(folder))
        for kind in FEW | MANY:
            rows[kind] = row = campaign(place, kind, seed)
            print(f"| {kind} | " + " | ".join(str(row[c]) for c in columns) + " |", flush=True)  # noqa: T201
    for kinds in (FEW, MANY):
        total = sum((rows[kind] for kind in kinds), Counter[str]())
        sums = ", ".join(f"{total[fault]} {fault}" for fault in FAULTS)
        print(f"{total['kills']} kills ({', '.join(kinds)}): {sums}")  # noqa: T201
    return int(any(row[fault] for row in rows.values() for fault in (*FAULTS, *MORE)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
