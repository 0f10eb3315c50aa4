# tries: to answer with a list that equals everything
# stopped by: plain data
# seen: failed, "got a list"
# without: got in

from honest import *


class Lie(list):
    def __eq__(self, other):
        return True

    __hash__ = None


def double(x):
    return Lie([])
