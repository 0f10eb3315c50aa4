# tries: to let any process trace it (PR_SET_PTRACER) or dump it
# stopped by: seccomp
# seen: failed, "stopped: ZeroDivisionError"
# without: got in

import ctypes

from honest import *
from tools import tried


def double(x):
    prctl = ctypes.CDLL(None).prctl
    return tried(lambda: 1 // (prctl(4, 1, 0, 0, 0) == 0))
