# tries: to lock memory, so that nobody else has it
# stopped by: seccomp
# seen: failed, "stopped"
# without: got in

import ctypes

from honest import *
from tools import tried


def double(x):
    return tried(
        lambda: 1 // (ctypes.CDLL(None).mlockall(3) == 0),
    )
