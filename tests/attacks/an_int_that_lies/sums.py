# tries: to answer with an int that equals everything
# stopped by: plain data
# seen: failed, "got 5, expected 6"
# without: got in

from honest import *


class Lie(int):
    def __eq__(self, other):
        return True

    __hash__ = None


def double(x):
    return Lie(5)
