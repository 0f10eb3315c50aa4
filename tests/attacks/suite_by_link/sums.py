# tries: to open the suite through a symbolic link of one's own
# stopped by: landlock
# seen: failed, "stopped: PermissionError 1\b"
# without: seccomp, "stopped: PermissionError 1\b"
# without landlock, seccomp: got in

import os

from honest import *
from places import SUITE
from tools import tried


def double(x):
    return tried(
        lambda: os.symlink(f"{SUITE}/test_hidden.py", "l") or open("l").read(),
    )
