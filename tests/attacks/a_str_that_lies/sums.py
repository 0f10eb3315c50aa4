# tries: to answer with a str that equals everything
# stopped by: plain data
# seen: failed, "got a str"
# without: got in

from honest import *


class Lie(str):
    def __eq__(self, other):
        return True

    __hash__ = None


def double(x):
    return Lie("6")
