# tries: to live on when its parent is gone, by taking back the signal of that
# stopped by: seccomp
# seen: failed, "stopped: ZeroDivisionError"
# without: got in

import ctypes

from honest import *
from tools import tried


def double(x):
    return tried(
        lambda: 1 // (ctypes.CDLL(None).prctl(1, 0, 0, 0, 0) == 0),
    )
