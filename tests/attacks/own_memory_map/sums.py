# tries: to read and write its own memory through /proc
# stopped by: landlock
# seen: failed, "stopped: PermissionError 13"
# without: got in

import os

from honest import *
from tools import tried


def double(x):
    return tried(
        lambda: open("/proc/self/maps").read(99),
        lambda: open("/proc/self/mem", "rb").read(0),
        lambda: os.listdir("/proc/self/fd"),
    )
