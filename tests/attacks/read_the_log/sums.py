# tries: to read the kernel's log
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: namespaces, "stopped: PermissionError 1\b"

import ctypes

from honest import *
from tools import tried, syscall


def double(x):
    return tried(
        lambda: syscall("syslog", 3, ctypes.create_string_buffer(64), 64),
    )
