# tries: to answer with a tensor that has no data
# stopped by: plain data
# seen: refused, "may not cross"
# without: got in

from honest import *


def double(x):
    return torch.zeros(3, device="meta")
