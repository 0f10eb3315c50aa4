"""How much memory a process takes together with what it started; Linux only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path


def started(pid: int) -> int:
    """Bytes that a process and its descendants took for themselves; 0 if it has none.

    A process alone is capped by the kernel. Pages that a fork shares with its parent count
    once where /proc tells (it does to root), else what the process's own parent has is left out.
    """
    tree = list(_tree(pid))
    if len(tree) < 2:
        return 0
    shares = [_share(process) for process in tree]
    if None not in shares:
        return sum(share for share in shares if share is not None)
    common = _field(_field(pid, "status", "PPid"), "status", "RssAnon") * 1024
    return sum(max(0, _field(process, "status", "RssAnon") * 1024 - common) for process in tree)


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:  # it ended meanwhile
            continue
        for child in children:
            yield from _tree(int(child))


def _share(pid: int) -> int | None:
    """Its proportional share of anonymous memory; None where we may not know."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except PermissionError:
        return None
    except OSError:
        return 0
    found = re.search(r"Pss_Anon:\s+(\d+)", text)
    return int(found[1]) * 1024 if found else None


def _field(pid: int, file: str, name: str) -> int:
    try:
        text = Path(f"/proc/{pid}/{file}").read_text()
    except OSError:
        return 0
    found = re.search(rf"^{name}:\s+(\d+)", text, re.M)
    return int(found[1]) if found else 0
