# tries: to unpack a device and a pipe, to be read for ever
# stopped by: intake
# seen: refused, "not a plain file"
# others: refused
# without: got in, "a pipe or device"

from __future__ import annotations

import io
import tarfile
from pathlib import Path


def build(entries: Path, honest: bytes, outside: Path) -> None:
    with tarfile.open(entries / "student.tar.gz", "w:gz") as archive:
        pipe = tarfile.TarInfo("pipe.py")
        pipe.type = tarfile.FIFOTYPE
        archive.addfile(pipe)
        info = tarfile.TarInfo("sums.py")
        info.size = len(honest)
        archive.addfile(info, io.BytesIO(honest))
