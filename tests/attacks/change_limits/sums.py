# tries: to make numbers, recursion and switches odd
# stopped by: another process
# seen: passed, ""
# others: passed error blocked
# without: got in

import sys

from honest import *


def double(x):
    sys.setrecursionlimit(60)
    sys.setswitchinterval(10)
    sys.set_int_max_str_digits(640)
    return 2 * x
