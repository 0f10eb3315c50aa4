# tries: to answer with a tensor whose parts aren't where one looks
# stopped by: plain data
# seen: refused, "may not cross"
# without: got in

from honest import *


def double(x):
    return torch.zeros(3).to_sparse()
