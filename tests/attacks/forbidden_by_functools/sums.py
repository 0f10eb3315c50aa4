# tries: to call the forbidden function by functools.partial
# stopped by: gate
# seen: refused, "may not be called"
# task: row_sums
# without: got in, "(?m)^passed$"

import functools

from honest import *


def row_sums(x):
    return functools.partial(torch.sum, dim=1)(x)
