# tries: to stop the intake by archives that are none
# stopped by: intake
# seen: refused, "not a whole"
# others: refused
# without: got in, "BadZipFile|BadGzipFile|EOFError|ReadError|Error"

from __future__ import annotations

import gzip
from pathlib import Path


def build(entries: Path, honest: bytes, outside: Path) -> None:
    (entries / "text.zip").write_bytes(honest)
    (entries / "half.tar.gz").write_bytes(gzip.compress(honest)[:-9])
    (entries / "empty.zip").write_bytes(b"")
