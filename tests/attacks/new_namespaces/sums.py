# tries: to become root in a user namespace of its own
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: got in

import os

from honest import *
from tools import tried, syscall


def double(x):
    return tried(
        lambda: syscall("unshare", 0x10000000),
        lambda: syscall("clone", 0x10000011, 0, 0, 0, 0) or os._exit(0),
        lambda: syscall("setns", 3, 0),
    )
