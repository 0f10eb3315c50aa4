# tries: to reach parts of the kernel where holes are often found
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: got in

from honest import *
from tools import tried, syscall


def double(x):
    return tried(
        lambda: syscall("bpf", 0, bytes(128), 128),
        lambda: syscall("perf_event_open", bytes(128), 0, -1, -1, 0),
        lambda: syscall("userfaultfd", 1),
        lambda: syscall("keyctl", 0, -3, 1),
        lambda: syscall("add_key", b"user", b"x", b"y", 1, -2),
    )
