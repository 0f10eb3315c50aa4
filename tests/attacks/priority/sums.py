# tries: to slow the grader down by its priority
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: namespaces, "stopped: ProcessLookupError"
# without seccomp, namespaces: got in

from honest import *
from places import GRADER
from tools import tried, syscall


def double(x):
    return tried(
        lambda: syscall("setpriority", 0, GRADER, 19),
    )
