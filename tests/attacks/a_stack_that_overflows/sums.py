# tries: to overflow the stack
# stopped by: another process
# seen: crashed or error, ""
# without: got in, "no verdicts"

import sys

from honest import *


def double(x):
    sys.setrecursionlimit(10**9)

    def down(x):
        return [*map(down, [x])]

    return down(x)
