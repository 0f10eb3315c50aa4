# tries: to unpack a symbolic link and a hard link to the solution
# stopped by: intake
# seen: refused, "is a link"
# others: refused
# without: got in, "a link outside"

from __future__ import annotations

import io
import tarfile
from pathlib import Path


def build(entries: Path, honest: bytes, outside: Path) -> None:
    with tarfile.open(entries / "student.tar.gz", "w:gz") as archive:
        link = tarfile.TarInfo("lib.py")
        link.type, link.linkname = tarfile.SYMTYPE, str(outside / "solution.py")
        archive.addfile(link)
        hard = tarfile.TarInfo("hard.py")
        hard.type, hard.linkname = tarfile.LNKTYPE, str(outside / "solution.py")
        archive.addfile(hard)
        info = tarfile.TarInfo("sums.py")
        info.size = len(honest)
        archive.addfile(info, io.BytesIO(honest))
