# tries: to call what is forbidden while it is imported, before the gate is shut
# stopped by: gate
# seen: refused, "may not be called"
# task: row_sums
# without: got in, "(?m)^passed$"

from honest import *


def kept(x, add=torch.Tensor.sum):
    return add(x, 1)


def row_sums(x):
    return kept(x)
