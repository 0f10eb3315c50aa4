# tries: to open a secret file to all by chmod
# stopped by: seccomp
# seen: failed, "stopped: PermissionError 1\b"
# without: got in

import os

from honest import *
from places import PLANTED
from tools import tried, syscall


def double(x):
    return tried(
        lambda: os.chmod(PLANTED, 0o777),
        lambda: syscall("fchmodat", -100, PLANTED.encode(), 0o777),
    )
