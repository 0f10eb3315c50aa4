# tries: to submit a hundred thousand empty files
# stopped by: intake
# seen: refused, "more than 2000 files"
# others: refused
# without: got in, "100000 entries"

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path


def build(entries: Path, honest: bytes, outside: Path) -> None:
    with gzip.open(entries / "student.tar.gz", "wb", 1) as file:
        for _ in range(100):
            file.write(tarfile.TarInfo("empty.txt").tobuf() * 1000)
