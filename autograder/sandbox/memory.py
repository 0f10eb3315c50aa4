"""How much memory a process takes together with the processes that it started; Linux only."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path


def children(pid: int) -> list[int]:
    """The living processes that a process started."""
    found: list[int] = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # it has ended
            found += map(int, file.read_text().split())
    return found


def descendants(pid: int) -> list[int]:
    """Its children and theirs, all the way down."""
    return [below for child in children(pid) for below in (child, *descendants(child))]


def tree_bytes(pid: int) -> int:
    """Private bytes of a process and its descendants; 0 if it has none.

    The kernel caps a single process. Pages that a fork shares with its parent count once where
    /proc shows them (to root); elsewhere the memory of the process's own parent is subtracted.
    """
    below = descendants(pid)
    if not below:
        return 0
    tree = [pid, *below]
    try:
        return 1024 * sum(_field(process, "smaps_rollup", "Pss_Anon") for process in tree)
    except PermissionError:
        common = _field(_field(pid, "status", "PPid"), "status", "RssAnon")
        own = (_field(process, "status", "RssAnon") - common for process in tree)
        return 1024 * sum(max(0, kib) for kib in own)


def _field(pid: int, file: str, name: str) -> int:
    """A number of a process's, memory in KiB; 0 if it has ended. Raises PermissionError."""
    try:
        text = Path(f"/proc/{pid}/{file}").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = re.search(rf"^{name}:\s+(\d+)", text, re.M)
    return int(found[1]) if found else 0
