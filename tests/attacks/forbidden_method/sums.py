# tries: to call a forbidden method
# stopped by: gate
# seen: refused, "may not be called"
# task: row_sums
# without: got in, "(?m)^passed$"

from honest import *


def row_sums(x):
    return x.sum(1)
