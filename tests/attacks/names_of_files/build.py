# tries: to bring files whose names act where a report says them
# stopped by: intake
# seen: missing, "there is no sums.py"
# others: missing
# without: renderers, "missing"
# without intake, renderers: got in, "acts in"

from __future__ import annotations

from pathlib import Path


NAMES = ("=cmd|' !A0", "<img src=x onerror=alert(1)>", "\x1b[31mred", "\u202eleft", "two\nlines")


def build(entries: Path, honest: bytes, outside: Path) -> None:
    for number, name in enumerate(NAMES):
        (entries / f"{number}").mkdir()
        (entries / f"{number}" / f"{name}.py").write_bytes(honest)
