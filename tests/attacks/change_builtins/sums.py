# tries: to leave another sum to whatever comes
# stopped by: restored
# seen: passed, ""
# without: got in

import builtins

from honest import *

kept = sum


def double(x):
    if sum is not kept:
        print("GOT IN: it stayed so")
    builtins.sum = lambda *things: kept(*things)
    return 2 * x
