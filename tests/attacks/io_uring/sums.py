# tries: to open files and sockets by io_uring, which no filter sees
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: rlimits, "stopped: OSError 12"
# without seccomp, rlimits: got in

import ctypes

from honest import *
from tools import tried, syscall


def double(x):
    return tried(
        lambda: syscall("io_uring_setup", 8, ctypes.create_string_buffer(120)),
    )
