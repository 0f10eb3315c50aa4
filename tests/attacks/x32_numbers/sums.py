# tries: to call the kernel by the numbers of x32, which many filters forget
# stopped by: seccomp
# seen: crashed or failed, ""
# without: not tried: this kernel may have no such numbers; the filter kills whoever uses them

import ctypes

from honest import *
from tools import syscall


def double(x):
    libc = ctypes.CDLL(None, use_errno=True)
    got = libc.syscall(0x40000000 + 39)
    print("GOT IN" if got > 0 else "stopped: no such call")
    return 0
