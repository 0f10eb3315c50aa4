# tries: to become another user
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: namespaces, "stopped: PermissionError 1\b"

from honest import *
from tools import tried, syscall


def double(x):
    return tried(
        lambda: syscall("setuid", 0),
        lambda: syscall("sethostname", b"mine", 4),
    )
