# tries: to lock memory, so that nobody else has it
# stopped by: seccomp
# seen: failed, "stopped"
# without: rlimits, "stopped: ZeroDivisionError"
# without seccomp, rlimits: got in

import ctypes

from honest import *
from tools import tried


def double(x):
    page = ctypes.create_string_buffer(2**16)
    mlock = ctypes.CDLL(None).mlock
    return tried(lambda: 1 // (mlock(page, ctypes.c_size_t(2**16)) == 0))
