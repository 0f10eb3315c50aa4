# tries: to submit two files of one name: one to be looked at, one to be run
# stopped by: intake
# seen: refused, "twice"
# others: refused
# without: got in, "passed"

from __future__ import annotations

import zipfile
import warnings
from pathlib import Path


def build(entries: Path, honest: bytes, outside: Path) -> None:
    with zipfile.ZipFile(entries / "student.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sums.py", honest)
        with warnings.catch_warnings(action="ignore"):
            archive.writestr("sums.py", "def double(x): return 2 * x")
