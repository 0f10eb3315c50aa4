"""What a submission changes in an answer reaches neither the next test nor another submission."""

from __future__ import annotations

import pytest
from conftest import Grade, outcomes

HARM = {
    "the default dtype": "torch.set_default_dtype(torch.float64)",
    "gradients": "torch.set_grad_enabled(False)",
    "threads": "torch.set_num_threads(4)",
    "chance": "torch.manual_seed(0)",
    "warnings": "import warnings; warnings.simplefilter('error')",
    "the environment": "import os; os.environ.clear(); os.environ['HOME'] = '/'",
    "the folder": "import os; os.makedirs('d', exist_ok=True); os.chdir('d')",
    "torch": "torch.einsum = lambda *a: torch.zeros(99)",
    "a method of tensors": "torch.Tensor.__getitem__ = lambda self, key: self",
    "a function of torch.nn": "torch.nn.functional.softmax = None",
    "builtins": "import builtins; builtins.sum = lambda xs: 13",
    "recursion": "import sys; sys.setrecursionlimit(80)",
}
CAUGHT = {  # changes that fail the test which makes them
    "the default dtype": "double changed torch's default dtype",
    "gradients": "double turned gradients off",
}
# The submission itself checks that its process is as it was.
WATCH = """
import os, sys, warnings, torch
def as_it_was():
    here = (torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_num_threads())
    assert here == (torch.float32, True, 1), here
    assert os.environ["HOME"] == os.getcwd() and "PATH" in os.environ, os.environ
    assert torch.nn.functional.softmax is not None and sum([1]) == 1
    assert sys.getrecursionlimit() > 500
    warnings.warn("no warning is an error")
    return True

"""


@pytest.mark.parametrize("what", HARM)
def test_the_next_test_finds_all_as_it_was(grade: Grade, reference: str, what: str) -> None:
    """`double` is asked first and does harm; the other tasks pass if nothing of it is left."""
    bad = reference.replace("return 2 * x", f"{HARM[what]}\n    return 2 * x")
    for line in ('return torch.einsum("nm->n", x)', "return sum(xs)", "return sum(self.seen)"):
        bad = bad.replace(line, f"as_it_was()\n    {'    ' * ('self' in line)}{line}")
    reports = grade({"bad": WATCH + bad, "next": WATCH + reference})
    found = {name: outcomes(report) for name, report in reports.items()}
    details = {test.detail for report in reports.values() for t in report.tasks for test in t.tests}
    double = found["bad"].pop("double")
    assert set(found["bad"].values()) | set(found["next"].values()) == {"passed"}, details
    assert double == ("failed" if what in CAUGHT else "passed"), details
    assert any(CAUGHT.get(what, "") in detail for detail in details)


def test_a_patch_at_import_stays_with_its_submission(grade: Grade, reference: str) -> None:
    """It lasts, and no other submission meets it."""
    patch = "import torch\ntorch.einsum = lambda *a: torch.zeros(2)\n"
    reports = grade({"patched": patch + reference, "next": reference})
    assert outcomes(reports["patched"])["row_sums"] == "failed"
    assert set(outcomes(reports["next"]).values()) == {"passed"}
