# tries: to answer with what numpy and float take for six
# stopped by: plain data
# seen: refused, "not plain data"
# without: got in

from honest import *


class Lie:
    def __array__(self, *a):
        return 6

    def __torch_function__(*a, **k):
        return True

    __float__ = lambda self: 6.0
    __eq__ = lambda self, other: True


def double(x):
    return Lie()
