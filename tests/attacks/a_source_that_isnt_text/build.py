# tries: to submit sources with NUL bytes and bytes that are no text
# stopped by: intake
# seen: refused, "NUL byte|not UTF-8"
# others: refused
# without: got in, "broken"

from __future__ import annotations

from pathlib import Path


def build(entries: Path, honest: bytes, outside: Path) -> None:
    for name, data in (("nul", honest + b"\0"), ("latin", honest + b"# \xe9")):
        (entries / name).mkdir()
        (entries / name / "sums.py").write_bytes(data)
