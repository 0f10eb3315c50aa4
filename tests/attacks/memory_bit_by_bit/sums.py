# tries: to take a gigabyte of memory bit by bit
# stopped by: rlimits
# seen: error or refused or timeout, "memory|deadline"
# without: got in

from honest import *


def double(x):
    kept = [bytes(2**22) for _ in range(256)]
    print("GOT IN", len(kept))
    return 0
