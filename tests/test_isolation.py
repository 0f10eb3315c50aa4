"""Isolation on other machines: an older kernel, an ordinary user, a container."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import MINI, ROOT, Command

from autograder.sandbox import isolation, machine

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="these layers are Linux's")
NOBODY = 65534
SPY = "def double(x):\n    return len(open('SECRET').read())\n"


def in_a_fork(act: Callable[[], None]) -> int:
    """The exit code of a forked process that calls this: 1 where it raised."""
    pid = os.fork()
    if pid == 0:
        try:
            act()
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@LINUX
@pytest.mark.parametrize("abi", range(1, 8))
def test_an_older_landlock_hides_files_too(
    abi: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each version of the kernel's interface, used with what it has."""
    if abi > isolation.landlock_abi():
        pytest.skip(f"this kernel has version {isolation.landlock_abi()}")
    monkeypatch.setattr(isolation, "landlock_abi", lambda: abi)
    (tmp_path / "own").mkdir()
    (tmp_path / "secret").write_text("x")

    def act() -> None:
        isolation.no_new_privileges()
        isolation.restrict_files([str(Path(os.__file__).parent)], [str(tmp_path / "own")])
        (tmp_path / "own" / "file").write_text("mine")
        assert Path(os.__file__).read_bytes()
        for attempt in (
            lambda: (tmp_path / "secret").read_text(),
            lambda: (tmp_path / "secret").unlink(),
            lambda: (tmp_path / "new").touch(),
            lambda: os.listdir("/"),
            lambda: (tmp_path / "own" / "file").rename(tmp_path / "out"),
        ):
            with pytest.raises(PermissionError if abi > 1 else OSError):
                attempt()

    assert in_a_fork(act) == 0


def graded(
    course: Path, *before: str, layers: str = "strong", python: str = sys.executable
) -> subprocess.CompletedProcess[str]:
    """`grade` of the class beside a course, by a command that starts with `before`."""
    command = [python, "-m", "autograder.cli", "grade", "1", "../class"]
    command += ["--out", "../results", "--jobs", "1", "--isolation", layers]
    return subprocess.run(
        [*before, *command],
        cwd=course,
        env=os.environ | {"HOME": str(course.parent)},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def classroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A course that everybody may read, a secret file beside it, and a class with a spy."""
    folder = tmp_path_factory.mktemp("classroom")
    course = folder / "course"
    shutil.copytree(MINI, course, ignore=shutil.ignore_patterns("__pycache__"))
    reference = (MINI / "solutions" / "l01_sums" / "sums.py").read_text()
    (folder / "secret").write_text("a secret")
    (folder / "class").mkdir()
    (folder / "class" / "honest.py").write_text(reference)
    spy = reference + SPY.replace("SECRET", str(folder / "secret"))
    (folder / "class" / "spy.py").write_text(spy)
    (folder / "results").mkdir()
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY) if os.geteuid() == 0 else None
    modes = {parent: parent.stat().st_mode for parent in (folder, *folder.parents[:3])}
    for parent, mode in modes.items():
        parent.chmod(mode | 0o755)
    yield course
    for parent, mode in modes.items():
        parent.chmod(mode)


def reports(course: Path) -> dict[str, dict[str, object]]:
    found = (course.parent / "results" / "l01_sums").glob("*.json")
    return {path.stem: json.loads(path.read_text()) for path in found}


def tasks(report: dict[str, object]) -> str:
    return json.dumps(report["tasks"])


AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


def python_for_all(folder: Path) -> str | None:
    """An interpreter that an ordinary user may run: this one may lie in a private home."""
    for python in (sys.executable, "/usr/bin/python3"):
        code = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
        command = [*AS_NOBODY, "sh", "-c", f"exec {python} -c '{code}'"]
        if subprocess.run(command, capture_output=True).returncode:
            continue
        if python == sys.executable:
            return python
        subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
        packages = next(folder.glob("lib/python*/site-packages"))
        ours = [p for p in sys.path if p.endswith("site-packages")]
        (packages / "ours.pth").write_text("\n".join([*ours, str(ROOT)]))
        return str(folder / "bin" / "python")
    return None


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root can become another user"
)
def test_an_ordinary_user_has_all_layers(classroom: Path) -> None:
    """Isolation needs no rights: a user namespace gives them."""
    python = python_for_all(classroom.parent / "venv")
    if python is None:
        pytest.skip("an ordinary user can't run this Python here, nor one like it")
    done = graded(classroom, *AS_NOBODY, python=python)
    if "lacks namespaces" in done.stderr:
        pytest.skip("this kernel keeps user namespaces for root")
    assert done.returncode == 0, done.stderr
    honest, spy = reports(classroom)["honest"], reports(classroom)["spy"]
    assert honest["isolation"] == ["landlock", "seccomp", "namespaces", "rlimits"]
    assert honest["score"] == 9
    assert spy["score"] == 8
    assert "PermissionError" in tasks(spy)


CONTAINER = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'


@pytest.mark.skipif(not shutil.which("unshare"), reason="needs unshare (util-linux)")
def test_without_namespaces_only_basic_grades(classroom: Path) -> None:
    """As in many containers: `strong` is exit 4 with the risk and a way on, `basic` grades."""
    container = ("unshare", "--user", "--map-root-user", "sh", "-c", CONTAINER, "sh")
    if subprocess.run([*container, "true"], capture_output=True).returncode:
        pytest.skip("this machine makes no user namespace at all")
    if os.geteuid() == 0:
        for path in (classroom.parent, *classroom.parent.rglob("*")):
            os.chown(path, 0, 0)
    refused = graded(classroom, *container)
    assert refused.returncode == 4
    assert "this machine lacks namespaces, uid: a submission could see and signal" in refused.stderr
    assert "--isolation basic grades without it" in refused.stderr
    assert reports(classroom) == {}
    done = graded(classroom, *container, layers="basic")
    assert done.returncode == 0, done.stderr
    spy = reports(classroom)["spy"]
    assert spy["isolation"] == ["landlock", "seccomp", "rlimits"]
    assert spy["score"] == 8
    assert "PermissionError" in tasks(spy)
    none = graded(classroom, *container, layers="none")
    assert none.returncode == 0, none.stderr
    assert reports(classroom)["spy"]["isolation"] == []
    assert "got 8, expected 6" in tasks(reports(classroom)["spy"])  # the secret has 8 letters


def test_doctor_says_what_is_lost(autograder: Command) -> None:
    """Each layer has a line, on or off."""
    printed = autograder("doctor").stdout
    for layer in machine.LAYERS:
        assert layer in printed
