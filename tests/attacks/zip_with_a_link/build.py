# tries: to unpack a symbolic link from a zip
# stopped by: intake
# seen: refused, "is a link"
# others: refused
# without: got in, "a link outside"

from __future__ import annotations

import zipfile
from pathlib import Path


def build(entries: Path, honest: bytes, outside: Path) -> None:
    with zipfile.ZipFile(entries / "student.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sums.py", honest)
        link = zipfile.ZipInfo("lib.py")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, str(outside / "solution.py"))
