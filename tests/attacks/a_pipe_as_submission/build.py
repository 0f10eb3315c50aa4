# tries: to submit a pipe, which nobody ever writes to
# stopped by: intake
# seen: refused, "not a plain file"
# others: refused
# without: not tried: the read would never end, and nothing but the intake is there to end it

from __future__ import annotations

import os
from pathlib import Path


def build(entries: Path, honest: bytes, outside: Path) -> None:
    os.mkfifo(entries / "student.py")
