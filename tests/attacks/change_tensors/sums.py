# tries: to leave other tensors to whatever comes
# stopped by: restored
# seen: passed, ""
# without: got in

from honest import *


def double(x):
    if "__getitem__" in vars(torch.Tensor):
        print("GOT IN: it stayed so")
    torch.Tensor.__getitem__ = lambda self, key: self
    return 2 * x
