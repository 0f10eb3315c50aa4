# tries: to make a device node or a pipe with a name
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: got in

from honest import *
from tools import tried, syscall


def double(x):
    return tried(
        lambda: syscall("mknodat", -100, b"null", 0o020666, 0x103),
        lambda: syscall("mknodat", -100, b"pipe", 0o010666, 0),
    )
