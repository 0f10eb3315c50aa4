# tries: to type into the grader's terminal (TIOCSTI)
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: not tried: its output is a pipe, and nobody's terminal is there to type into

import fcntl

from honest import *
from tools import tried


def double(x):
    return tried(
        lambda: fcntl.ioctl(1, 0x5412, b"x"),
    )
