# tries: to submit a source of two megabytes
# stopped by: intake
# seen: refused, "too large"
# others: refused
# without: got in, "passed"

from __future__ import annotations

from pathlib import Path


def build(entries: Path, honest: bytes, outside: Path) -> None:
    (entries / "student.py").write_bytes(honest + b"#" * 2**21)
