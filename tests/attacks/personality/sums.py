# tries: to turn off the randomness of its addresses
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: got in

from honest import *
from tools import tried, syscall


def double(x):
    return tried(
        lambda: syscall("personality", 0x0040000),
    )
