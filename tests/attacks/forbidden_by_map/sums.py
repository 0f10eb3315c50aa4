# tries: to let map call what is forbidden
# stopped by: gate
# seen: refused, "may not be called"
# task: row_sums
# without: got in, "(?m)^passed$"

from honest import *


def row_sums(x):
    return torch.stack(list(map(torch.sum, x)))
