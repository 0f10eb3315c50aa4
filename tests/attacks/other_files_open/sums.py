# tries: to use a file that its parent had open
# stopped by: fresh worker
# seen: failed, "looked"
# without: not tried: a process closes them as it is forked, and no layer keeps them open

import os

from honest import *


def double(x):
    for fd in range(4, 64):
        try:
            os.fstat(fd)
        except OSError:
            continue
        print("GOT IN:", fd)
    print("looked")
    return 0
