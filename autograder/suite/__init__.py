"""The suite room: the words that a test is written with, and how tests run.

A suite imports its words from here: `task`, `each`, `close`, `close_to_one`, `within`, and rarely
`Random` (the class of `rng`) and `Mismatch` (what `close` raises). For rooms below:
`collect` (pytest collects a lecture's tests), `run` (run them against a submission), `reference`
(the solution in this process), `stub` (solution regions of a source).

Runs in: the suite process; `stub` also in the command. It imports only `sandbox`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograder.suite.compare import Mismatch, close, close_to_one, within
    from autograder.suite.rng import Random
    from autograder.suite.words import each, task

__all__ = ["Mismatch", "Random", "close", "close_to_one", "each", "task", "within"]
_HOMES = {"task": "words", "each": "words", "Random": "rng"}


def __getattr__(name: str) -> Any:
    """Import a word when a suite asks for it: `stub` must not import torch."""
    if name not in __all__:
        raise AttributeError(name)
    from importlib import import_module

    return getattr(import_module(f"autograder.suite.{_HOMES.get(name, 'compare')}"), name)
