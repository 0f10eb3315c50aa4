# tries: to claim another class, and its numbers
# stopped by: plain data
# seen: refused, "not plain data"
# without: got in

from honest import *


class Lie:
    __class__ = int
    __int__ = __index__ = lambda self: 6
    __eq__ = lambda self, other: True


def double(x):
    return Lie()
