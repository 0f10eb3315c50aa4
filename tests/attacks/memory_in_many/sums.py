# tries: to take in many processes what one may not
# stopped by: tree
# seen: refused, "the submission took more than 512 MiB, with the processes that it started"
# limits: call = 8.0
# without: got in

import os
import time

from honest import *


def double(x):
    for _ in range(5):
        if os.fork() == 0:
            kept = bytearray(150 * 2**20)
            while kept:
                time.sleep(1)
    time.sleep(4)
    print("GOT IN: they have it")
    return 0
