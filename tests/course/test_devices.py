"""Every suite, and every reference, keeps its tensors on the device that it was given."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
import torch
from conftest import ROOT
from fake_cuda import Mixed, Pretend

from autograder.course import Lecture, load_course

COURSE = load_course(ROOT)
T = torch.tensor


def test_the_stand_in_sees_what_a_gpu_would() -> None:
    """Where torch would refuse, it refuses; where torch would go on, it goes on."""
    with Pretend():
        there = torch.ones(3, 2, device="cuda")
        assert there.device.type == "cuda"
        assert (there @ there.T).sum(0).exp().device == torch.device("cuda")
        assert torch.zeros_like(there).device.type == there.new_zeros(3).device.type == "cuda"
        assert there.cpu().device.type == there.to("cpu").device.type == "cpu"
        assert torch.zeros(3).to(there).device.type == torch.zeros(3).to("cuda").device.type
        assert (there * T(2.0) + 1 > T(1.0)).all().item()
        assert there[T([0, 1])].device.type == "cuda"
        parameter = torch.nn.Parameter(there)
        (parameter * 2).sum().backward()  # type: ignore[no-untyped-call]
        assert parameter.grad is not None
        assert parameter.grad.device.type == "cuda"
        layer = torch.nn.Linear(2, 4)
        assert layer.to("cuda")(there).device.type == "cuda"
        for wrong in (
            lambda: there + torch.ones(3, 2),
            lambda: torch.cat([there, torch.ones(1, 2)]),
            lambda: torch.ones(3)[T([0], device="cuda")],
            lambda: torch.nn.Linear(2, 4)(there),
            lambda: torch.randn(3, device="cuda", generator=torch.Generator()),
            lambda: there.numpy(),
            lambda: there.__setitem__(0, torch.ones(2)),
        ):
            with pytest.raises(Mixed):
                wrong()
    assert there.device.type == "cpu"


@pytest.mark.parametrize("lecture", COURSE.lectures, ids=lambda lecture: lecture.id)
def test_no_tensor_is_made_on_the_wrong_device(lecture: Lecture) -> None:
    """Visible and hidden tests with the reference, as if on a GPU."""
    program = ROOT / "tests" / "course" / "fake_cuda.py"  # in a process of its own
    command = [sys.executable, str(program), lecture.id]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert re.fullmatch(r"[1-9]\d* tests, 0 fail\n", done.stdout), done.stdout + done.stderr
