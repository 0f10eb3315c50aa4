# tries: to call the forbidden method by operator.methodcaller
# stopped by: gate
# seen: refused, "may not be called"
# task: row_sums
# without: got in, "(?m)^passed$"

import operator

from honest import *


def row_sums(x):
    return operator.methodcaller("sum", 1)(x)
