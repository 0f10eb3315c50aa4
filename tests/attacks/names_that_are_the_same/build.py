# tries: to be taken for a neighbour by a name that becomes the same
# stopped by: intake
# seen: passed, ""
# without: not tried: where nothing makes names safe they differ by themselves

from __future__ import annotations

from pathlib import Path


def build(entries: Path, honest: bytes, outside: Path) -> None:
    for name in ("a?b", "a*b", "a_b", "a:b"):
        (entries / name).mkdir()
        (entries / name / "sums.py").write_bytes(honest)
    (entries / "a_b.py").write_bytes(honest)
