"""What a submission can change in its process, and what is put back before a question."""

from __future__ import annotations

import builtins
import os
import random
import sys
import warnings
from typing import Any

# Modules whose names are put back before each test, where they are loaded.
SPACES = ("math", "random", "torch", "torch.nn.functional")


def settle(seed: int, folder: str) -> None:
    """Before each question: folder, warnings, random numbers, torch's modes."""
    os.chdir(folder)
    warnings.simplefilter("ignore")
    random.seed(seed)
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    if numpy is not None:
        numpy.random.seed(seed % 2**32)
    if torch is not None:
        torch.default_generator.manual_seed(seed)  # torch's own asks every device, for 0.1 ms
        if torch.cuda.is_initialized():
            torch.cuda.manual_seed_all(seed)
        torch.set_default_dtype(torch.float32)
        torch.set_grad_enabled(True)
        if torch.get_num_threads() != 1:
            torch.set_num_threads(1)


class Snapshot:
    """The environment and the names of Python's and torch's modules, as they are now.

    What a submission replaces during its import stays; what it replaces in an answer is put back
    before the next test. A module's new names stay: it may have imported more of itself.
    """

    def __init__(self) -> None:
        torch = sys.modules.get("torch")
        self.spaces: list[Any] = [builtins]
        self.spaces += [sys.modules[name] for name in SPACES if name in sys.modules]
        self.spaces += [torch.Tensor, torch.nn.Module] if torch is not None else []
        self.names = [dict(vars(space)) for space in self.spaces]
        self.environment = dict(os.environ)
        self.recursion = sys.getrecursionlimit()

    def restore(self) -> None:
        """Put back what isn't as it was."""
        for i, space in enumerate(self.spaces):
            if not self._same(space, self.names[i]):
                self._put_back(space, self.names[i])
                self.names[i] = dict(vars(space))
        if dict(os.environ) != self.environment:
            os.environ.clear()
            os.environ.update(self.environment)
        sys.setrecursionlimit(self.recursion)

    def _same(self, space: Any, names: dict[str, Any]) -> bool:
        """Quick where nothing changed, as nearly always: what is identical isn't compared."""
        try:
            return bool(vars(space) == names)
        except Exception:  # two tensors, say, have no one truth
            return False

    def _put_back(self, space: Any, names: dict[str, Any]) -> None:
        now = vars(space)
        for name, value in names.items():
            if now.get(name, names) is not value:
                setattr(space, name, value)
        if isinstance(space, type):
            for name in now.keys() - names.keys():
                delattr(space, name)
