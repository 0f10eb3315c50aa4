# tries: to crash the process at import
# stopped by: another process
# seen: crashed, "SIGSEGV"
# others: crashed
# without: got in, "no verdicts"

import ctypes

ctypes.string_at(0)

from honest import *


def double(x):
    return 0
