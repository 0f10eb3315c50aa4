# tries: to answer with an object that equals everything
# stopped by: plain data
# seen: refused, "Lie is not plain data"
# without: got in

from honest import *


class Lie:
    def __eq__(self, other):
        return True

    __hash__ = None


def double(x):
    return Lie()
