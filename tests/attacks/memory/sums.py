# tries: to take a gigabyte of memory at once
# stopped by: rlimits
# seen: error or refused, "memory"
# without: got in

from honest import *


def double(x):
    return print("GOT IN", len(bytes(2**30)))
