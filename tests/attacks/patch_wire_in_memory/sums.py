# tries: to write into the constants of the wire in its own process by ctypes
# stopped by: wire limits, deadline
# seen: refused or timeout, ""
# others: passed refused blocked
# without: got in, "got bytes|got a bytes"

from honest import *


def double(x):
    from autograder.sandbox import wire

    wire.FRAME_LIMIT = wire.NODE_LIMIT = 2**40
    return bytes(2**26)
