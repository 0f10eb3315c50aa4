# tries: to call the forbidden method through the argument's class
# stopped by: gate
# seen: refused, "may not be called"
# task: row_sums
# without: got in, "(?m)^passed$"

from honest import *


def row_sums(x):
    return type(x).sum(x, 1)
