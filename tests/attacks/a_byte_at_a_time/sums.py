# tries: to send a message a byte at a time, always within the time for one read
# stopped by: deadline
# seen: timeout, "deadline"
# others: passed refused blocked
# without: got in

import os
import time

from honest import *


def double(x):
    for byte in b"\x40\0\0\0" + b"l" * 20:
        os.write(3, bytes([byte]))
        time.sleep(0.05)
    print("GOT IN: it waited")
    return 0
