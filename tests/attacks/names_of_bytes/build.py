# tries: to be called something that isn't text
# stopped by: intake
# seen: passed, ""
# without: not tried: no report can be written under such a name, and the runner itself would stop

from __future__ import annotations

import os
from pathlib import Path


def build(entries: Path, honest: bytes, outside: Path) -> None:
    folder = os.path.join(os.fsencode(entries), b"\xff\xfe")
    os.mkdir(folder)
    Path(os.fsdecode(folder), "sums.py").write_bytes(honest)
