# tries: to open a POSIX message queue, a name that all processes share
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: landlock, "stopped: PermissionError 13"
# without seccomp, landlock: got in

from honest import *
from places import MARK
from tools import tried, syscall


def double(x):
    return tried(
        lambda: syscall("mq_open", MARK.encode(), 0o102, 0o600, 0),
    )
