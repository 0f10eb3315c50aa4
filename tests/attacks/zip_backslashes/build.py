# tries: to climb by backslashes and drives, which another system takes for separators
# stopped by: intake
# seen: refused, "would lie outside"
# others: refused
# without: landlock, "PermissionError"

from __future__ import annotations

import zipfile
from pathlib import Path


def build(entries: Path, honest: bytes, outside: Path) -> None:
    with zipfile.ZipFile(entries / "student.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sums.py", honest)
        archive.writestr("..\\outside.py", "GOT = 1")
        archive.writestr("C:outside.py", "GOT = 1")
