# tries: to announce a small file and unpack a large one
# stopped by: intake
# seen: refused, "Bad CRC|larger than it says|not a whole zip"
# others: refused
# without: not tried: Python's own zipfile notices it too, and nothing here reads a zip without it

from __future__ import annotations

import io
import zipfile
import struct
from pathlib import Path


def build(entries: Path, honest: bytes, outside: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sums.py", honest + b"#" * 8 * 2**20)
    whole, size = data.getvalue(), struct.pack("<I", len(honest) + 8 * 2**20)
    (entries / "student.zip").write_bytes(whole.replace(size, struct.pack("<I", 2000)))
