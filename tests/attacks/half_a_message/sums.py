# tries: to send half a message and wait
# stopped by: deadline
# seen: timeout, "deadline"
# others: passed refused blocked
# without: got in

import os
import time

from honest import *


def double(x):
    os.write(3, b"\x40\0\0\0ab")
    time.sleep(1)
    print("GOT IN: it waited")
    return 0
