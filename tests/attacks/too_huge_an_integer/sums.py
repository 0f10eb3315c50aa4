# tries: to answer with an integer that takes minutes to print
# stopped by: wire limits
# seen: refused, "an integer of more than"
# without: got in, "got an integer"

from honest import *


def double(x):
    return 1 << 40_000_000
