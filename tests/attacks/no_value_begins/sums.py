# tries: to send a frame with a tag that is none
# stopped by: decoder
# seen: refused, "no value begins"
# others: passed refused blocked
# without: got in, "could not be used|ended 2 times"

import os

from honest import *


def double(x):
    os.write(3, b"\1\0\0\0?")
    return 0
