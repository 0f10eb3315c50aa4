# tries: to crash the process by reading address 0
# stopped by: another process
# seen: crashed, "SIGSEGV"
# without: got in, "no verdicts"

import ctypes

from honest import *


def double(x):
    ctypes.string_at(0)
