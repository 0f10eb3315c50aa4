# tries: to answer with an object that runs code where it is compared, printed or copied
# stopped by: plain data
# seen: refused, "not plain data"
# without: got in

from honest import *


class Acting:
    def act(self, *arguments):
        print("GOT IN: run by another")
        return True

    __eq__ = __repr__ = __float__ = __iter__ = __copy__ = __deepcopy__ = __reduce__ = act


def double(x):
    return Acting()
