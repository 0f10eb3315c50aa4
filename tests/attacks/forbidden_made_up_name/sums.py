# tries: to make the forbidden name up
# stopped by: gate
# seen: refused, "may not be called"
# task: row_sums
# without: got in, "(?m)^passed$"

from honest import *


def row_sums(x):
    return getattr(torch, "su" + "m")(x, 1)
