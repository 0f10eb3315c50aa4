# tries: to answer with a dict whose items change at every look
# stopped by: plain data
# seen: failed, "got a dict"
# without: got in

from honest import *


class Lie(dict):
    def items(self):
        print("GOT IN: asked")
        return [(6, 6)]

    def __eq__(self, other):
        return True

    __hash__ = None


def double(x):
    return Lie({6: 6})
