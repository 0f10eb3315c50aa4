# tries: to replace the encoder by bytes of its own
# stopped by: decoder
# seen: refused, "can't be read"
# others: refused crashed blocked
# without: got in, "could not use|ended 2 times"

import autograder.sandbox.wire

autograder.sandbox.wire.encode = lambda value: b"6"

from honest import *


def double(x):
    return 0
