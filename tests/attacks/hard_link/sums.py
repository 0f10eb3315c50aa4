# tries: to give a file that it may read a second name in its own folder
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: landlock, "stopped: (PermissionError 13|OSError 18)"

from honest import *
from places import PLANTED
from tools import tried, syscall


def double(x):
    return tried(
        lambda: syscall("linkat", -100, PLANTED.encode(), -100, b"mine", 0),
    )
