# tries: to submit a link to a neighbour's folder
# stopped by: intake
# seen: refused, "is a link"
# others: refused
# without: got in, "passed"

from __future__ import annotations

from pathlib import Path


def build(entries: Path, honest: bytes, outside: Path) -> None:
    (entries / "student").symlink_to(outside / "neighbour", target_is_directory=True)
