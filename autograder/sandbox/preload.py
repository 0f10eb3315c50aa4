"""Import what is slow before the first fork, so that every forked process has it already."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Iterable


def load(imports: Iterable[str]) -> None:
    """Import modules; leave out those that aren't installed. torch gets one thread."""
    for name in imports:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        if name == "torch":
            module.set_num_threads(1)
            module.ones(2).add(1)  # torch examines the processor once, which isolation would stop


def freeze() -> None:
    """Keep the collector off shared memory; its first full run would copy every page."""
    gc.collect()
    gc.freeze()
