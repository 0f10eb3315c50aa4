# tries: to unpack a few KiB to 300 MiB, by tar
# stopped by: intake
# seen: refused, "unpacks to more than"
# others: refused
# without: got in, "unpacked 300 MiB"

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path


def build(entries: Path, honest: bytes, outside: Path) -> None:
    info = tarfile.TarInfo("data.bin")
    info.size = 300 * 2**20
    with gzip.open(entries / "student.tar.gz", "wb", 1) as file:
        file.write(info.tobuf())
        for _ in range(300):
            file.write(bytes(2**20))
