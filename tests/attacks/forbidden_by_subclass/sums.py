# tries: to call the forbidden method on a subclass
# stopped by: gate
# seen: refused, "may not be called"
# task: row_sums
# without: got in, "(?m)^passed$"

from honest import *


def row_sums(x):
    return x.as_subclass(type("T", (torch.Tensor,), {})).sum(1)
