# tries: to answer with a tensor of one element that says it has 2**40
# stopped by: wire limits
# seen: refused, "allowed"
# without: rlimits, "memory"

from honest import *


def double(x):
    return torch.zeros(1).expand(2**40)
