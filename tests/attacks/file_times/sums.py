# tries: to touch the suite, so that it looks newer or older than it is
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: got in

import os

from honest import *
from places import SUITE
from tools import tried


def double(x):
    return tried(
        lambda: os.utime(f"{SUITE}/sums.py", (1, 1)),
    )
