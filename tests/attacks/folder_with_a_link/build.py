# tries: to submit a link to the solution in a folder
# stopped by: intake
# seen: refused, "is a link"
# others: refused
# without: got in, "passed"

from __future__ import annotations

from pathlib import Path


def build(entries: Path, honest: bytes, outside: Path) -> None:
    (entries / "student").mkdir()
    (entries / "student" / "sums.py").symlink_to(outside / "solution.py")
