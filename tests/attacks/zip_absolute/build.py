# tries: to unpack a file at an absolute path
# stopped by: intake
# seen: refused, "would lie outside"
# others: refused
# without: landlock, "PermissionError"
# without intake, landlock: got in, "a file outside"

from __future__ import annotations

import zipfile
from pathlib import Path


def build(entries: Path, honest: bytes, outside: Path) -> None:
    with zipfile.ZipFile(entries / "student.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sums.py", honest)
        archive.writestr(f"{outside}/outside.py", "GOT = 1")
