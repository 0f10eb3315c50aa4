# tries: to replace the encoder by bytes of its own
# stopped by: decoder
# seen: refused, "could not be read"
# others: refused crashed blocked
# without: got in, "could not be used|ended 2 times"

import autograder.wire

autograder.wire.encode = lambda value: b"6"

from honest import *


def double(x):
    return 0
