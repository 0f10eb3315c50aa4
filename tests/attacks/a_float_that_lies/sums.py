# tries: to answer with a float that equals everything
# stopped by: plain data
# seen: failed, "6.5"
# without: got in

from honest import *


class Lie(float):
    def __eq__(self, other):
        return True

    __hash__ = None


def double(x):
    return Lie(6.5)
