# tries: to announce a long name of two gigabytes, which tarfile reads at once
# stopped by: intake
# seen: refused, "too large|not a whole tar"
# others: refused
# without: not tried: a whole one would take two gigabytes of the runner's memory

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path


def build(entries: Path, honest: bytes, outside: Path) -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 2**31
    with gzip.open(entries / "student.tar.gz", "wb", 1) as file:
        file.write(info.tobuf())
        file.write(bytes(2**20))
