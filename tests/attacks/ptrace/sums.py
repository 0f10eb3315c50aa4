# tries: to attach to another process as a debugger
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: namespaces, "stopped: ProcessLookupError 3"

from honest import *
from places import GRADER
from tools import tried, syscall


def double(x):
    return tried(
        lambda: syscall("ptrace", 16, GRADER, 0, 0),
    )
