# tries: to take an open file from another process by its pidfd
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: namespaces, "stopped: ProcessLookupError 3"

import os

from honest import *
from places import GRADER
from tools import tried, syscall


def double(x):
    return tried(
        lambda: syscall("pidfd_open", GRADER, 0),
        lambda: syscall("pidfd_getfd", 3, 1, 0),
        lambda: syscall("kcmp", GRADER, os.getpid(), 0, 0, 0),
    )
