# tries: to unpack a file above the folder that it is unpacked in
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
        archive.writestr("../outside.py", "GOT = 1")
