"""The search of a submission's sources for the calls that a task forbids."""

from __future__ import annotations

import re
import textwrap

import pytest
from conftest import Grade, outcomes

from autograder.sandbox.inside import search
from autograder.sandbox.messages import Rules

FORBIDDEN = ("torch.sum", "torch.linalg", "torch.nn.Linear.__init__", "sorted")
TASKS = [Rules("f", "a.py", ("f",), FORBIDDEN), Rules("g", "a.py", ("g",), ())]


def found_in(text: str) -> dict[str, str]:
    return search.forbidden_calls(textwrap.dedent(text).encode(), TASKS)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import torch\ndef f(x): return torch.sum(x)", "torch.sum may not be called"),
        ("import torch as t\ndef f(x): return t.sum(x)", "torch.sum"),
        ("from torch import sum as add\ndef f(x): return add(x)", "torch.sum"),
        ("import torch\nadd = torch.sum\ndef f(x): return add(x)", "torch.sum"),
        ("def f(x):\n    import torch\n    return torch.sum(x)", r"\(line 3\)"),
        ("import torch\ndef h(x): return torch.sum(x)\ndef f(x): return h(x)", r"\(line 2\)"),
        ("from torch.linalg import norm\ndef f(x): return norm(x)", "torch.linalg.norm"),
        ("import torch.nn as nn\ndef f(x): return nn.Linear(2, 3)(x)", "torch.nn.Linear"),
        ("import torch\ndef f(x): return torch.ops.aten.sum(x)", "gets past"),
        ("from torch import _C\ndef f(x): return _C._VariableFunctions.sum(x)", "gets past"),
        ("from others import *\ndef f(x): return torch.sum(x)", "torch.sum"),
        ("def f(x): return sorted(x)", "sorted may not be called"),
        ("import torch\ndef f(x):\n    if x is None: return torch.sum(x)", "torch.sum"),
    ],
)
def test_a_forbidden_call_is_found(text: str, says: str) -> None:
    """By any import, in a branch that no test takes, in a function that is called."""
    found = found_in(text)
    assert list(found) == ["f"]
    assert re.search(says, found["f"])


@pytest.mark.parametrize(
    "text",
    [
        'import torch\ndef f(x):\n    """torch.sum(x) in other words."""  # torch.sum(x)',
        "import torch\ndef g(x): return torch.sum(x)\ndef f(x): return g(x)",  # another task's
        "import torch\ndef other(x): return torch.sum(x)\ndef f(x): return x",
        "def f(x): return x.sum()",  # only the gate sees whose method it is
        "class sum: pass\ndef f(x): return sum()",
        "def sorted(x): return x\ndef f(x): return sorted(x)",
        "def f(x, sorted): return sorted(x)",
        "import torch\ndef f(x): return isinstance(x, torch.nn.Linear)",
        "def f(x:",
        "x = " + "(" * 5000,
    ],
)
def test_nothing_else_is_found(text: str) -> None:
    """Words, another task's functions, an equal name of the file's own, sources with errors."""
    assert found_in(text) == {}


def test_the_sentence_reaches_the_report(grade: Grade, reference: str) -> None:
    """All tests of that task, and of no other, have it, with the submission's line."""
    around = reference.replace('torch.einsum("nm->n", x)', "torch.ops.aten.sum(x, [1])")
    report = grade({"around": around})["around"]
    found = outcomes(report)
    assert found.pop("row_sums") == "refused"
    assert set(found.values()) == {"passed"}
    assert report.score == 7
    line = around.split("torch.ops.aten")[0].count("\n") + 1
    details = {test.detail for test in report.tasks[1].tests}
    assert details == {f"torch.ops.aten.sum (line {line}) gets past what this task forbids"}
