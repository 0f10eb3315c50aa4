# tries: to let the decoder compare keys of one hash for minutes
# stopped by: wire limits
# seen: refused, "same hash"
# without: got in, "got a dict"

from honest import *


def double(x):
    return {n * (2**61 - 1): None for n in range(1000)}
