# tries: to carry a docstring of megabytes and odd names
# stopped by: output cap
# seen: passed, ""
# without: got in

from honest import *


__doc__ = "x" * 10**6
globals()["\x1b[31m"] = None


def double(x):
    return 2 * x
