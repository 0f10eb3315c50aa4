"""What other graders do: the tests import the submission, and pytest judges in one process.

`python tests/beside.py FOLDER…` runs `test_beside.py` in each folder, in a fork of this process;
what came of it stands in the folder's `said` and `code`. The attacks that come here are those
that harm nothing but the process that they are in.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import select
import signal
import sys
from pathlib import Path

import pytest
import torch

SECONDS = 20  # for one folder; whoever needs more has stopped its grader
SUITE = '''"""A suite as most are written. {canary}: what is read here is a hidden test."""

import torch
import sums

NOTE = "{canary} in a hidden test"


def test_three():
    assert sums.double(3) == 6


def test_negative():
    answer = sums.double(-4.0)
    assert torch.allclose(torch.as_tensor(answer, dtype=torch.float32), torch.tensor(-8.0))


def test_rows():
    x = torch.randn(5, 7)
    torch.testing.assert_close(sums.row_sums(x), x.sum(1))


def test_extra():
    assert sums.extra([1, 2, 3]) == 6
'''


def run(folder: Path) -> int:
    """The wait status of a process that tests one submission."""
    pid = os.fork()
    if pid == 0:
        said = os.open(folder / "said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(said, 1)
        os.dup2(said, 2)
        os.chdir(folder)
        os.setsid()
        sys.path.insert(0, str(folder))
        sys.dont_write_bytecode = True
        arguments = ["-v", "-s", "--tb=line", "-p", "no:cacheprovider", "-c", os.devnull]
        code = pytest.main([*arguments, "--rootdir", str(folder), "test_beside.py"])
        sys.exit(int(code))  # as a command of its own would end
    fd = os.pidfd_open(pid)
    if not select.select([fd], [], [], SECONDS)[0]:
        os.kill(pid, signal.SIGKILL)
    os.close(fd)
    return os.waitpid(pid, 0)[1]


if __name__ == "__main__":
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    torch.set_num_threads(1)
    torch.testing.assert_close(torch.ones(2), torch.ones(2))
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main(["--version", "--version"])  # its plugins are imported once, before the forks
    gc.collect()
    gc.freeze()
    for path in map(Path, sys.argv[1:]):
        (path / "code").write_text(str(os.waitstatus_to_exitcode(run(path))))
