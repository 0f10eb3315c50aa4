# tries: to answer with a list that contains itself
# stopped by: wire limits
# seen: refused, "nested deeper"
# without: not tried: without it the encoder meets Python's own limit of recursion, an error in the worker

from honest import *


def double(x):
    x = []
    x.append(x)
    return x
