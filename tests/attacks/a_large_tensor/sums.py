# tries: to take a gigabyte in a tensor
# stopped by: rlimits
# seen: error or refused, "memory"
# without: got in

from honest import *


def double(x):
    return print("GOT IN", torch.empty(2**28).numel())
