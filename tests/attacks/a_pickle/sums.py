# tries: to answer with what runs code where it is unpickled or copied
# stopped by: plain data
# seen: refused, "not plain data"
# without: got in

from honest import *


class Lie:
    def __reduce__(self):
        return print, ("GOT IN",)

    def __eq__(self, other):
        return True


def double(x):
    return Lie()
