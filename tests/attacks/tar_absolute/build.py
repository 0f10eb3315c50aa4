# tries: to unpack a file at an absolute path, by tar
# stopped by: intake
# seen: refused, "would lie outside"
# others: refused
# without: landlock, "PermissionError"
# without intake, landlock: got in, "a file outside"

from __future__ import annotations

import io
import tarfile
from pathlib import Path


def build(entries: Path, honest: bytes, outside: Path) -> None:
    with tarfile.open(entries / "student.tar.gz", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo(f"{outside}/outside.py"))
        info = tarfile.TarInfo("sums.py")
        info.size = len(honest)
        archive.addfile(info, io.BytesIO(honest))
