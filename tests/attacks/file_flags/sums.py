# tries: to change a file's flags by ioctl, which needs no right to write
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: got in

import fcntl

from honest import *
from tools import tried


def double(x):
    return tried(
        lambda: fcntl.ioctl(open(torch.__file__), 0x80086601, bytes(8)),
    )
