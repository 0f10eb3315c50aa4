# tries: to run a program that lies in memory only
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: got in

from honest import *
from tools import tried, syscall


def double(x):
    return tried(
        lambda: syscall("memfd_create", b"x", 0),
        lambda: syscall("execveat", 0, b"/bin/true", 0, 0, 0),
    )
