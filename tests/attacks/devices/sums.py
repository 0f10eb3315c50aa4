# tries: to read and make devices: the disk, the kernel's log, a node of its own
# stopped by: landlock
# seen: failed, "stopped: PermissionError"
# without: got in

import os

from honest import *
from tools import tried


def double(x):
    return tried(
        lambda: os.listdir("/dev"),
        lambda: open("/dev/urandom", "rb").read(1),
        lambda: open("/dev/full", "w"),
    )
