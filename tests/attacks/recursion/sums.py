# tries: to recurse without end
# stopped by: another process
# seen: error, "RecursionError"
# without: got in

from honest import *


def double(x):
    return double(x)
