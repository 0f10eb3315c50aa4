# tries: to call the forbidden method of the class
# stopped by: gate
# seen: refused, "may not be called"
# task: row_sums
# without: search, "may not be called"
# without gate, search: got in, "(?m)^passed$"

from honest import *


def row_sums(x):
    return torch.Tensor.sum(x, 1)
