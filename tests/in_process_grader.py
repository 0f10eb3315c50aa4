"""Grade as other graders do: the tests import the submission, and pytest runs in one process.

`python tests/in_process_grader.py FOLDER…` runs `test_in_process.py` in each folder, in a fork of
this process, and writes the output to the folder's `output` and the exit code to `code`. Only
attacks that harm no more than their own process come here.
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

SECONDS = 20  # for one folder; a submission that takes longer has stopped its grader
SUITE = '''"""A suite as most are written. {canary}: who reads this has read a hidden test."""

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
        output = os.open(folder / "output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.chdir(folder)
        os.setsid()
        sys.path.insert(0, str(folder))
        sys.dont_write_bytecode = True
        arguments = ["-v", "-s", "--tb=line", "-p", "no:cacheprovider", "-c", os.devnull]
        code = pytest.main([*arguments, "--rootdir", str(folder), "test_in_process.py"])
        sys.exit(int(code))  # as the command `pytest` would
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
        pytest.main(["--version", "--version"])  # imports pytest's plugins once, before the forks
    gc.collect()
    gc.freeze()
    for path in map(Path, sys.argv[1:]):
        (path / "code").write_text(str(os.waitstatus_to_exitcode(run(path))))
