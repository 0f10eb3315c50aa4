# tries: to unpack a few KiB to 300 MiB
# stopped by: intake
# seen: refused, "unpacks to more than"
# others: refused
# without: got in, "unpacked 300 MiB"

from __future__ import annotations

import zipfile
from pathlib import Path


def build(entries: Path, honest: bytes, outside: Path) -> None:
    with zipfile.ZipFile(entries / "student.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sums.py", honest)
        with archive.open("data.bin", "w") as file:
            for _ in range(300):
                file.write(bytes(2**20))
