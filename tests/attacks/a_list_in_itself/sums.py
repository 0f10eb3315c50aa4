# tries: to answer with a list that contains itself
# stopped by: wire limits
# seen: refused, "nested deeper"
# without: got in

from honest import *


def double(x):
    x = []
    x.append(x)
    return x
