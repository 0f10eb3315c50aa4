"""What both suites expect: PyTorch's answers in float64, on the CPU.

Single numbers are Python floats, whatever the device: so are these.
"""

from types import SimpleNamespace

import torch
from probes import gradients

from autograder.suite import within

CPU64 = {"dtype": torch.float64, "device": "cpu"}
# For probes that build their graph with nothing but `m.Value` and what a tensor can do, too.
ORACLE = SimpleNamespace(Value=lambda x: torch.tensor(float(x), **CPU64, requires_grad=True))
SHARP = within(1e-9, 1e-9, "a few operations on float64 numbers")
MEASURED = within(1e-6, 1e-6, "a measured slope is no better than its step")


def plain(tree):
    """PyTorch's answers as Python floats."""
    return [plain(part) for part in tree] if isinstance(tree, (list, tuple)) else float(tree)


def torch_gradients(which, numbers):
    """An expression's number, then the gradient of each of its leaves."""
    return plain(gradients(ORACLE, which, numbers))
