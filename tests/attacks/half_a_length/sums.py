# tries: to send half of a message's length and wait
# stopped by: deadline
# seen: timeout, ""
# others: passed refused blocked
# without: got in

import os
import time

from honest import *


def double(x):
    os.write(3, b"\x40")
    time.sleep(1)
    print("GOT IN: it waited")
    return 0
